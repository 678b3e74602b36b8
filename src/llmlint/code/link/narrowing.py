"""What `isinstance` says of a place where control has passed it: in an `if`, behind an early exit or an assert."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from llmlint.code.facts.facts import Effect, Test
from llmlint.code.link.call_index import CallIndex
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.exits import LEAVING

_ASSERTED = re.compile(r"(?<!not )isinstance\(\s*([\w.]+)\s*,\s*(\([^()]*\)|[^(),]+)\)")
_ENTERED = frozenset({"if", "and", "loop"})

Narrowed = Mapping[str, str]
"""Type texts by the path that they are known of."""

NOTHING: Narrowed = {}


class _Told(NamedTuple):
    """What is known from a place on, in the region that it stands in."""

    place: tuple[int, int]
    region: int
    said: Narrowed


class Narrowing:
    def __init__(self, calls: CallIndex) -> None:
        self._calls = calls
        self._told: dict[FunctionInfo, tuple[_Told, ...]] = {}
        self._known: dict[tuple[FunctionInfo, int], Narrowed] = {}

    @cached_property
    def _asking(self) -> frozenset[FunctionInfo]:
        return frozenset(f for f in self._calls.calling("isinstance") if f.language == "python")

    def at(self, function: FunctionInfo, effect: Effect) -> Narrowed:
        """What is known where an effect happens."""
        if function not in self._asking:
            return NOTHING
        told = self._told.get(function)
        if told is None:
            told = self._told[function] = tuple(_told_in(function))
        around = (*_around(function, effect.region), 0)
        found: dict[str, str] = {}
        for region in around:
            for path, text in self._inside(function, region).items():
                found.setdefault(path, text)
        for earlier in told:
            if earlier.region in around and earlier.place < (effect.line, effect.column):
                found.update(earlier.said)
        return found

    def _inside(self, function: FunctionInfo, region: int) -> Narrowed:
        """What the test of a region says inside of it."""
        key = (function, region)
        if key not in self._known:
            at = function.regions[region]
            said = dict(_true_of(at.test)) if at.test is not None and at.kind in _ENTERED else {}
            said = dict(_false_of(at.test)) if at.test is not None and at.kind == "else" else said
            self._known[key] = _paths_of(function, said, at.begin)
        return self._known[key]


def _told_in(function: FunctionInfo) -> Iterator[_Told]:
    """What asserts say, and each `if not isinstance(…)` that leaves."""
    for at, effect in enumerate(function.facts.effects):
        place = (effect.line, effect.column)
        if effect.op == "assert" and "isinstance(" in effect.source and " or " not in effect.source:
            yield _Told(place, effect.region, _paths_of(function, dict(_ASSERTED.findall(effect.source)), at))
        elif effect.op in LEAVING and 0 < effect.region < len(function.regions):
            region = function.regions[effect.region]
            if region.kind == "if" and region.test is not None:
                yield _Told(place, region.parent, _paths_of(function, dict(_false_of(region.test)), region.begin))


def _around(function: FunctionInfo, region: int) -> Iterator[int]:
    while 0 < region < len(function.regions):
        yield region
        region = function.regions[region].parent


def _true_of(test: Test) -> Iterator[tuple[str, str]]:
    """The places, as written, that are of a type where a test holds."""
    if test.op == "and":
        for part in test.args:
            yield from _true_of(part)
    elif test.op == "not":
        yield from _false_of(test.args[0])
    elif test.op == "call" and test.path == "isinstance" and len(test.args) == 2 and test.args[0].op == "path":
        yield test.args[0].path, test.args[1].path


def _false_of(test: Test) -> Iterator[tuple[str, str]]:
    """The same where a test does not hold."""
    if test.op == "or":
        for part in test.args:
            yield from _false_of(part)
    elif test.op == "not":
        yield from _true_of(test.args[0])


def _paths_of(function: FunctionInfo, written: Narrowed, before: int) -> Narrowed:
    """The same by the paths that effects know the places by, with unions for tuples of types."""
    found: dict[str, str] = {}
    for place, types in written.items():
        text = " | ".join(part.strip() for part in types.strip("() ").split(",") if part.strip())
        found[_followed(function, place, before)] = text
    return found


def _followed(function: FunctionInfo, place: str, before: int) -> str:
    """What the call of `isinstance` nearest before knows the place by: `layers[]` for `layer`."""
    for effect in reversed(function.facts.effects[:before]):
        if effect.path == "isinstance" and effect.args and place in (effect.args[0].written, effect.args[0].path):
            return effect.args[0].path
    return place
