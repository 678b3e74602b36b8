"""Where a line of a file stands, for checkers that look at one file."""

from __future__ import annotations

from llmlint.code.facts.facts import FileFacts
from llmlint.code.syntax import tree
from llmlint.findings import Place


def qualname_at(facts: FileFacts, line: int) -> str:
    """The innermost function around a line, "<module>" outside of all."""
    around = [f for f in facts.functions if f.name != "<module>" and f.line <= line <= f.end_line]
    return max(around, key=lambda f: f.line).qualname if around else "<module>"


def place_of(node: tree.Node) -> Place:
    return Place("", node.line, node.column, node.end_line, node.end_column)
