"""Where a line of a file stands, for checkers that look at one file."""

from __future__ import annotations

from llmlint.code.facts.facts import FileFacts, Function
from llmlint.code.syntax import tree
from llmlint.findings import Place


def qualname_at(facts: FileFacts, line: int) -> str:
    """The innermost function around a line, "<module>" outside of all."""
    function = innermost_at(facts, line)
    return function.qualname if function is not None else "<module>"


def functions_at(facts: FileFacts, line: int) -> list[Function]:
    """The functions that a line stands in, nested ones too."""
    return [f for f in facts.functions if f.name != "<module>" and f.line <= line <= f.end_line]


def innermost_at(facts: FileFacts, line: int) -> Function | None:
    return max(functions_at(facts, line), key=lambda function: function.line, default=None)


def place_of(node: tree.Node) -> Place:
    return Place("", node.line, node.column, node.end_line, node.end_column)
