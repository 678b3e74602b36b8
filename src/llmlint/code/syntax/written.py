"""Nodes as they are written."""

from __future__ import annotations

from collections.abc import Sequence

from llmlint.code.syntax import tree


def text_of(node: tree.Node, lines: Sequence[str]) -> str:
    """A node as written, on one line."""
    rows = lines[node.line - 1 : node.end_line]
    if not rows:
        return ""
    rows = [*rows[:-1], rows[-1][: node.end_column - 1]]
    rows[0] = rows[0][node.column - 1 :]
    return " ".join(" ".join(rows).split())
