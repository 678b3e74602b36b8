"""How a node of tree-sitter finds its reader, and what readers share.

One table maps node types to small functions; what is not in it is walked through for the nodes below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llmlint.code.syntax import tree

_DEEPEST = 300
_BLOCKS = frozenset(
    "compound_statement translation_unit declaration_list field_declaration_list else_clause case_statement".split()
)

Read = tree.Node | list[tree.Node] | None
Reader = Callable[["File", Any], Read]

_READ: dict[str, Reader] = {}


def reads(*kinds: str) -> Callable[[Reader], Reader]:
    """Enters a function into the table."""

    def enter(reader: Reader) -> Reader:
        _READ.update(dict.fromkeys(kinds, reader))
        return reader

    return enter


class File:
    """One file's bytes, where the reading stands in it, and what it met that did not parse."""

    def __init__(self, data: bytes, language: tree.Language) -> None:
        self.data = data
        self.language = language
        self.column = tree.Columns(data)
        self._is_ascii = data.isascii()
        self.namespace: list[str] = []
        self.broken: list[tree.Broken] = []
        self.depth = 0

    def at(self, node: Any) -> tuple[int, int, int, int]:
        (line, column), (end_line, end_column) = node.start_point, node.end_point
        if self._is_ascii:
            return line + 1, column + 1, end_line + 1, end_column + 1
        convert = self.column
        return line + 1, convert(line + 1, column), end_line + 1, convert(end_line + 1, end_column)

    def text(self, node: Any) -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def name(self, node: Any) -> tree.Name:
        return tree.Name(*self.at(node), self.text(node))

    def one(self, node: Any) -> tree.Node:
        """An expression as one node; several below an unknown one become a tuple."""
        found = self._read(node)
        if found is None:
            found = []
        elif type(found) is not list:
            return found  # type: ignore[return-value]
        if len(found) == 1:
            return found[0]
        return tree.Collection(*self.at(node), "tuple", found)

    def maybe(self, node: Any) -> tree.Node | None:
        return self.one(node) if node is not None else None

    def many(self, node: Any) -> list[tree.Node]:
        found = self._read(node)
        if found is None:
            return []
        return found if isinstance(found, list) else [found]

    def _read(self, node: Any) -> Read:
        handler = _READ.get(node.type)
        self.depth += 1
        try:
            if self.depth > _DEEPEST:
                return self.mark_broken(node, [])
            if handler is None:
                return [part for child in node.named_children for part in self.many(child)]
            return handler(self, node)
        finally:
            self.depth -= 1

    def body(self, node: Any) -> list[tree.Node]:
        """A statement or block as a list of statements."""
        if node is None:
            return []
        children = node.named_children if node.type in _BLOCKS else [node]
        return [part for child in children for part in self.many(child)]

    def mark_broken(self, node: Any, body: list[tree.Node]) -> tree.Broken:
        broken = tree.Broken(*self.at(node), body)
        self.broken.append(broken)
        return broken
