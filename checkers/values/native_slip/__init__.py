"""LLM957: legal C and C++ that does nothing of what it says.

Each mechanism is one shape of the tree that has no honest use: what an operator is given (`operands`), what a statement
does (`statements`), what a declared type makes of either (`typed`), and what a message says (`messages`).
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.values.native_slip.code import Body, Code, Slip
from llmlint.checkers.values.native_slip.messages import Messages, value_missing, value_not_shown
from llmlint.checkers.values.native_slip.operands import OF_OPERANDS
from llmlint.checkers.values.native_slip.statements import OF_STATEMENTS
from llmlint.checkers.values.native_slip.typed import OF_FUNCTIONS
from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step


def check_file(file: SourceFile) -> Iterator[Report]:
    code = Code(file)
    for kind, checks in (*OF_OPERANDS.items(), *OF_STATEMENTS.items()):
        for node in nodes(file.tree, kind):
            for check in checks:
                for slip in check(node, code):
                    if code.is_read(slip.at):
                        yield _report(file, slip, check.__name__)
    for function in nodes(file.tree, tree.Function):
        body = Body(function)
        for check_body in OF_FUNCTIONS if function.body else ():
            for slip in check_body(body, code):
                if code.is_read(slip.at):
                    yield _report(file, slip, check_body.__name__)
    messages = Messages(nodes(file.tree, tree.Call), code)
    for check_messages in (value_missing, value_not_shown):
        for slip in check_messages(messages):
            if code.is_read(slip.at):
                yield _report(file, slip, check_messages.__name__)


def _report(file: SourceFile, slip: Slip, mechanism: str) -> Report:
    return Report(
        place_of(slip.at),
        qualname_at(file.facts, slip.at.line),
        slip.message,
        (Step("", slip.at.line, slip.message),),
        confidence=slip.confidence,
        reason=slip.doubts or "nobody writes this for what it does",
        subject=slip.message,
        fix=slip.fix,
        mechanism=f"native_slip.{mechanism}",
    )
