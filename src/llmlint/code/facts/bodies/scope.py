"""What the names of a function stand for while its body is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from llmlint.code.syntax import tree

_DECORATORS_WITHOUT_SELF = ("staticmethod",)
ANOTHER_SELF = "lambda"
"""The `self` of a lambda inside of a method, which may be put onto any class, or that of the method around a class: no
name can be this word."""


@dataclass
class Scope:
    """What names mean where a function begins: its locals and what they stand for."""

    is_python: bool
    is_module: bool = False
    members: frozenset[str] = frozenset()
    locals: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    either: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names that stand for one of several paths, since branches that met gave them different ones."""
    copies: frozenset[str] = frozenset()
    """Names whose elements are those of what they stand for, in a container of their own: `left = list(self.queue)`."""

    def for_function(self, node: tree.Function, owner: str, closure_of: str, members: frozenset[str]) -> Scope:
        inner = Scope(
            is_python=self.is_python,
            is_module=node.name == "<module>",
            members=members or self.members,
            locals=set() if self.is_module else set(self.locals),
            aliases={} if self.is_module else dict(self.aliases),
            either={} if self.is_module else dict(self.either),
            copies=frozenset() if self.is_module else self.copies,
        )
        for parameter in node.params:
            inner.locals.add(parameter.name)
            inner.forget(parameter.name)
        if self.is_python and owner and all(p.name != "self" for p in node.params) and not _binds_self(node):
            inner.aliases["self"] = ANOTHER_SELF
        if self.is_python and owner and node.params and not _is_static(node) and not _makes_its_self(node):
            inner.aliases[node.params[0].name] = "self"
        return inner

    def copy(self) -> Scope:
        return replace(self, locals=set(self.locals), aliases=dict(self.aliases), either=dict(self.either))

    def stands_for(self, name: str, path: str, is_copy: bool = False) -> None:
        self.forget(name)
        self.aliases[name] = path
        if is_copy:
            self.copies |= {name}

    def forget(self, name: str) -> None:
        self.aliases.pop(name, None)
        self.either.pop(name, None)
        self.copies -= {name}

    def meaning(self) -> Meaning:
        return Meaning(dict(self.aliases), dict(self.either), self.copies)

    def take(self, meaning: Meaning) -> None:
        self.aliases, self.either, self.copies = dict(meaning.aliases), dict(meaning.either), meaning.copies

    def unsettle(self, names: Iterable[str]) -> None:
        """Where a loop begins: what its body binds anew stands for what it did before, or for something else."""
        for name in names:
            if name in self.aliases:
                self.either[name] = (self.aliases.pop(name),)


class Meaning(NamedTuple):
    """What local names stand for at one point."""

    aliases: dict[str, str]
    either: dict[str, tuple[str, ...]]
    copies: frozenset[str]

    def of(self, name: str) -> tuple[str, ...]:
        return (self.aliases[name],) if name in self.aliases else self.either.get(name, ())


def met(ways: Sequence[Meaning]) -> Meaning:
    """What names stand for where several ways meet: one thing where all agree, else any of them."""
    if len(ways) == 1:
        return ways[0]
    first = ways[0]
    aliases = {n: p for n, p in first.aliases.items() if all(way.aliases.get(n) == p for way in ways[1:])}
    names = dict.fromkeys(name for way in ways for name in (*way.aliases, *way.either) if name not in aliases)
    either = {name: tuple(dict.fromkeys(path for way in ways for path in way.of(name))) for name in names}
    return Meaning(aliases, either, frozenset(name for way in ways for name in way.copies))


def _makes_its_self(node: tree.Function) -> bool:
    """`self = super().__new__(cls)` in a method of the class: what is called so there is an object that it makes."""
    return node.params[0].name != "self" and _binds_self(node)


def _binds_self(node: tree.Function) -> bool:
    targets = (target for n in tree.walk_own(node) if isinstance(n, tree.Assign) for target in n.targets)
    return any(isinstance(target, tree.Name) and target.id == "self" for target in targets)


def _is_static(node: tree.Function) -> bool:
    return any(isinstance(d, tree.Name) and d.id in _DECORATORS_WITHOUT_SELF for d in node.decorators)


def is_within(path: str, prefix: str) -> bool:
    return path == prefix or (path.startswith(prefix) and path[len(prefix)] in ".[(")
