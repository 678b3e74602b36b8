"""Where a bug can be planted, and a Python file as the mutators see it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

import msgspec

Def = ast.FunctionDef | ast.AsyncFunctionDef
Change = tuple[int, int, tuple[str, ...]]
"""First and last line, and the lines that take their place."""


Planted = tuple[str, int, str, list[Change]]
"""Symbol, line, what is done, and the edits that do it."""


class Mutator(msgspec.Struct, frozen=True):
    """`rules` are those whose mechanism the bug is; where none is named, no rule looks for it yet."""

    name: str
    does: str
    rules: tuple[str, ...]
    plant: Callable[[Any], Iterator[Planted]]


class Site(msgspec.Struct, frozen=True):
    """One bug that can be planted, by one mutator in one file of an engine."""

    mutator: Mutator
    path: str
    symbol: str
    line: int
    what: str
    changes: tuple[Change, ...]

    @property
    def key(self) -> str:
        return f"{self.mutator.name}:{self.path}:{self.line}:{self.what}"

    def planted(self, text: str) -> str:
        return changed(text, self.changes)


def sites(file: Any, path: str, mutators: Iterable[Mutator]) -> Iterator[Site]:
    for mutator in mutators:
        for symbol, line, what, changes in mutator.plant(file):
            yield Site(mutator, path, symbol, line, what, tuple(changes))


def changed(text: str, changes: Iterable[Change]) -> str:
    lines = text.split("\n")
    for first, last, new in sorted(changes, reverse=True):
        lines[first - 1 : last] = new
    return "\n".join(lines)


class PythonFile:
    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.tree = ast.parse(text)

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def classes(self) -> list[ast.ClassDef]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)]

    @cached_property
    def functions(self) -> list[Def]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Def)]

    def symbol(self, node: ast.AST) -> str:
        names: list[str] = []
        while node is not self.tree:
            names += [node.name] if isinstance(node, Def | ast.ClassDef) else []
            node = self.parents[node]
        return ".".join(reversed(names))

    def function_of(self, node: ast.AST) -> Def | None:
        while node is not self.tree:
            node = self.parents[node]
            if isinstance(node, Def):
                return node
        return None

    def without(self, statement: ast.stmt) -> Change:
        """The statement taken away; `pass` where its block would be empty."""
        parent = self.parents[statement]
        blocks = [getattr(parent, name, None) for name in ("body", "orelse", "finalbody")]
        alone = any(block == [statement] for block in blocks)
        indent = " " * statement.col_offset
        return statement.lineno, end(statement), (f"{indent}pass",) if alone else ()

    def head_as(self, statement: ast.stmt, head: str) -> Change:
        """Another head over the same block."""
        body = statement.body[0]  # type: ignore[attr-defined]
        return statement.lineno, max(statement.lineno, body.lineno - 1), (" " * statement.col_offset + head,)

    def replaced(self, node: ast.expr, new: str) -> Change:
        """The expression written otherwise, where it stands on one line."""
        line = self.lines[node.lineno - 1].encode()
        changed = line[: node.col_offset] + new.encode() + line[node.end_col_offset :]
        return node.lineno, node.end_lineno or node.lineno, (changed.decode(),)


def parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def end(node: ast.stmt | ast.expr) -> int:
    return node.end_lineno or node.lineno


def one_line(node: ast.AST) -> bool:
    return getattr(node, "lineno", 0) == getattr(node, "end_lineno", -1)


def methods(cls: ast.ClassDef) -> list[Def]:
    return [statement for statement in cls.body if isinstance(statement, Def)]


def inner(node: ast.AST) -> Iterator[ast.AST]:
    """What lies in a function, without what lies in functions inside it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, Def | ast.ClassDef | ast.Lambda):
            yield from inner(child)


def simple(function: ast.AST) -> list[ast.stmt]:
    kinds = ast.Expr | ast.Assign | ast.AugAssign | ast.Delete | ast.AnnAssign
    return [node for node in inner(function) if isinstance(node, kinds)]


def own(node: ast.AST | None) -> str:
    """The attribute's name where the node is `self.name`, else nothing."""
    is_own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return node.attr if is_own and isinstance(node, ast.Attribute) else ""


def call_of(statement: ast.AST) -> ast.Call | None:
    value = statement.value if isinstance(statement, ast.Expr) else None
    value = value.value if isinstance(value, ast.Await) else value
    return value if isinstance(value, ast.Call) else None


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def dotted(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if re.fullmatch(r"[\w.]+", text) else ""
