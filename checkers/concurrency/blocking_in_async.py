"""LLM202: a call that does not come back for a while, made on the event loop.

The search goes upwards: from each call that blocks, through the plain functions that call it, to the first coroutine
function. What is handed to an executor or a thread is an argument there and no call, so it is never met on the way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from llmlint.code.domain.course import runs_once
from llmlint.code.domain.served import route_to
from llmlint.code.domain.waiting import blocking_at, is_deferred
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import Blocking, words

_DEPTH = 4
"""So many plain functions between the coroutine and the call are followed at most."""
_MANY = 3
"""A helper that more coroutines than this go through is reported itself: it is where the mending is done."""

_OFFLINE = frozenset("test tests testing bench benchmark benchmarks eval script scripts".split())
_NOT_SERVING = frozenset(
    "startup shutdown lifespan warmup init initialize setup teardown start stop close aclose exit aexit aenter enter "
    "main launch bootstrap cleanup destroy terminate prepare install download kill sigterm sigint signal drain".split()
)
_SIMULATES = frozenset({"test", "simulate", "simulated", "inject", "debug"})
_UNSURE = ("high", "medium", "low")
_TEMPLATE = "apply_chat_template"
"""A tokenizer only fills in text; a processor fetches the images that the messages name."""
_SHORT = 0.02
"""Seconds of sleep that nobody notices."""

_BRIEF = 5
"""Seconds: who limits a request to so few has weighed how long the loop may stand."""
_PROBES = frozenset("health healthy healthz healthcheck ready readiness liveness alive ping heartbeat".split())
"""Whoever asks another server whether it is there has nothing to serve while it is not."""

_SAYS = {
    "sleep": "sleeps",
    "process": "waits for a child process",
    "network": "waits for the network",
    "peer": "waits for another thread or process",
    "gpu": "waits for the GPU",
    "model": "waits for a model's answer",
    "inference": "runs a model",
    "work": "computes for long",
    "file": "reads or writes a file",
}

_FIRST = "network"
"""Of the waits that one call leads to, all as sure, this kind is told: it has been read as right most often."""


class Blocked(msgspec.Struct, frozen=True):
    """A coroutine function, and the calls from it down to the one that blocks; one call where it is its own."""

    calls: tuple[Call, ...]
    row: Blocking

    @property
    def function(self) -> FunctionInfo:
        return self.calls[0].function

    @property
    def at(self) -> Effect:
        return self.calls[0].effect

    @property
    def last(self) -> Call:
        return self.calls[-1]


def check_program(program: Program) -> Iterator[Report]:
    by_leaf: dict[Call, list[Blocked]] = {}
    for blocked in _all_blocked(program):
        by_leaf.setdefault(blocked.calls[-1], []).append(blocked)
    alone: dict[tuple[FunctionInfo, str], list[Blocked]] = {}
    for found in by_leaf.values():
        found.sort(key=lambda one: (len(one.calls), one.function.order, one.at.line))
        if len({one.function for one in found}) > _MANY:
            yield _of_helper(program, found)
            continue
        for one in found:
            alone.setdefault((one.function, one.at.callee), []).append(one)
    for found in alone.values():
        surest = min(found, key=lambda one: (_UNSURE.index(_how_sure(program, one)[0]), one.row.kind != _FIRST))
        alike = (one for one in found if one.row.kind == surest.row.kind and len(one.calls) == len(surest.calls))
        yield _of_coroutine(program, min(alike, key=lambda one: one.last.effect.line))


def _all_blocked(program: Program) -> Iterator[Blocked]:
    upwards = _Upwards(program)
    near = None if program.asked.is_all else _near_the_asked(program)
    for name in sorted(program.call_names):
        if not program.vocabulary.may_block(name):
            continue
        for call in program.calls_named(name) if near is None else program.calls_among(near, name):
            if call.function.language != "python" or is_deferred(*call):
                continue
            row = blocking_at(program, *call)
            if row is not None and not _is_short(row, call.effect):
                for calls in upwards.to_coroutines(call):
                    yield Blocked(calls, row)


def _near_the_asked(program: Program) -> set[FunctionInfo]:
    """What stands in the asked files, and what coroutines of these may come to."""
    coroutines = [function for function in program.asked.functions if function.facts.is_async]
    return {*program.asked.functions, *program.around(coroutines, _DEPTH)}


def _is_short(row: Blocking, effect: Effect) -> bool:
    literal = effect.args[0].literal if row.kind == "sleep" and effect.args else ""
    try:
        return bool(literal) and float(literal) <= _SHORT
    except ValueError:
        return False


Objects: TypeAlias = frozenset[ClassInfo] | None
"""The classes whose objects run a method as it is, and no override of it; None for a plain function."""


class _Upwards:
    """The ways from coroutine functions down to a call; what is asked of a function is worked out once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._objects: dict[FunctionInfo, Objects] = {}
        self._callers: dict[FunctionInfo, list[Call]] = {}

    def to_coroutines(self, call: Call) -> Iterator[tuple[Call, ...]]:
        """The shortest ways from coroutine functions down to a call, each beginning in the coroutine function."""
        start = self._objects_of(call.function)
        waiting: deque[tuple[tuple[Call, ...], Objects]] = deque([((call,), start)])
        met = {(call.function, start)}
        while waiting:
            calls, objects = waiting.popleft()
            function = calls[0].function
            if function.facts.is_async:
                yield calls
                continue
            if function.facts.is_generator or function.name == "<module>" or len(calls) > _DEPTH:
                continue
            for caller in self._callers_of(function):
                theirs = self._narrowed(caller, objects)
                if theirs is not None and not theirs:
                    continue
                if caller.function.facts.is_async or (caller.function, theirs) not in met:
                    met.add((caller.function, theirs))
                    waiting.append(((caller, *calls), theirs))

    def _callers_of(self, function: FunctionInfo) -> list[Call]:
        if function not in self._callers:
            callers = () if _has_async_twin(function) else self._program.callers(function)
            self._callers[function] = [one for one in callers if one.effect.via != "await" and not is_deferred(*one)]
        return self._callers[function]

    def _narrowed(self, caller: Call, objects: Objects) -> Objects:
        """The classes whose objects go this way: where a method calls another on itself, those that run both."""
        theirs = self._objects_of(caller.function)
        on_itself = caller.effect.callee.startswith("self.") and caller.effect.callee.count(".") == 1
        return theirs & objects if on_itself and theirs is not None and objects is not None else theirs

    def _objects_of(self, function: FunctionInfo) -> Objects:
        if function not in self._objects:
            self._objects[function] = _objects(function)
        return self._objects[function]


def _objects(function: FunctionInfo) -> Objects:
    owner = function.owner
    if owner is None or not function.is_method:
        return None
    return frozenset(cls for cls in (owner, *owner.subclasses) if cls.method(function.name) is function)


def _has_async_twin(function: FunctionInfo) -> bool:
    """Has its class an asynchronous sibling with the same method, which coroutines will have an object of?"""
    owner = function.owner
    if owner is None or not function.is_method or "async" in words(owner.name):
        return False
    twins = (cls for base in owner.bases for cls in base.subclasses if "async" in words(cls.name))
    return any(function.name in cls.methods for cls in twins)


# ---------------------------------------------------------------- what is said


def _of_coroutine(program: Program, blocked: Blocked) -> Report:
    function, effect = blocked.function, blocked.at
    confidence, reason = _how_sure(program, blocked)
    last = blocked.last
    what = last.effect.callee
    by = f" by way of {effect.callee}" if len(blocked.calls) > 1 else ""
    return Report(
        program.place(function, effect),
        function.facts.qualname,
        f"{what} {_SAYS[blocked.row.kind]} on the event loop{by}: nothing else of this process moves meanwhile",
        tuple(_way(blocked)),
        confidence=confidence,
        reason=reason,
        subject=f"{what} by {effect.callee}",
        mechanism=f"blocking_in_async.{blocked.row.kind}",
        fix=_mend(blocked.row, effect.callee),
        data={"runtime": _runtime([blocked], function), **_edit(blocked)},
    )


def _edit(blocked: Blocked) -> dict[str, bool]:
    """A coroutine that sleeps itself can be told to wait instead."""
    itself = len(blocked.calls) == 1 and blocked.last.effect.callee == "time.sleep"
    return {"await_sleep": True} if itself else {}


def _of_helper(program: Program, found: list[Blocked]) -> Report:
    nearest = found[0]
    function, effect = nearest.last
    sure = [_how_sure(program, one) for one in found]
    confidence, reason = min(sure, key=lambda one: _UNSURE.index(one[0]))
    coroutines = list(dict.fromkeys(one.function for one in found))
    others = [Step(one.path, one.facts.line, f"{one.facts.qualname} comes here too") for one in coroutines[1:4]]
    return Report(
        program.place(function, effect),
        function.facts.qualname,
        f"{effect.callee} {_SAYS[nearest.row.kind]} on the event loop: {len(coroutines)} coroutines come here without "
        f"an executor, {nearest.function.name} among them",
        (*_way(nearest), *others),
        confidence="medium" if confidence == "high" else confidence,
        reason=reason,
        subject=effect.callee,
        origin=f"{nearest.function.full_name}:{nearest.at.line}",
        mechanism=f"blocking_in_async.{nearest.row.kind}",
        fix=_mend(nearest.row, effect.callee),
        data={"runtime": _runtime(found[:4], function)},
    )


def _way(blocked: Blocked) -> Iterator[Step]:
    first, *rest = blocked.calls
    name = first.function.facts.qualname
    if not rest:
        yield Step(first.function.path, first.effect.line, f"{name} is a coroutine and calls {first.effect.callee}")
        return
    yield Step(first.function.path, first.effect.line, f"{name} is a coroutine and calls {first.effect.callee} itself")
    for function, effect in rest[:-1]:
        yield Step(function.path, effect.line, f"{function.facts.qualname} calls {effect.callee}")
    function, effect = blocked.last
    yield Step(function.path, effect.line, f"{effect.callee} {_SAYS[blocked.row.kind]}")


def _mend(row: Blocking, callee: str) -> str:
    if row.kind == "sleep":
        return "await asyncio.sleep(...)"
    return f"await asyncio.to_thread({callee}, ...), or run it in an executor of its own"


def _how_sure(program: Program, blocked: Blocked) -> tuple[str, str]:
    function, row, last = blocked.function, blocked.row, blocked.last.effect
    if _OFFLINE & set(words(function.path)):
        return "low", "a test, a benchmark or a script keeps only itself waiting"
    names = {word for call in blocked.calls for word in words(call.function.name)}
    if _NOT_SERVING & names or function.name.startswith("__"):
        return "low", f"{function.name} comes here while nothing is served yet, or any more"
    tests = {word for call in blocked.calls for region in around(*call) for word in words(region.text)}
    if _SIMULATES & tests:
        return "low", "only a test switches it on"
    if row.kind == "file":
        return "low", "a local file is read within a millisecond as a rule"
    if any({"executor", "pool"} & set(words(region.text)) for region in around(*blocked.calls[0])):
        return "low", "only where there is no executor"
    if "tokenizer" in row.receivers or (not row.receivers and _last_name(last) == _TEMPLATE):
        return "low", "how long it takes depends on the text"
    if _last_name(last) == "join":
        return "low", "who joins a thread or a process has told it to end, as a rule"
    if any(a.keyword == "tokenize" and a.literal == "False" for a in last.args):
        return "low", "the template is filled in and nothing is tokenised"
    if any(a.keyword == "local_files_only" and a.literal == "True" for a in last.args):
        return "low", "it only looks at what was fetched before"
    if any(call.function.name == "__init__" for call in blocked.calls[1:]):
        return "low", "it happens while an object is made, which may be rare"
    if row.kind == "network" and (brief := _limit(row, last)) is not None and brief <= _BRIEF:
        return "low", f"it waits {brief:g} seconds at most"
    if row.kind == "network" and _PROBES & names:
        return "low", "it asks whether another server is there, which answers at once or refuses"
    if any(region.kind == "except" for call in blocked.calls for region in around(*call)):
        return "low", "only a failure leads there"
    if runs_once(program, function, blocked.at):
        return "low", f"{function.name} comes here once, before anything is served"
    route = route_to(program, function)
    if route is None:
        return "low", "no route of a web server leads here, as far as the calls are known"
    led = "" if route is function else f", and the route {route.name} leads there"
    if len(blocked.calls) == 1:
        return "high" if row.kind != "work" else "medium", f"the coroutine makes the call itself{led}"
    between = len(blocked.calls) - 1
    return "medium", f"the call is {between} plain function{'s' if between > 1 else ''} below the coroutine{led}"


def _limit(row: Blocking, effect: Effect) -> float | None:
    """The seconds that a call is given by a literal at most."""
    given = next((a.literal for a in effect.args if row.timeout and a.keyword == row.timeout), "")
    try:
        return float(given)
    except ValueError:
        return None


def _last_name(effect: Effect) -> str:
    return effect.callee.rpartition(".")[2]


def _runtime(found: list[Blocked], scope: FunctionInfo) -> dict[str, object]:
    functions = dict.fromkeys([scope, *(one.function for one in found)])
    targets = [{"qualname": f.facts.qualname, "role": "scope", "path": f.path} for f in functions]
    return {"targets": targets}
