"""Calls that every rank of a group must make, found through imports and helpers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from llmlint.code.facts.facts import Effect
from llmlint.code.facts.gists import name_called
from llmlint.code.link.asked import Asked
from llmlint.code.link.exits import around, chain, loops_around
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, FunctionInfo, Program
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
    """The helper makes the call only when a parameter or a setting of its object asks for it."""


Meetings = dict[FunctionInfo, tuple[Meeting, ...]]


def _known_meetings(_: Asked) -> dict[tuple[int, str, str], Meetings]:
    return {}


def meetings_of(program: Program, levels: int, axis: str = "", language: str = "python") -> Meetings:
    """Every asked function that enters a collective, itself or through so many calls, with where it does; only those of
    one group where an axis is named. C, C++ and CUDA are the language "cpp"."""
    known = once(program.asked, _known_meetings)
    key = (levels, axis, language)
    if key not in known:
        known[key] = _search(program, levels, axis, language == "python")
    return known[key]


class Meets:
    """Which functions of a program meet the other ranks, by themselves or through so many calls."""

    def __init__(self, program: Program, levels: int) -> None:
        self._program = program
        self._levels = levels
        self._known: dict[tuple[FunctionInfo, int], bool] = {}

    def __contains__(self, function: FunctionInfo) -> bool:
        return self._within(function, self._levels)

    def _within(self, function: FunctionInfo, levels: int) -> bool:
        key = (function, levels)
        if key not in self._known:
            self._known[key] = any(self._comes_to_one(function, effect, levels) for effect in function.effects)
        return self._known[key]

    def _comes_to_one(self, function: FunctionInfo, effect: Effect, levels: int) -> bool:
        name = name_called(effect.callee)
        if collective_at(self._program, function, effect) is not None:
            return name in self._program.vocabulary.collective_names and meets(self._program, function, effect)
        called = self._program.functions_named(name) if name and levels and _may_be_called(name) else ()
        if not called:
            return False
        runs = self._program.callees(function, effect)
        return any(f is not function and f in runs and self._within(f, levels - 1) for f in called)


def is_skipped(function: FunctionInfo, exit_: Effect, met: Meeting) -> bool:
    """A `continue` or `break` skips what is left of its loop; a return or raise all that comes."""
    if any(r.kind in ("else", "except", "lambda") for r in around(function, met.effect)):
        return False
    loops = loops_around(function, exit_)[:1]
    return exit_.op in ("return", "raise") or loops == loops_around(function, met.effect)[:1]


def stands_apart(function: FunctionInfo, exit_: Effect, met: Meeting) -> bool:
    """Is the collective in a branch of its own, so that not every rank comes to it anyway?"""
    return any(
        function.regions[r].kind in ("if", "else")
        for r in chain(function, met.effect.region)
        if r not in chain(function, exit_.region)
    )


def _search(program: Program, levels: int, axis: str, in_python: bool) -> Meetings:
    """From the collectives back to their callers: only calls with the name of a function that meets are resolved, and
    only in functions that the asked ones may come to."""
    known = once(program.asked, _known_near)
    near = known.get(levels) or known.setdefault(levels, _Near(program, levels))
    found: dict[FunctionInfo, list[Meeting]] = {}
    frontier = _direct(program, axis, in_python, near, found)
    reached = set(frontier)
    for _ in range(levels):
        further: dict[FunctionInfo, None] = {}
        for function in sorted(frontier, key=lambda f: f.order):
            first = found[function][0]
            for caller, effect in _calls_of(program, near, function):
                found.setdefault(caller, []).append(_through(function, effect, first))
                if caller not in reached:
                    further.setdefault(caller)
        reached.update(further)
        frontier = list(further)
    return {
        function: tuple(sorted(found[function], key=lambda m: (m.effect.line, m.effect.column)))
        for function in sorted(found, key=lambda f: f.order)
        if function in program.asked
    }


class _Near:
    """The asked functions of a program, and those that so many calls from there may run, as far as names tell: only
    their calls are looked at."""

    def __init__(self, program: Program, levels: int) -> None:
        self._program = program
        self._functions = None if program.asked.is_all else program.around(program.asked.functions, levels)
        self._targets: dict[str, dict[FunctionInfo, list[Call]]] = {}

    def calls(self, name: str) -> Sequence[Call]:
        if self._functions is None:
            return self._program.calls_named(name)
        return self._program.calls_among(self._functions, name)

    def running(self, function: FunctionInfo) -> Sequence[Call]:
        """The calls by a function's name that run it: hundreds of functions are called `forward`."""
        name = function.name
        if name not in self._targets:
            found = self._targets[name] = {}
            for call in self.calls(name):
                for target in dict.fromkeys(self._program.callees(*call)):
                    found.setdefault(target, []).append(call)
        return self._targets[name].get(function, ())


def _known_near(_: Asked) -> dict[int, _Near]:
    return {}


def _direct(
    program: Program,
    axis: str,
    in_python: bool,
    near: _Near,
    found: dict[FunctionInfo, list[Meeting]],
) -> list[FunctionInfo]:
    for name in sorted(program.vocabulary.collective_names):
        for function, effect in near.calls(name):
            if (function.language == "python") != in_python or not meets(program, function, effect):
                continue
            if not axis or is_of_axis(function, effect, axis):
                found.setdefault(function, []).append(Meeting(effect, _last(effect.callee), effect, function))
    return list(found)


def _may_be_called(name: str) -> bool:
    """Construction counts for no call."""
    return not name.startswith("__")


def _calls_of(program: Program, near: _Near, function: FunctionInfo) -> Iterator[Call]:
    """The calls known to run a function, without construction and without calls that are collectives by themselves."""
    if not _may_be_called(function.name):
        return
    for call in near.running(function):
        if call.function is not function and collective_at(program, *call) is None:
            yield call


def _through(function: FunctionInfo, effect: Effect, met: Meeting) -> Meeting:
    does = "calls" if met.steps else "enters"
    step = Step(function.path, met.effect.line, f"{function.facts.qualname} {does} {met.effect.callee}")
    asks = _is_on_request(met.holder, met.call)
    return Meeting(effect, _last(met.call.callee), met.call, met.holder, (step, *met.steps), asks)


def _is_on_request(holder: FunctionInfo, call: Effect) -> bool:
    asked = {p.name for p in holder.facts.params} - {"self", "cls"}
    tested = {read for r in around(holder, call) if r.kind in ("if", "else") for read in r.reads}
    return bool(asked & tested) or any(read.startswith("self.") and "size" not in words(read) for read in tested)


def _last(callee: str) -> str:
    return callee.rsplit(".", 1)[-1].lstrip("~")
