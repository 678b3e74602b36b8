"""The text behind a tree: slices of source for messages, tests and keys."""

from __future__ import annotations

from llmlint.code.syntax.tree import Node

_LONGEST = 160


class SourceText:
    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")

    def of(self, node: Node | None, longest: int = _LONGEST) -> str:
        """A node as written, white space folded to single blanks, cut at `longest` characters."""
        if node is None:
            return ""
        return self.between(node.line, node.column, node.end_line, node.end_column, longest)

    def between(self, line: int, column: int, end_line: int, end_column: int, longest: int = _LONGEST) -> str:
        lines = self.lines
        if line > len(lines):
            return ""
        if line == end_line:
            return lines[line - 1][column - 1 : min(end_column - 1, column - 1 + longest)]
        # A text cut at `longest` needs no more than that many lines.
        last = min(end_line, line + longest, len(lines))
        parts = [lines[line - 1][column - 1 :], *lines[line : last - 1]]
        parts.append(lines[last - 1][: end_column - 1] if last == end_line else lines[last - 1])
        return " ".join(" ".join(parts).split())[:longest]
