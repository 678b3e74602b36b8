"""Calls that every rank of a group must make, found through imports and helpers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from weakref import WeakKeyDictionary

import msgspec

from llmlint.code.exits import around
from llmlint.code.facts import Effect
from llmlint.code.program import FunctionInfo, Program
from llmlint.findings import Step
from llmlint.vocabulary import Collective, words

MEETING = frozenset({"collective", "barrier", "create"})
"""Kinds that all ranks must reach; `point` pairs up single ranks and `store` is answered by a server."""


def collective_at(program: Program, function: FunctionInfo, effect: Effect) -> Collective | None:
    """The vocabulary's row for a call, by its resolved name or by the method's name and its receiver's."""
    callee = effect.callee
    if not callee or callee.startswith(("super()", "?")) or _last(callee) not in program.vocabulary.collective_names:
        return None
    if "." in callee and callee.split(".", 1)[0] not in ("self", "cls"):
        return program.vocabulary.collective(program.resolve(function, callee))
    if "." not in callee and program.files[function.path].language == "python":
        return program.vocabulary.collective(program.resolve(function, callee)) or program.vocabulary.collective(callee)
    return program.vocabulary.collective(callee)


def meets(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    row = collective_at(program, function, effect)
    return row is not None and row.kind in MEETING


def names_that_meet(program: Program, levels: int, axis: str = "") -> frozenset[str]:
    """Names of functions that may enter a collective within so many calls: a cheap sieve before calls are resolved."""
    direct = [call for name in program.vocabulary.collective_names for call in program.calls_named(name)]
    found = {f.name for f, e in direct if meets(program, f, e) and (not axis or is_of_axis(f, e, axis))}
    for _ in range(levels - 1):
        found |= {function.name for name in sorted(found) for function, _ in program.calls_named(name)}
    return frozenset(found)


AXES = frozenset("tp pp pipeline dp ep expert cp dcp pcp sp attn moe lora".split())
"""Words that name the groups a rank is in at the same time."""


def is_of_axis(function: FunctionInfo, call: Effect, axis: str) -> bool:
    """Does the call name this group and no other, or else the function or the file that makes it?"""
    named = _words_of([call.callee, *(a.path for a in call.args)])
    if {"tensor", "parallel"} <= named:
        named |= {"tp"}
    if named & AXES:
        return axis in named and not named & (AXES - {axis, "attn", "moe"})
    return axis in _words_of([function.name, function.path.rpartition("/")[2]])


def _words_of(texts: list[str]) -> set[str]:
    return {word for text in texts for part in re.split(r"\W+", text) for word in words(part)}


class Meeting(msgspec.Struct, frozen=True):
    """The effect in this function, the collective's name and call, and the way to it when a helper makes it."""

    effect: Effect
    name: str
    call: Effect
    holder: FunctionInfo
    steps: tuple[Step, ...] = ()
    on_request: bool = False
    """The helper makes the call only when a parameter of its own asks for it."""


Meetings = dict[FunctionInfo, tuple[Meeting, ...]]
_FOUND: WeakKeyDictionary[Program, dict[tuple[int, str], Meetings]] = WeakKeyDictionary()


def meetings_of(program: Program, levels: int, axis: str = "") -> Meetings:
    """Every Python function that enters a collective, itself or through so many calls, with where it does; only those
    of one group where an axis is named."""
    known = _FOUND.setdefault(program, {})
    if (levels, axis) not in known:
        known[levels, axis] = _search(program, levels, axis)
    return known[levels, axis]


def _search(program: Program, levels: int, axis: str) -> Meetings:
    def enters(function: FunctionInfo, effect: Effect) -> bool:  # one object, for which `reaches` keeps its answers
        return meets(program, function, effect) and (not axis or is_of_axis(function, effect, axis))

    helpers = names_that_meet(program, levels, axis)
    names = sorted(helpers | program.vocabulary.collective_names)
    calling = {function for name in names for function, _ in program.calls_named(name)}
    found = {
        function: tuple(_meetings_in(program, function, helpers, enters, levels))
        for function in sorted(calling, key=lambda f: f.order)
        if function.language == "python"
    }
    return {function: meetings for function, meetings in found.items() if meetings}


def _meetings_in(
    program: Program,
    function: FunctionInfo,
    helpers: frozenset[str],
    enters: Callable[[FunctionInfo, Effect], bool],
    levels: int,
) -> Iterator[Meeting]:
    for effect in function.effects:
        if not effect.callee:
            continue
        row = collective_at(program, function, effect)
        if row is not None:
            if enters(function, effect):
                yield Meeting(effect, row.name, effect, function)
            continue
        if _last(effect.callee) not in helpers:
            continue
        for callee in program.callees(function, effect):
            if callee is function or callee.name.startswith("__"):
                continue
            chain = program.reaches(callee, enters, levels)
            if chain:
                holder, call = chain[-1]
                steps = [Step(f.path, e.line, f"{f.facts.qualname} calls {e.callee}") for f, e in chain[:-1]]
                steps.append(Step(holder.path, call.line, f"{holder.facts.qualname} enters {call.callee}"))
                yield Meeting(effect, _last(call.callee), call, holder, tuple(steps), _is_on_request(holder, call))


def _is_on_request(holder: FunctionInfo, call: Effect) -> bool:
    asked = {p.name for p in holder.facts.params} - {"self", "cls"}
    return any(r.kind in ("if", "else") and asked & set(r.reads) for r in around(holder, call))


def _last(callee: str) -> str:
    return callee.rsplit(".", 1)[-1].lstrip("~")
