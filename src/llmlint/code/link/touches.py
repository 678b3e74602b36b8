"""Who touches an attribute: every place in the program that changes or reads it, outsiders included.

Where the class of the object is known, it decides. Where it is not, the name does, if only one family of classes in
the program has an attribute of that name; such places are marked `by_name`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from llmlint.code.facts.facts import Effect, Function
from llmlint.code.facts.gists import CHANGING, NAMES, changed_name
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.once import once
from llmlint.code.link.types import Types


class Touch(NamedTuple):
    """A change of an attribute. `path` is where the effect says it happens: `scheduler.requests[]`."""

    function: FunctionInfo
    effect: Effect
    path: str
    by_name: bool


class Read(NamedTuple):
    """A reading of an attribute: the first of that path in the function."""

    function: FunctionInfo
    path: str
    line: int
    by_name: bool


class Touches:
    def __init__(self, classes: Sequence[ClassInfo], functions: Sequence[FunctionInfo], types: Types) -> None:
        self._classes = classes
        self._functions = functions
        self._types = types
        self._receivers: dict[tuple[FunctionInfo, str], ClassInfo | None] = {}

    def touches(self, cls: ClassInfo, attribute: str) -> tuple[Touch, ...]:
        found = []
        for function, effect, path in self.changes_named(attribute):
            receiver = _bare(path).rpartition(".")[0]
            by_name = self._matches(function, receiver, cls, attribute)
            if by_name is not None:
                found.append(Touch(function, effect, path, by_name))
        return tuple(found)

    def reads(self, cls: ClassInfo, attribute: str) -> tuple[Read, ...]:
        found = []
        for function, path, line in self._readings_of(attribute):
            receiver = _before(path, attribute)
            by_name = self._matches(function, receiver, cls, attribute) if receiver else None
            if by_name is not None:
                found.append(Read(function, path, line, by_name))
        return tuple(found)

    def classes_touched_by(self, functions: Iterable[FunctionInfo]) -> set[ClassInfo]:
        return {cls for function in functions for cls in self._touched_by(function)}

    def _touched_by(self, function: FunctionInfo) -> Iterator[ClassInfo]:
        changed = (path for e in function.effects if e.op in CHANGING for path in (e.path, *e.maybe))
        for path in dict.fromkeys((*changed, *(path for path, _ in function.reads))):
            names = NAMES.findall(path)
            for name in names[1:]:
                receiver = _before(path, name)
                owner = self._receiver(function, receiver) if receiver else None
                if owner is not None:
                    yield owner
                elif receiver:
                    definers = self._definers.get(name, ())
                    if any(self._is_sole_family(definer, name) for definer in definers):
                        yield from definers

    def _matches(self, function: FunctionInfo, receiver: str, cls: ClassInfo, attribute: str) -> bool | None:
        """None: not of this class; else whether only the name says so."""
        owner = self._receiver(function, receiver)
        if owner is not None:
            return False if self._shares(owner, cls, attribute) else None
        return True if self._is_sole_family(cls, attribute) else None

    def _receiver(self, function: FunctionInfo, path: str) -> ClassInfo | None:
        key = (function, path)
        if key not in self._receivers:
            self._receivers[key] = self._types.class_of(function, path)
        return self._receivers[key]

    @staticmethod
    def _shares(owner: ClassInfo, cls: ClassInfo, attribute: str) -> bool:
        """May an object seen as an `owner` be a `cls`? A mixin sees what only the class made of it defines."""
        return owner.is_kin_of(cls) or any(sub in cls.subclasses for sub in owner.subclasses)

    def _is_sole_family(self, cls: ClassInfo, attribute: str) -> bool:
        definers = self._definers.get(attribute, ())
        return bool(definers) and all(definer.is_kin_of(cls) or _related(definer, cls) for definer in definers)

    @cached_property
    def _definers(self) -> dict[str, list[ClassInfo]]:
        definers: dict[str, list[ClassInfo]] = {}
        for cls in self._classes:
            for name in cls.attribute_names:
                definers.setdefault(name, []).append(cls)
        return definers

    @cached_property
    def _changing(self) -> dict[str, list[FunctionInfo]]:
        return _by_name((function, function.facts.gist.changes) for function in self._functions)

    @cached_property
    def _reading(self) -> dict[str, list[FunctionInfo]]:
        return _by_name((function, function.facts.gist.reads) for function in self._functions)

    def changes_named(self, attribute: str) -> Iterator[tuple[FunctionInfo, Effect, str]]:
        """Every change of an attribute of this name, of whatever object, and the path that bears the name."""
        for function in self._changing.get(attribute, ()):
            for effect, path in once(function.settled, _changes_in).get(attribute, ()):
                yield function, effect, path

    def _readings_of(self, attribute: str) -> Iterator[tuple[FunctionInfo, str, int]]:
        for function in self._reading.get(attribute, ()):
            for path, line in once(function.settled, _readings_in).get(attribute, ()):
                yield function, path, line


def _by_name(speaking: Iterable[tuple[FunctionInfo, tuple[str, ...]]]) -> dict[str, list[FunctionInfo]]:
    """The functions by what their gists name."""
    found: dict[str, list[FunctionInfo]] = {}
    for function, names in speaking:
        for name in names:
            found.setdefault(name, []).append(function)
    return found


def _changes_in(function: Function) -> dict[str, list[tuple[Effect, str]]]:
    changes: dict[str, list[tuple[Effect, str]]] = {}
    for effect in function.effects:
        for path in (effect.path, *effect.maybe) if effect.op in CHANGING else ():
            if "." in path:
                changes.setdefault(changed_name(path), []).append((effect, path))
    return changes


def _readings_in(function: Function) -> dict[str, list[tuple[str, int]]]:
    readings: dict[str, list[tuple[str, int]]] = {}
    for path, line in function.reads:
        for name in dict.fromkeys(NAMES.findall(path)[1:]):
            readings.setdefault(name, []).append((path, line))
    return readings


def _related(one: ClassInfo, other: ClassInfo) -> bool:
    """Do both descend from one class of the program?"""
    return not set(one.mro).isdisjoint(other.mro)


def _bare(path: str) -> str:
    while path.endswith("[]"):
        path = path[:-2]
    return path


def _before(path: str, attribute: str) -> str:
    """What stands before the first `.attribute` in a path."""
    match = re.search(rf"\.{re.escape(attribute)}(?=[.\[(]|$)", path)
    return path[: match.start()] if match else ""
