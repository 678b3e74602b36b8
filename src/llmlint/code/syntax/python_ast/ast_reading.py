"""How a node of `ast` finds its reader, and what readers share."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from llmlint.code.syntax import tree
from llmlint.code.syntax.tree import Node


class TooDeep(ast.AST):
    """Stands where a part of the tree was cut off."""

    _attributes = ("lineno", "col_offset", "end_lineno", "end_col_offset")

    def __init__(self, lineno: int, col_offset: int, end_lineno: int | None, end_col_offset: int | None) -> None:
        super().__init__()
        self.lineno = lineno
        self.col_offset = col_offset
        self.end_lineno = lineno if end_lineno is None else end_lineno
        self.end_col_offset = col_offset if end_col_offset is None else end_col_offset


class File:
    """What reading one file has to remember."""

    __slots__ = ("broken", "classes", "in_format", "lines")

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.classes: list[str] = []
        self.in_format = 0
        self.broken: list[tree.Broken] = []


Ast = Any
"""An `ast` node. Its declared types call the end of its place optional; the parser always sets it."""

Reader = Callable[[Ast, File], Node]

READ: dict[type, Reader] = {}


def reads(*kinds: type) -> Callable[[Reader], Reader]:
    """Enter a function into the table."""

    def enter(reader: Reader) -> Reader:
        for kind in kinds:
            READ[kind] = reader
        return reader

    return enter


def at(n: Ast) -> tuple[int, int, int, int]:
    return n.lineno, n.col_offset + 1, n.end_lineno, n.end_col_offset + 1


def one(n: Ast, file: File) -> Node:
    return READ[type(n)](n, file)


def maybe(n: Ast, file: File) -> Node | None:
    return None if n is None else READ[type(n)](n, file)


def every(nodes: Iterable[Ast], file: File) -> list[Node]:
    return [READ[type(n)](n, file) for n in nodes]


@reads(TooDeep)
def _too_deep(n: Ast, file: File) -> Node:
    here = tree.Broken(*at(n), [])
    file.broken.append(here)
    return here
