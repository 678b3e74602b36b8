"""LLM201: locks that are taken in one order here and in another order there.

An edge A to B is a place that takes B while it may hold A: in the same function, or in what it calls meanwhile.
Edges that lead round in a circle, mostly two that point both ways, are a deadlock as soon as threads walk them at once.
A wait under a lock that whoever ends it takes as well is such a circle with one lock (`wait_under_lock.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from llmlint.checkers.concurrency.wait_under_lock import waits_under_locks
from llmlint.code.domain.lock_steps import Taking, is_lock
from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.once import once
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Place, Report, Step

_DEPTH = 3
_LONGEST = 4

Lock = tuple[str, str]
"""The class that has it, and its attribute."""


class Edge(msgspec.Struct, frozen=True):
    """`inner` is taken while `outer` is held, here or (by way of `steps`) in what is called here."""

    outer: Lock
    taken: Taking
    inner: Lock
    function: FunctionInfo
    line: int
    steps: tuple[Step, ...] = ()
    taker: FunctionInfo | None = None


def check_program(program: Program) -> Iterator[Report]:
    locks = once(program, Locks)
    if not any(_taken(program, locks, function) for function in program.asked.functions):
        return
    taken = _all_taken(program, locks)
    edges: dict[tuple[Lock, Lock], list[Edge]] = {}
    for edge in _all_edges(program, locks, taken):
        edges.setdefault((edge.outer, edge.inner), []).append(edge)
    yield from waits_under_locks(program, locks, [f for f in program.functions if id(f) in taken])
    for circle in _circles(edges):
        sides = [edges[pair] for pair in circle]
        rarest = min(range(len(sides)), key=lambda at: (len(sides[at]), sides[at][0].function.path, -sides[at][0].line))
        yield _report(program, [side[0] for side in (*sides[rarest:], *sides[:rarest])])


def lock_edges(program: Program) -> Iterator[Edge]:
    """Which lock is taken while which other is held, wherever it is."""
    locks = once(program, Locks)
    yield from _all_edges(program, locks, _all_taken(program, locks))


def _all_taken(program: Program, locks: Locks) -> Taken:
    return {id(f): found for f in program.functions if (found := _taken(program, locks, f))}


def _all_edges(program: Program, locks: Locks, taken: Taken) -> Iterator[Edge]:
    for function in program.functions:
        if id(function) in taken:
            yield from _edges(program, locks, function, taken)


def _circles(edges: dict[tuple[Lock, Lock], list[Edge]]) -> Iterator[list[tuple[Lock, Lock]]]:
    """The pairs of locks that lead round, the shortest circles first; one that holds a shorter one is not told."""
    both = {outer for outer, _ in edges} & {inner for _, inner in edges}
    if not both:
        return
    import networkx as nx

    graph: nx.DiGraph[Lock] = nx.DiGraph(sorted(pair for pair in edges if both.issuperset(pair)))
    told: list[frozenset[Lock]] = []
    for circle in sorted(nx.simple_cycles(graph, length_bound=_LONGEST), key=lambda c: (len(c), sorted(c))):
        if not any(known <= frozenset(circle) for known in told):
            told.append(frozenset(circle))
            first = circle.index(min(circle))
            turned = [*circle[first:], *circle[:first]]
            yield list(zip(turned, (*turned[1:], turned[0]), strict=True))


def _taken(program: Program, locks: Locks, function: FunctionInfo) -> list[tuple[Lock, Taking, frozenset[Taking]]]:
    """The locks that a function takes and that have a name, each with what it may hold by then."""
    found = ((_named(program, function, taking.path), taking, held) for taking, held in locks.takings(function))
    return [(lock, taking, held) for lock, taking, held in found if lock is not None]


def _named(program: Program, function: FunctionInfo, path: str) -> Lock | None:
    """The same lock under the same name from every method and subclass of the class that has it."""
    base, _, attribute = path.rpartition(".")
    if not base or not attribute.isidentifier() or not is_lock(program, function, path):
        return None
    cls = function.owner if base == "self" else program.class_of(function, base)
    if cls is None:
        return None
    if base.startswith("self.") and function.owner is not None and _has_several(function.owner, cls):
        cls, attribute = function.owner, path.removeprefix("self.")
    having = [c for c in cls.mro if attribute in c.attributes]
    owner = having[-1] if having else cls
    return (f"{owner.path}:{owner.facts.qualname}", attribute)


def _has_several(owner: ClassInfo, cls: ClassInfo) -> bool:
    """Two tiers of one store have a lock each, and so two names."""
    return sum(attribute.class_of is cls for attribute in owner.attributes.values()) > 1


Taken = dict[int, list[tuple[Lock, Taking, frozenset[Taking]]]]


def _edges(program: Program, locks: Locks, function: FunctionInfo, taken: Taken) -> Iterator[Edge]:
    own = {taking: lock for lock, taking, _ in taken[id(function)]}
    for inner, taking, held in taken[id(function)]:
        for before in sorted(held & own.keys()):
            if own[before] != inner:
                yield Edge(own[before], before, inner, function, taking.line)
    for at, effect in enumerate(function.effects):
        for before in sorted(locks.before(function, at) & own.keys()) if effect.op == "call" else ():
            yield from _through(program, function, own[before], before, effect, taken)


def _through(
    program: Program, function: FunctionInfo, outer: Lock, before: Taking, call: Effect, taken: Taken
) -> Iterator[Edge]:
    """Locks that what is called here takes."""
    for callee in program.callees(function, call):
        for taker, steps in _takers(program, callee, taken, frozenset({id(function)}), _DEPTH):
            for inner, taking, _ in taken[id(taker)]:
                if inner != outer:
                    said = Step(taker.path, taking.line, f"{taker.facts.qualname} takes {taking.path}")
                    yield Edge(outer, before, inner, function, call.line, (*steps, said), taker)


def _takers(
    program: Program, function: FunctionInfo, taken: Taken, seen: frozenset[int], depth: int
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


def _report(program: Program, circle: Sequence[Edge]) -> Report:
    here, there = circle[:2]
    first, second = here.outer[1], here.inner[1]
    at = next((e for e in here.function.effects if e.line == here.line), None)
    place = program.place(here.function, at) if at else Place(here.function.path, here.line, 1, here.line)
    direct = not any(edge.steps for edge in circle)
    others = f"{there.function.name} the other way round" if len(circle) == 2 else "others lead round to it"
    return Report(
        place,
        symbol_of(here.function),
        f"{here.function.name} takes {second} while it holds {first}, and {others}: "
        f"{'two threads' if len(circle) == 2 else 'threads'} in them wait for each other for ever",
        tuple(step for edge in circle for step in _steps(edge)),
        confidence="high" if direct else "medium",
        reason="each order is written in one function" if direct else "one of the locks is taken in a call",
        subject=",".join(sorted(edge.outer[1] for edge in circle)),
        fix=f"take {second} before {first} everywhere, or let go of the first before the second is taken",
        data={"runtime": _runtime(circle)},
    )


def _steps(edge: Edge) -> Iterator[Step]:
    function = edge.function
    yield Step(function.path, edge.taken.line, f"{function.facts.qualname} takes {edge.taken.path}")
    if not edge.steps:
        yield Step(function.path, edge.line, f"and, while it holds it, {edge.inner[1]}")
    else:
        yield Step(function.path, edge.line, f"and calls {edge.steps[0].message.split()[0]} while it holds it")
    yield from edge.steps


def _runtime(circle: Sequence[Edge]) -> dict[str, object]:
    functions = [f for edge in circle for f in (edge.function, edge.taker) if f is not None]
    targets = [{"qualname": f.facts.qualname, "role": "scope", "path": f.path} for f in dict.fromkeys(functions)]
    return {"targets": targets, "options": {"locks": sorted({edge.outer[1] for edge in circle})}}
