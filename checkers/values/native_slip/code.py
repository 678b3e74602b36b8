"""What the checks of this rule ask of a file: how nodes are written, and what is declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple, TypeVar

from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.code.syntax.written import text_of

_LOUD = re.compile(r"[A-Z][A-Z0-9_]+|k[A-Z]\w*")
_SCOPED = re.compile(r"[\w:]+::[A-Za-z_]\w*")
_ONLY_TELLS = frozenset({"size", "length", "empty", "begin", "end", "cbegin", "cend", "data"})
"""What containers of the standard library tell of themselves: en.cppreference.com/w/cpp/container."""

STANDARD_ERRORS = frozenset(
    "exception logic_error invalid_argument domain_error length_error out_of_range runtime_error range_error "
    "overflow_error underflow_error system_error bad_alloc bad_cast bad_function_call bad_optional_access".split()
)
"""Exceptions of the standard library: en.cppreference.com/w/cpp/error/exception."""


class Slip(NamedTuple):
    at: tree.Node
    message: str
    fix: str
    confidence: str = "medium"
    doubts: str = ""


class Code:
    """One file, for the checks of its nodes."""

    def __init__(self, file: SourceFile) -> None:
        self.lines = file.text.split("\n")
        self.errors = {cls.name for cls in file.facts.classes if any(map(_is_error, cls.bases))}
        """Exceptions of this file."""
        self.broken = file.tree.broken
        logics = nodes(file.tree, tree.Logic)
        self._inner = {id(part) for one in logics for part in one.operands if _goes_on(one, part)}

    def text(self, node: tree.Node) -> str:
        return text_of(node, self.lines)

    def short(self, node: tree.Node) -> str:
        return self.text(node)[:60]

    def same(self, one: tree.Node, other: tree.Node) -> bool:
        return type(one) is type(other) and self.text(one) == self.text(other) != ""

    def chain(self, node: tree.Node) -> list[tree.Node]:
        """All that `&&` or `||` joins here; nothing of what is part of a longer chain."""
        return [] if id(node) in self._inner or not isinstance(node, tree.Logic) else list(operands_of(node))

    def between(self, one: tree.Node, other: tree.Node) -> str:
        """What stands between two nodes: operators and brackets."""
        if one.end_line == other.line:
            return self.lines[one.end_line - 1][one.end_column - 1 : other.column - 1]
        first, last = self.lines[one.end_line - 1][one.end_column - 1 :], self.lines[other.line - 1][: other.column - 1]
        return "\n".join((first, *self.lines[one.end_line : other.line - 1], last))

    def has_directive(self, node: tree.Node) -> bool:
        """Does the preprocessor choose between parts of it?"""
        return any(line.lstrip().startswith("#") for line in self.lines[node.line - 1 : node.end_line])

    def begins_a_branch(self, node: tree.Node) -> bool:
        """Does it stand first behind a directive? It may end what was begun above that."""
        above = (line.strip() for line in reversed(self.lines[: node.line - 1]))
        return next(filter(None, above), "").startswith("#")

    def is_read(self, node: tree.Node) -> bool:
        """Was all around it read as code? A condition of the preprocessor, and what did not parse, were not."""
        return not self.lines[node.line - 1].lstrip().startswith("#") and not any(
            broken.line <= node.line <= broken.end_line for broken in self.broken
        )

    def is_constant(self, node: tree.Node) -> bool:
        """Does it have one value wherever it stands: a literal, or the name of a constant?"""
        match node:
            case tree.Unary(op="-", operand=operand):
                return self.is_constant(operand)
            case tree.Literal():
                return True
            case tree.Name(id=name):
                return _LOUD.fullmatch(name) is not None
            case tree.Attribute():
                return _SCOPED.fullmatch(self.text(node)) is not None
        return False


def _is_error(base: str) -> bool:
    return base.rpartition("::")[2] in STANDARD_ERRORS


def only_tells(node: tree.Node) -> bool:
    """Is the answer the same when it is asked again at once?"""
    return not any(map(_may_change, tree.walk(node)))


def _may_change(node: tree.Node) -> bool:
    match node:
        case tree.Call(function=tree.Attribute(name=name), args=[]) if name in _ONLY_TELLS:
            return False
        case tree.Unary(op=op):
            return op in ("++", "--")
    return isinstance(node, tree.Call | tree.Named | tree.New | tree.Lambda)


def _goes_on(whole: tree.Logic, part: tree.Node) -> bool:
    return isinstance(part, tree.Logic) and part.op == whole.op


def operands_of(node: tree.Logic) -> Iterator[tree.Node]:
    """All that one chain of `&&` or of `||` joins."""
    for operand in node.operands:
        if isinstance(operand, tree.Logic) and _goes_on(node, operand):
            yield from operands_of(operand)
        else:
            yield operand


def is_null(node: tree.Node) -> bool:
    return (isinstance(node, tree.Literal) and node.kind == "none") or (
        isinstance(node, tree.Name) and node.id == "NULL"
    )


def is_zero(node: tree.Node) -> bool:
    return isinstance(node, tree.Literal) and node.kind == "int" and node.text == "0"


_N = TypeVar("_N", bound=tree.Node)


class Body:
    """What a function holds, by kind, and what it declares."""

    def __init__(self, function: tree.Function) -> None:
        self.function = function
        self._parts: dict[type[tree.Node], list[tree.Node]] = {}
        for node in tree.walk_own(function):
            self._parts.setdefault(type(node), []).append(node)

    def parts(self, kind: type[_N]) -> list[_N]:
        return self._parts.get(kind, [])  # type: ignore[return-value]

    @cached_property
    def parameters(self) -> frozenset[str]:
        return frozenset(param.name for param in self.function.params)

    @cached_property
    def types(self) -> dict[str, str]:
        """Of parameters and locals, as written; none of a name that is declared as two."""
        found: dict[str, set[str]] = {}
        for param in self.function.params:
            if isinstance(param.annotation, tree.TypeName):
                found.setdefault(param.name, set()).add(param.annotation.text)
        for node in self.parts(tree.Assign):
            if node.declares and isinstance(node.annotation, tree.TypeName):
                for target in node.targets:
                    if isinstance(target, tree.Name):
                        found.setdefault(target.id, set()).add(node.annotation.text)
        return {name: types.pop() for name, types in found.items() if len(types) == 1}
