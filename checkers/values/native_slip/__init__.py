"""LLM957: legal C and C++ that does nothing of what it says.

Each mechanism is one shape of the tree that has no honest use: what an operator is given (`operands`), what a statement
does (`statements`), what a message says (`messages`), how long an array is (`extents`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmlint.checkers.contracts.slips import Slip, told
from llmlint.checkers.values.native_slip import operands, statements
from llmlint.checkers.values.native_slip.code import Code
from llmlint.checkers.values.native_slip.extents import Extents
from llmlint.checkers.values.native_slip.messages import Messages, value_missing, value_not_shown
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import functions_of
from llmlint.findings import Report

_CHECKS: dict[type[tree.Node], tuple[Callable[[tree.Node, Code], Iterator[Slip]], ...]] = {
    tree.Logic: (operands.operand_twice, operands.null_and_used, operands.literal_as_test),
    tree.Expression: (statements.compared_for_nothing,),
    tree.Assign: (statements.assigned_to_itself,),
    tree.If: (statements.position_as_truth,),
    tree.Conditional: (statements.position_as_truth,),
    tree.Loop: (statements.counts_something_else, statements.narrow_counter, statements.position_as_truth),
}


def check_file(file: SourceFile) -> Iterator[Report]:
    code = Code(file)
    extents = Extents(file.tree, code)
    for slip in extents.short_tables():
        yield from _told(file, code, slip, "short_tables")
    calls: list[tree.Call] = []
    waiting = functions_of(file.tree)
    while waiting:
        code.function = waiting.pop()
        for check_array in (extents.beyond, extents.unended, extents.printed_length):
            for slip in check_array(code.function):
                yield from _told(file, code, slip, check_array.__name__)
        for node in tree.walk_own(code.function):
            if type(node) in _CHECKS:
                for check in _CHECKS[type(node)]:
                    for slip in check(node, code):
                        yield from _told(file, code, slip, check.__name__)
            elif isinstance(node, tree.Call):
                calls.append(node)
            elif not tree.is_of_the_same(node):
                waiting += _functions_in(node)
    messages = Messages(calls, code)
    for check_messages in (value_missing, value_not_shown):
        for slip in check_messages(messages):
            yield from _told(file, code, slip, check_messages.__name__)


def _functions_in(node: tree.Node) -> Iterator[tree.Function]:
    """The lambda, or the methods of the class, that a function holds."""
    below = tree.walk(node, into=lambda inner: not isinstance(inner, tree.Function))
    return (inner for inner in below if isinstance(inner, tree.Function))


def _told(file: SourceFile, code: Code, slip: Slip, mechanism: str) -> Iterator[Report]:
    if code.is_read(slip.at):
        yield told(file, slip, f"native_slip.{mechanism}", "medium")
