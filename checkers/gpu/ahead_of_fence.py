"""LLM301 by a fence: an event is waited for before pinned memory is filled again, and some of it is filled sooner.

What the fence guards is told by what it stands around: the copies that begin between the wait for the event and its
next record. Who writes to their memory on the way to the wait does so while the copy of the step before may read it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.device_waits import waits
from llmlint.code.domain.staged import Begun, Memory, Write, begun_copies, writes_to
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import ENTRY
from llmlint.code.flow.rounds import within
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report

_DEEPEST = 5
_MOST = 600


class Fence(NamedTuple):
    """`wait`: the effect that waits, in `function`; `inside`: what it stands in front of."""

    function: FunctionInfo
    wait: Effect
    event: str
    inside: tuple[Effect, ...]


def ahead_of_fences(program: Program) -> Iterator[Report]:
    for fence in (fence for fence in _fences(program) if fence.function in program.asked):
        guarded = _guarded(program, fence, begun_copies(program))
        if guarded:
            found = _written_ahead(program, fence, guarded)
            if found is not None:
                yield _report(program, fence, *found)


def _fences(program: Program) -> Iterator[Fence]:
    for function, effect in program.calls_named("synchronize", in_python=True):
        event = effect.callee.rpartition(".")[0]
        if not event.startswith("self."):
            continue
        recorded = [e for e in function.effects if e.callee == f"{event}.record"]
        at = function.effects.index(effect)
        last = max((function.effects.index(e) for e in recorded), default=-1)
        if last < at:
            continue
        between = function.effects[at + 1 : last]
        if any(e.op == "yield" for e in between):
            yield from _around_bodies(program, function, event)
        else:
            yield Fence(function, effect, event, tuple(between))


def _around_bodies(program: Program, function: FunctionInfo, event: str) -> Iterator[Fence]:
    """Of a context manager: the bodies of those that use it for a `with`."""
    for caller, used in program.callers(function):
        body = next((at for at, r in enumerate(caller.regions) if r.kind == "with" and r.line == used.line), None)
        if body is not None:
            inside = within(caller, body)
            effects = tuple(e for e in caller.effects if e.region in inside and e is not used)
            yield Fence(caller, used, event, effects)


def _run_by(program: Program, function: FunctionInfo, effects: Iterable[Effect]) -> set[FunctionInfo]:
    """The functions that these effects may run, through others."""
    first = {callee for e in effects if e.callee for callee in program.callees(function, e)}
    left = dict.fromkeys(first, _DEEPEST)
    waiting = deque(first)
    while waiting and len(left) < _MOST:
        one = waiting.popleft()
        if left[one] > 1:
            for callee in {c for e in one.effects if e.callee for c in program.callees(one, e)} - left.keys():
                left[callee] = left[one] - 1
                waiting.append(callee)
    return set(left)


def _guarded(program: Program, fence: Fence, begun: Iterable[Begun]) -> list[Memory]:
    run = _run_by(program, fence.function, fence.inside)
    inside = {id(effect) for effect in fence.inside}
    return [one.memory for one in begun if one.function in run or id(one.effect) in inside]


def _written_ahead(program: Program, fence: Fence, guarded: list[Memory]) -> tuple[Effect, Memory, Write] | None:
    """The first thing on a way to the wait that writes to memory behind the fence."""
    function = fence.function
    paths = paths_of(function)
    graph = paths.graph

    def ends(node: int) -> bool:
        effect = graph.effect(node)
        return effect is not None and (effect is fence.wait or _waits_at_once(program, function, effect))

    by_function: dict[FunctionInfo, tuple[Memory, Write]] = {}
    for memory in guarded:
        for write in writes_to(program, memory):
            by_function.setdefault(write.function, (memory, write))
    before = set(graph.nodes_of(function.effects.index(fence.wait)))
    leading = paths.leading_to(before)
    reached = paths.reached([ENTRY], ends) & leading
    inside = {id(effect) for effect in fence.inside}
    early = {id(e): e for node in reached if (e := graph.effect(node)) is not None and id(e) not in inside}
    for effect in sorted(early.values(), key=lambda e: (e.line, e.column)):
        own = by_function.get(function)
        if own is not None and own[1].effect is effect:
            return effect, *own
        if effect.callee:
            run = _run_by(program, function, [effect])
            found = next((by_function[one] for one in by_function if one in run), None)
            if found is not None:
                return effect, *found
    return None


def _waits_at_once(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """By itself: what a function waits for somewhere it may do behind what it writes."""
    return not program.callees(function, effect) and waits(program, function, effect)


def _report(program: Program, fence: Fence, effect: Effect, memory: Memory, write: Write) -> Report:
    function = fence.function
    steps = [program.step(memory.made.function, memory.made.effect, "the memory is made here, and pinned")]
    steps.append(program.step(*write, f"{write.function.facts.qualname} writes to it"))
    steps.append(program.step(function, effect, "which comes before the wait"))
    steps.append(program.step(function, fence.wait, f"{fence.event} is waited for here: copies from the memory follow"))
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{memory.owner.name}.{memory.names[0]} is filled ahead of the wait for {fence.event}, which guards its copy",
        tuple(steps),
        confidence="medium",
        reason="the copies between the wait and the event's next record were followed, and what is written before it",
        data=watched_calls(write.function, function),
        subject=f"ahead:{memory.owner.name}.{memory.names[0]}",
        fix=f"wait for {fence.event} first",
        mechanism="ahead_of_fence",
    )
