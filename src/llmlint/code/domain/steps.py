"""Whether code runs in a service's steps, or only while it is set up: where waiting for the device costs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.facts.facts import Effect, Region
from llmlint.code.link.exits import around
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Step
from llmlint.phrases import contains, ends, last_name, starts
from llmlint.vocabulary import words

_DEEPEST = 5
_HIGHEST = 8
"""Calls between a step and what waits in it."""
_KEPT = r"(?:(?:self|cls)\.[\w.]+|_?[A-Z][A-Z_]+)"
_FIRST = re.compile(
    rf"\b{_KEPT} is None\b|\bnot hasattr\(|\bnot in {_KEPT}"
    r"|\bnot (?:[\w.]*_)?(?:initialized|inited|prepared|loaded|built)\b|\bnot [\w.]*\.has_\w+"
)
_LATER = re.compile(rf"\b{_KEPT} is not None\b|(?<!not )\bhasattr\(|(?<!\bnot) in {_KEPT}|\bcached\b")
ALLOWED = "gpu_sync_allowed"
"""What vLLM's own check of waits calls the `with` in which they are meant."""
_LOOKS = frozenset("debug verbose profile profiling timing dump sanity benchmark trace once".split())
"""Words of questions for what is not done in each step."""


def is_in_a_step(program: Program, function: FunctionInfo, wait: Effect) -> bool:
    """May a wait for the device hold up a step, and is none that is meant, in `with gpu_sync_allowed():` or to look
    inside?"""
    return not any(map(_is_meant, around(function, wait))) and not only_sets_up(program, function)


def _is_meant(region: Region) -> bool:
    is_allowed = region.kind == "with" and f"{ALLOWED}(" in region.text
    return is_allowed or (region.kind in ("if", "else", "and") and not _LOOKS.isdisjoint(words(region.text)))


def only_sets_up(program: Program, function: FunctionInfo) -> bool:
    """Is it named so, or called by nothing else? What nobody is seen to call may run in any step."""
    return _only_sets_up(program, function, frozenset())


def _only_sets_up(program: Program, function: FunctionInfo, above: frozenset[FunctionInfo]) -> bool:
    if _is_named_set_up(program, function):
        return True
    if function in above or len(above) >= _DEEPEST:
        return False
    calls = program.callers(function)
    return bool(calls) and all(_only_sets_up(program, call.function, above | {function}) for call in calls)


def way_from_step(program: Program, function: FunctionInfo) -> tuple[Call, ...] | None:
    """The calls by which a step comes to the function, the step's own first: () for a step, None where none does."""
    known = once(program, _Ways).of
    if function not in known:
        known[function] = _way_from_step(program, function)
    return known[function]


class _Ways:
    def __init__(self, program: Program) -> None:
        self.of: dict[FunctionInfo, tuple[Call, ...] | None] = {}
        self.made: dict[ClassInfo, bool] = {}


def _way_from_step(program: Program, function: FunctionInfo) -> tuple[Call, ...] | None:
    """The shortest, level by level; what only sets up is no part of one, nor is what an error handler does."""
    came_by: dict[FunctionInfo, tuple[Call, ...]] = {} if _is_named_set_up(program, function) else {function: ()}
    newest = dict(came_by)
    for _ in range(_HIGHEST):
        for one, way in newest.items():
            if _is_step(program, one):
                return way
        newest = {
            call.function: (call, *way)
            for one, way in newest.items()
            for call in _entries(program, one)
            if call.function not in came_by and _is_on_the_way(program, call)
        }
        came_by |= newest
    return None


def _entries(program: Program, function: FunctionInfo) -> Iterator[Call]:
    """Its calls; of a property, where it is read."""
    yield from program.callers(function)
    if function.is_property and function.owner is not None:
        for read in program.reads(function.owner, function.name):
            if not read.by_name:
                yield Call(read.function, Effect("read", read.path, read.line, 1))


def _is_on_the_way(program: Program, call: Call) -> bool:
    is_rare = any(r.kind == "except" or (r.kind == "if" and is_first_time(r.text)) for r in around(*call))
    return not is_rare and not _is_named_set_up(program, call.function)


def is_first_time(test: str) -> bool:
    """Does it ask whether something that is kept is still to be made?"""
    return _FIRST.search(test) is not None


def is_any_later_time(test: str) -> bool:
    """Does it ask whether it is made?"""
    return _LATER.search(test) is not None


def is_made_in_a_step(program: Program, cls: ClassInfo) -> bool:
    """Does a step make objects of the class: what they do the first time, each step does?"""
    known = once(program, _Ways).made
    if cls not in known:
        known[cls] = False  # while it is asked
        makers = {call.function for call in program.calls_named(cls.name) if call.function.owner is not cls}
        known[cls] = any(way_from_step(program, maker) is not None for maker in makers)
    return known[cls]


def _is_step(program: Program, function: FunctionInfo) -> bool:
    name, phrases = words(function.name), program.vocabulary.steps
    return bool(name) and (starts(name, phrases) > 0 or ends(name, phrases))


def _is_named_set_up(program: Program, function: FunctionInfo) -> bool:
    return function.name in ("<module>", "__init__") or contains(words(function.name), program.vocabulary.sets_up)


def steps_to(program: Program, function: FunctionInfo) -> tuple[Step, ...]:
    """The same way as evidence."""
    way = way_from_step(program, function) or ()
    return tuple(
        program.step(
            call.function, call.effect, f"{call.function.facts.qualname} comes to {last_name(call.effect.path)}"
        )
        for call in way
    )
