"""Copies of a record that a function makes field by field: by keywords of a constructor, or by assignments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from llmlint.code.facts.facts import Effect
from llmlint.code.flow.with_helpers import is_helped
from llmlint.code.link.entities import FunctionInfo

FEWEST = 4
"""So many fields that keep their names make a copy."""

_MEMBER = re.compile(r"[^.\[(]*")
_FILLS = ("assign", "insert", "clear")
_SUMS = frozenset({"+=", "-=", "*=", "/=", "|=", "&=", "^="})
"""Who adds one record to another merges them, and has his reasons for each field."""


class Copy(NamedTuple):
    """`target` is the path of what is filled, "" where `made` names the constructor that is called.

    `taken` are the fields that get what the field of the same name holds in `source`; `handled` are all that the
    function gives to the one or asks of the other. `at` is the constructor's call or the last assignment.
    """

    target: str
    source: str
    taken: tuple[str, ...]
    handled: frozenset[str]
    at: Effect
    made: str = ""


def copies_in(function: FunctionInfo) -> Iterator[Copy]:
    yield from _built(function)
    yield from _filled(function)


def _built(function: FunctionInfo) -> Iterator[Copy]:
    for effect in function.doing("call"):
        if len(effect.args) < FEWEST or not effect.args[FEWEST - 1].keyword:
            continue
        given = {a.keyword: (a.written or a.path, *a.reads) for a in effect.args}
        if len(given) < FEWEST or {"*", "**", ""} & given.keys():
            continue
        source, taken = _widest(given)
        if len(taken) >= FEWEST:
            handled = given.keys() | _given(function, effect.result) | _asked(function, source)
            yield Copy("", source, taken, frozenset(handled), effect, effect.callee)


def _widest(given: dict[str, tuple[str, ...]]) -> tuple[str, tuple[str, ...]]:
    """The object most of the values come from, and the fields that keep their names."""
    found: dict[str, list[str]] = {}
    for name, paths in given.items():
        for root in _owners(paths, name):
            found.setdefault(root, []).append(name)
    source = max(found, key=lambda root: len(found[root]), default="")
    return source, tuple(found.get(source, ()))


def _owners(paths: Iterable[str], name: str) -> set[str]:
    """`x` and `self.x` for the field `name` among `x.name[0]` and `self.x.name`."""
    ending = f".{name}"
    bare = (path.rstrip("[]") for path in paths if ending in path)
    return {path.removesuffix(ending) for path in bare if path.endswith(ending)}


def _filled(function: FunctionInfo) -> Iterator[Copy]:
    found: dict[tuple[str, str], dict[str, Effect]] = {}
    fills = [e for e in function.doing(*_FILLS) if "." in e.path and e.via not in _SUMS]
    for effect in fills if len(fills) >= FEWEST else ():
        target, _, name = effect.path.rpartition(".")
        if name.isidentifier():
            for source in _owners((effect.source, *effect.reads), name) - {target}:
                found.setdefault((target, source), {}).setdefault(name, effect)
    for (target, source), fields in found.items():
        if len(fields) >= FEWEST and not _copied_whole(function, target, source):
            handled = _given(function, target) | _asked(function, source)
            yield Copy(target, source, tuple(fields), frozenset(handled), list(fields.values())[-1])


def _copied_whole(function: FunctionInfo, target: str, source: str) -> bool:
    """Made of the source first, or copied by a helper that is given both, and not read as a part of the function."""
    for effect in function.effects:
        if (effect.path == target and effect.source == source) or (effect.result == target and _hands(effect, source)):
            return True
        handed = {argument.path for argument in effect.args} | {effect.callee.rpartition(".")[0]}
        if source in handed and ({target, "super()"} & handed) and not is_helped(function, effect):
            return True
    return False


def _hands(effect: Effect, source: str) -> bool:
    """Does a call get the object or part of it?"""
    return any(path == source or path.startswith(f"{source}.") for a in effect.args for path in (a.path, *a.reads))


def _given(function: FunctionInfo, owner: str) -> set[str]:
    """Every field of the object that the function changes."""
    return _members((e.path for e in function.effects if e.op in (*_FILLS, "remove", "call")), owner)


def _asked(function: FunctionInfo, owner: str) -> set[str]:
    """Every field of the object that the function reads or hands on."""
    paths = [path for path, _ in function.reads]
    for effect in function.effects:
        paths += (effect.path, *effect.reads, *(p for a in effect.args for p in (a.path, a.written)))
    return _members(paths, owner)


def _members(paths: Iterable[str], owner: str) -> set[str]:
    start = f"{owner}."
    return {_MEMBER.match(path, len(start))[0] for path in paths if path.startswith(start)}  # type: ignore[index]
