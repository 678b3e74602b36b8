"""The places of a program that look as the fixed one did before, each with how much and why.

How alike two places are is the share of what stood around the fix that stands around the place too: near the step
first, then in the rest of the function, and what few functions do counts more than what all do. That is taken times the
share of the fix that is still to be done there, and a little more for kin.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from llmlint.alike.bodies import Body, Here, bodies_of, same_file
from llmlint.alike.lessons import Lesson
from llmlint.alike.traits import Key, Trait
from llmlint.code.domain.roots import roots_of
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.program import Program
from llmlint.findings import Step

BESIDE = ("test", "benchmark", "copy")
"""What stands there is no part of what serves."""
ITSELF = "the same function"

_LEAST = 0.2
"""Places less like the fixed one are not told."""
_CORE, _CORE_SHARE = 3.0, 0.55
"""What stands on the line of the step or is about its values weighs so much together, whatever else is done."""
_COMMON = 0.02
"""What a larger share of all functions does leads nowhere by itself."""
_THEIRS, _BY_HELPER = 0.5, 0.3
_SAME_CLASS, _SAME_METHOD, _SAME_NAME, _SAME_FILE = 1.2, 1.4, 1.2, 1.1
_WINDOW, _MOST_LINES, _MOST_ANCHORS = 8, 40, 8
_TOLD, _FEWEST = 4, 2


class Place(NamedTuple):
    """One place that looks as the fixed one did. `lacks` and `has` are steps in words; `steps` is the evidence."""

    path: str
    line: int
    symbol: str
    score: float
    lacks: tuple[str, ...]
    has: tuple[str, ...]
    steps: tuple[Step, ...]
    kin: str
    lesson: int


class Lookalikes:
    """All bodies of a program, to be asked for those like a lesson."""

    def __init__(self, program: Program) -> None:
        self.program = program
        roots = roots_of(program)
        self.bodies = [body for body in bodies_of(program) if roots.by_place(body.path) not in BESIDE]
        self._counts: Counter[Key] = Counter()
        self._of: dict[Key, list[int]] = {}
        self._helpers_of: dict[Body, list[Body]] = {}
        for number, body in enumerate(self.bodies):
            for key in (*body.lines, *body.eased):
                self._counts[key] += 1
                self._of.setdefault(key, []).append(number)

    def at(self, path: str, line: int) -> Body | None:
        """The innermost function around a line."""
        around = [b for b in self.bodies if b.path == path and b.first <= line <= b.last]
        return max(around, key=lambda body: (body.first, -body.last), default=None)

    def like(self, lesson: Lesson, number: int = 0) -> Iterator[Place]:
        """`number` is that of the lesson, for the reader."""
        weights = self._weights(lesson)
        anchors = self._anchors(lesson, weights)
        for at in sorted({at for key in anchors for at in self._of.get(key, ())}):
            body = self.bodies[at]
            if body.is_mended(lesson) or (lesson.added and not any(map(body.applies, lesson.added))):
                continue
            place = self._place(lesson, number, weights, body, anchors)
            if place is not None:
                yield place

    # ------------------------------------------------------------ what to look for

    def _rarity(self, key: Key) -> float:
        """How much it says that somebody does this: the less, the more others do."""
        return math.log(1 + len(self.bodies) / (1 + self._counts[key]))

    def _weights(self, lesson: Lesson) -> dict[Trait, float]:
        """So that all weights are one together; what only the fixed places do can be met nowhere else."""
        raw = {}
        for trait, near in lesson.around.items():
            is_theirs = self._counts[trait.key] <= len(lesson.spots)
            raw[trait] = near * self._rarity(trait.key) * (_THEIRS if is_theirs else 1.0)
        core = sum(weight for trait, weight in raw.items() if lesson.around[trait] >= _CORE)
        company = sum(raw.values()) - core
        shares = (_CORE_SHARE, 1 - _CORE_SHARE) if core and company else (1.0, 1.0)
        return {
            trait: weight * shares[0] / core if lesson.around[trait] >= _CORE else weight * shares[1] / company
            for trait, weight in raw.items()
        }

    def _anchors(self, lesson: Lesson, weights: Mapping[Trait, float]) -> list[Key]:
        """What leads to places: what was dropped, and the weightiest of what stood around that not everybody does."""
        most = _COMMON * len(self.bodies) + 20
        keys = [key for t in lesson.dropped for key in (t.key, t.eased) if key]
        keys += [t.key for t in sorted(weights, key=lambda t: -weights[t]) if lesson.around[t] >= 1][:_MOST_ANCHORS]
        keys += [eased for t in weights if lesson.around[t] >= _CORE and (eased := t.eased)]
        return [key for key in dict.fromkeys(keys) if 0 < self._counts[key] <= most]

    # ------------------------------------------------------------ one place

    def _place(
        self, lesson: Lesson, number: int, weights: Mapping[Trait, float], body: Body, anchors: Sequence[Key]
    ) -> Place | None:
        like, here = self._best_line(lesson, weights, body, anchors)
        kin, more = self._kin(lesson, body)
        steps = _evidence(weights, here)
        if like * more < _LEAST or (len(steps) < _FEWEST and not kin):
            return None
        lacks = tuple(t.told for t in lesson.added if body.applies(t) and not here.has_done(t, lesson))
        has = tuple(t.told for t in lesson.dropped if here.sees(body.lines.get(t.key, ())))
        line = here.nearest(self._to_do(lesson, here) or [step.line for step in steps])
        return Place(body.path, line, body.symbol, min(like * more, 0.99), lacks, has, steps, kin, number)

    def _to_do(self, lesson: Lesson, here: Here) -> list[int]:
        """Where the fix would be: at what it would take out, or at what its steps would be about."""
        dropped = sorted(lesson.dropped, key=lambda step: -self._rarity(step.key))
        for step in dropped:
            lines = here.body.lines.get(step.key, ())
            if near := [line for line in lines if here.sees((line,))]:
                return near
        about = here.body.about
        return [at for step in lesson.added for name in step.needs for at in about.get(name, ()) if here.sees((at,))]

    def _best_line(
        self, lesson: Lesson, weights: Mapping[Trait, float], body: Body, anchors: Sequence[Key]
    ) -> tuple[float, Here]:
        lines = {line for key in anchors for line in (*body.lines.get(key, ()), *body.eased.get(key, ()))}
        best = (0.0, body.first)
        reach = _WINDOW + lesson.span
        for line in sorted(lines)[:_MOST_LINES]:
            here = Here(body, line, reach)
            like = sum(weight * here.likeness(trait) for trait, weight in weights.items())
            best = max(best, (like * self._still_open(lesson, here), line))
        return best[0], Here(body, best[1], reach)

    def _still_open(self, lesson: Lesson, here: Here) -> float:
        """Which share of the fix is still to be done here, by weight."""
        to_do = done = 0.0
        for step in filter(here.body.applies, lesson.added):
            weight = 1 + self._rarity(step.key)
            if here.has_done(step, lesson):
                done += weight
            else:
                to_do += weight * (_BY_HELPER if self._helper_does(here.body, step.key) else 1.0)
        for step in lesson.dropped:
            weight, there = 1 + self._rarity(step.key), here.likeness(step)
            to_do += weight * there
            done += weight * (1 - there)
        return to_do / (to_do + done) if to_do + done else 1.0

    def _helper_does(self, body: Body, key: Key) -> bool:
        if body not in self._helpers_of:
            function = body.function
            effects = function.effects if function is not None else ()
            called = [f for e in effects if e.callee and function for f in self.program.callees(function, e)]
            self._helpers_of[body] = [self._by_function[f] for f in called if f in self._by_function]
        return any(key in helper.lines for helper in self._helpers_of[body])

    @cached_property
    def _by_function(self) -> dict[FunctionInfo, Body]:
        return {body.function: body for body in self.bodies if body.function is not None}

    # ------------------------------------------------------------ kin

    def _kin(self, lesson: Lesson, body: Body) -> tuple[str, float]:
        """How the place is related to where the lesson was learnt, and what that counts."""
        related = [self._related(spot.path, spot.symbol, body) for spot in lesson.spots]
        return max(related, key=lambda kin: (kin[0] == ITSELF, kin[1]))

    def _related(self, path: str, symbol: str, body: Body) -> tuple[str, float]:
        owner, _, name = body.symbol.rpartition(".")
        its_owner, _, its_name = symbol.rpartition(".")
        is_here = same_file(path, body.path)
        if body.is_at(path, symbol):
            return ITSELF, _SAME_CLASS
        if owner and owner == its_owner and is_here:
            return f"another method of `{owner}`", _SAME_CLASS
        if name == its_name and owner and its_owner and self._share_a_base(owner, its_owner):
            return f"the same method of a class kin to `{its_owner}`", _SAME_METHOD
        if name == its_name:
            return "a function of the same name", _SAME_NAME
        return ("in the same file", _SAME_FILE) if is_here else ("", 1.0)

    def _share_a_base(self, one: str, other: str) -> bool:
        first, second = self.program.class_named(one), self.program.class_named(other)
        return first is not None and second is not None and not set(first.mro).isdisjoint(second.mro)


def _evidence(weights: Mapping[Trait, float], here: Here) -> tuple[Step, ...]:
    """What the place has in common with the fixed one near the line: the weightiest."""
    found: dict[int, str] = {}
    for trait in sorted(weights, key=lambda t: -weights[t]):
        near = [own for own in here.body.met(trait) if here.sees((own.line,))]
        if near and len(found) < _TOLD and trait.kind != "named":
            nearest = min(near, key=lambda own: abs(own.line - here.line))
            found.setdefault(nearest.line, nearest.told)
    return tuple(Step(here.body.path, line, told) for line, told in sorted(found.items()))
