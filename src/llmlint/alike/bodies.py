"""What can be a place: a function or the members of a class, and what it does around one of its lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, TypeVar

from llmlint.alike.lessons import Lesson
from llmlint.alike.traits import Key, Trait, traits_of, traits_of_class
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.program import Program

K = TypeVar("K")

_FAR, _EASED = 0.5, 0.5
_FOR_ALL = frozenset({"asks", "locks", "catches", "finally", "decorated"})
"""Steps that hold for the rest of a function, wherever they are taken."""


class Body:
    """`first` and `last` are its lines; `function` is None for the members of a class."""

    def __init__(self, entity: FunctionInfo | ClassInfo, traits: Sequence[Trait]) -> None:
        self.path = entity.path
        self.symbol = entity.facts.qualname
        self.first, self.last = entity.facts.line, entity.facts.end_line
        self.traits = traits
        self.function = entity if isinstance(entity, FunctionInfo) else None

    @cached_property
    def lines(self) -> Mapping[Key, list[int]]:
        return _lines_by((trait.key, trait) for trait in self.traits)

    @cached_property
    def eased(self) -> Mapping[Key, list[int]]:
        return _lines_by((trait.eased, trait) for trait in self.traits if trait.eased is not None)

    @cached_property
    def about(self) -> Mapping[str, list[int]]:
        """The lines on which something is done to a value or asked of it."""
        return _lines_by((name, trait) for trait in self.traits for name in trait.about)

    def met(self, trait: Trait) -> list[Trait]:
        """The same traits here, else those that are the same with a kindred name."""
        same = [own for own in self.traits if own.key == trait.key]
        return same or [own for own in self.traits if own.eased is not None and own.eased == trait.eased]

    def applies(self, step: Trait) -> bool:
        """Has it what the step would be about?"""
        return not step.needs or not self.about.keys().isdisjoint(step.needs)

    def is_mended(self, lesson: Lesson) -> bool:
        """Is it one of the fixed functions, as it is since?"""
        if not any(self.is_at(spot.path, spot.symbol) for spot in lesson.spots):
            return False
        if lesson.added:
            return all(step.key in self.lines for step in lesson.added)
        return any(step.key not in self.lines for step in lesson.dropped)

    def is_at(self, path: str, symbol: str) -> bool:
        return symbol == self.symbol and same_file(path, self.path)


class Here(NamedTuple):
    """A body as seen from one of its lines."""

    body: Body
    line: int
    reach: int

    def sees(self, lines: Iterable[int]) -> bool:
        return any(abs(line - self.line) <= self.reach for line in lines)

    def likeness(self, trait: Trait) -> float:
        """1 for the same near the line, less where it is further off or has a kindred name only."""
        if lines := self.body.lines.get(trait.key):
            return 1.0 if self.sees(lines) else _FAR
        if trait.eased is not None and (lines := self.body.eased.get(trait.eased)):
            return _EASED * (1.0 if self.sees(lines) else _FAR)
        return 0.0

    def has_done(self, step: Trait, lesson: Lesson) -> bool:
        """Is the step taken already, also in other words where the fix did not change the words?"""
        lines = self.body.lines.get(step.key, ())
        if lines and (step.kind in _FOR_ALL or self.sees(lines)):
            return True
        eased = step.eased
        changes_words = eased is None or any(dropped.eased == eased for dropped in lesson.dropped)
        return step.kind == "asks" and not changes_words and eased in self.body.eased

    def nearest(self, lines: Iterable[int]) -> int:
        return min(lines, key=lambda line: abs(line - self.line), default=self.line)


def bodies_of(program: Program) -> Iterator[Body]:
    for function in program.functions:
        if function.facts.has_body and function.facts.effects:
            yield Body(function, traits_of(function.facts))
    for cls in program.classes:
        if cls.language != "python" and (traits := traits_of_class(cls.facts)):
            yield Body(cls, traits)


def _lines_by(named: Iterable[tuple[K, Trait]]) -> dict[K, list[int]]:
    found: dict[K, list[int]] = {}
    for name, trait in named:
        found.setdefault(name, []).append(trait.line)
    return found


def same_file(one: str, other: str) -> bool:
    """The same by two names, of which one may begin further down."""
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")
