"""LLM201: two locks that are taken in one order here and in the other order there.

An edge A to B is a place that takes B while it holds A: in the same function, or in what it calls meanwhile. Two edges
that point both ways are a deadlock as soon as two threads walk them at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from llmlint.code.domain.locks import Stretch, is_lock_name, stretches
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import chain
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Place, Report, Step

_DEPTH = 3

Lock = tuple[str, str]
"""The class that has it, and its attribute."""


class Taken(msgspec.Struct, frozen=True):
    """A stretch of a function that holds a lock, and which lock that is."""

    lock: Lock
    stretch: Stretch


class Edge(msgspec.Struct, frozen=True):
    """`inner` is taken while `outer` is held, here or (by way of `steps`) in what is called here."""

    outer: Taken
    inner: Lock
    function: FunctionInfo
    line: int
    steps: tuple[Step, ...] = ()
    taker: FunctionInfo | None = None


def check_program(program: Program) -> Iterator[Report]:
    taken = {id(f): found for f in program.functions if (found := list(_taken(program, f)))}
    takers = [f for f in program.functions if id(f) in taken]
    edges: dict[tuple[Lock, Lock], list[Edge]] = {}
    for function in takers:
        for edge in _edges(program, function, taken):
            edges.setdefault((edge.outer.lock, edge.inner), []).append(edge)
    for (outer, inner), there in sorted(edges.items()):
        back = edges.get((inner, outer))
        if back and outer < inner:
            rare, usual = sorted((there, back), key=lambda one: (len(one), one[0].function.path, -one[0].line))
            yield _report(program, rare[0], usual[0])


def _taken(program: Program, function: FunctionInfo) -> Iterator[Taken]:
    for stretch in stretches(function):
        lock = _named(program, function, stretch.path)
        if lock is not None:
            yield Taken(lock, stretch)


def _named(program: Program, function: FunctionInfo, path: str) -> Lock | None:
    """The same lock under the same name from every method and subclass of the class that has it."""
    base, _, attribute = path.rpartition(".")
    if not is_lock_name(attribute) or not base:
        return None
    cls = function.owner if base == "self" else program.class_of(function, base)
    if cls is None:
        return None
    having = [c for c in cls.mro if attribute in c.attributes]
    owner = having[-1] if having else cls
    return (f"{owner.path}:{owner.facts.qualname}", attribute)


def _edges(program: Program, function: FunctionInfo, taken: dict[int, list[Taken]]) -> Iterator[Edge]:
    own = taken[id(function)]
    for outer in own:
        around = outer.stretch
        for inner in own:
            if inner.lock != outer.lock and _is_inside(function, own.index(outer), own.index(inner), own):
                yield Edge(outer, inner.lock, function, inner.stretch.line)
        for effect in function.effects:
            if effect.op == "call" and around.region in chain(function, effect.region) and effect.line <= around.until:
                yield from _through(program, function, outer, effect, taken)


def _is_inside(function: FunctionInfo, outer: int, inner: int, own: list[Taken]) -> bool:
    """Python takes the locks of one `with` in their order; a C++ guard of several takes them without a deadlock."""
    held, taken = own[outer].stretch, own[inner].stretch
    if taken.region == held.region:
        return function.language == "python" and outer < inner
    return held.region in chain(function, taken.region) and taken.line <= held.until


def _through(
    program: Program, function: FunctionInfo, outer: Taken, call: Effect, taken: dict[int, list[Taken]]
) -> Iterator[Edge]:
    """Locks that what is called here takes."""
    for callee in program.callees(function, call):
        for taker, steps in _takers(program, callee, taken, frozenset({id(function)}), _DEPTH):
            for inner in taken[id(taker)]:
                if inner.lock != outer.lock:
                    said = Step(taker.path, inner.stretch.line, f"{taker.facts.qualname} takes {inner.stretch.path}")
                    yield Edge(outer, inner.lock, function, call.line, (*steps, said), taker)


def _takers(
    program: Program, function: FunctionInfo, taken: dict[int, list[Taken]], seen: frozenset[int], depth: int
) -> Iterator[tuple[FunctionInfo, tuple[Step, ...]]]:
    if id(function) in seen or depth == 0:
        return
    if id(function) in taken:
        yield function, ()
    go_on = partial(_takers, program, taken=taken, seen=seen | {id(function)}, depth=depth - 1)
    for effect in function.effects:
        if effect.op == "call" and effect.path.startswith("self."):
            for callee in program.callees(function, effect):
                for taker, steps in go_on(callee):
                    yield taker, (Step(function.path, effect.line, f"{function.name} calls {effect.path}"), *steps)


def _report(program: Program, here: Edge, there: Edge) -> Report:
    first, second = here.outer.lock[1], here.inner[1]
    at = next((e for e in here.function.effects if e.line == here.line), None)
    place = program.place(here.function, at) if at else Place(here.function.path, here.line, 1, here.line)
    direct = not here.steps and not there.steps
    return Report(
        place,
        symbol_of(here.function),
        f"{here.function.name} takes {second} while it holds {first}, and {there.function.name} the other way round: "
        "two threads in them wait for each other for ever",
        (*_steps(here), *_steps(there)),
        confidence="high" if direct else "medium",
        reason="both orders are written in one function each" if direct else "one of the locks is taken in a call",
        subject=",".join(sorted((first, second))),
        fix=f"take {second} before {first} everywhere, or let go of the first before the second is taken",
        data={"runtime": _runtime(here, there)},
    )


def _steps(edge: Edge) -> Iterator[Step]:
    function = edge.function
    yield Step(function.path, edge.outer.stretch.line, f"{function.facts.qualname} takes {edge.outer.stretch.path}")
    if not edge.steps:
        yield Step(function.path, edge.line, f"and, while it holds it, {edge.inner[1]}")
    else:
        yield Step(function.path, edge.line, f"and calls {edge.steps[0].message.split()[0]} while it holds it")
    yield from edge.steps


def _runtime(here: Edge, there: Edge) -> dict[str, object]:
    functions = [f for edge in (here, there) for f in (edge.function, edge.taker) if f is not None]
    targets = [{"qualname": f.facts.qualname, "role": "scope", "path": f.path} for f in dict.fromkeys(functions)]
    return {"targets": targets, "options": {"locks": sorted({here.outer.lock[1], here.inner[1]})}}
