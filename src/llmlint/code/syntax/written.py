"""Nodes as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from llmlint.code.syntax import tree


def text_of(node: tree.Node, lines: Sequence[str]) -> str:
    """A node as written, on one line."""
    if node.line == node.end_line and node.line <= len(lines):  # whole lines are not copied: some are long
        return " ".join(lines[node.line - 1][node.column - 1 : node.end_column - 1].split())
    rows = lines[node.line - 1 : node.end_line]
    if not rows:
        return ""
    rows = [*rows[:-1], rows[-1][: node.end_column - 1]]
    rows[0] = rows[0][node.column - 1 :]
    return " ".join(" ".join(rows).split())


@lru_cache(maxsize=65536)
def mentions(text: str, place: str) -> bool:
    """Does a text speak of a place, or of a part of it, and not only of a name that holds its letters?"""
    at = text.find(place)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(place) : at + len(place) + 1]
        if not (before.isalnum() or before in ("_", ".")) and not (after.isalnum() or after == "_"):
            return True
        at = text.find(place, at + 1)
    return False
