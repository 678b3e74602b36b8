"""How a syntax node finds its reader, and what readers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tree_sitter import Node as Syntax

from llmlint.code.syntax import tree
from llmlint.code.syntax.tree import Columns, Node


class File:
    """What reading one file has to remember; `room` counts down the levels that may still be nested."""

    def __init__(self, data: bytes, room: int) -> None:
        self.columns = Columns(data)
        self.room = room
        self.classes: list[str] = []
        self.broken: dict[int, tree.Broken] = {}


Reader = Callable[[Syntax, File], Node]

READ: dict[str, Reader] = {}
"""Filled from the modules that read statements, expressions, patterns and strings."""

Place = tuple[int, int, int, int]


def text_of(node: Syntax | None) -> str:
    return node.text.decode("utf-8") if node and node.text else ""


def place(first: Syntax, last: Syntax, file: File) -> Place:
    """From the start of one node to the end of another."""
    (line, column), (end_line, end_column) = first.start_point, last.end_point
    return line + 1, file.columns(line + 1, column), end_line + 1, file.columns(end_line + 1, end_column)


def at(node: Syntax, file: File) -> Place:
    return place(node, node, file)


def parts(node: Syntax) -> list[Syntax]:
    """The children that mean something: no punctuation, no comments, nothing that did not parse."""
    return [child for child in node.named_children if not child.is_extra and not is_broken(child)]


def words_of(node: Syntax) -> set[str]:
    """The keywords and punctuation directly in this node."""
    return {child.type for child in node.children if not child.is_named}


def is_broken(node: Syntax) -> bool:
    return node.is_error or node.is_missing


def one(node: Syntax, file: File) -> Node:
    reader = READ.get(node.type)
    if reader is None or is_broken(node) or file.room == 0:
        return mark_broken(node, file)
    file.room -= 1
    try:
        return reader(node, file)
    finally:
        file.room += 1


def maybe(node: Syntax | None, file: File) -> Node | None:
    return one(node, file) if node else None


def every(nodes: Iterable[Syntax], file: File) -> list[Node]:
    return [one(node, file) for node in nodes]


def field(node: Syntax, name: str, file: File) -> Node:
    """A part every such node has; where it is missing, nothing parsed there."""
    child = node.child_by_field_name(name)
    return one(child, file) if child else tree.Broken(*at(node, file), [])


def mark_broken(node: Syntax, file: File) -> tree.Broken:
    """One region, with what can be made out inside."""
    if node.id not in file.broken:
        file.broken[node.id] = here = tree.Broken(*at(node, file), [])
        if file.room:
            file.room -= 1
            here.body = every((child for child in node.named_children if child.type in READ), file)
            file.room += 1
    return file.broken[node.id]
