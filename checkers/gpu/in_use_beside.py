"""LLM302, the other way round: a side stream still reads what the current one gives up or writes to.

Memory of a tensor goes back to the stream that it was taken on as soon as nobody holds the tensor: whoever gets it next
on that stream writes to it, unless that has waited for the side stream, or `record_stream` said that it is used there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.device_streams import Side, crossings, is_ordered_by_others, orders_streams, sides
from llmlint.code.domain.device_values import DeviceValues
from llmlint.code.domain.pending_copies import bare, written_by
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.steps import only_sets_up
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.graph import EXIT
from llmlint.code.flow.rounds import within
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.findings import Report, Step

_OWN_WAITS = frozenset({"wait_stream", "wait_event"})
_KEEPS = ("assign", "insert", "return", "yield")


def in_use_beside(program: Program) -> Iterator[Report]:
    for side in (side for side in sides(program) if side.function in program.asked):
        if not only_sets_up(program, side.function) and not is_ordered_by_others(program, side):
            yield from _dropped(program, side)
            yield from _written(program, side)


def _dropped(program: Program, side: Side) -> Iterator[Report]:
    function = side.function
    for crossing in crossings(program, side):
        made = crossing.made
        if made is None or not crossing.inward or _is_held(program, function, crossing.name):
            continue
        if _way(program, side, crossing.used, {EXIT}):
            name, used = crossing.name, function.effects[crossing.used]
            yield _report(
                program,
                side,
                "dropped",
                used,
                f"{name} may be given back while {side.stream} still reads it",
                (
                    program.step(function, function.effects[made], f"{name} is made on another stream"),
                    program.step(function, used, f"{name} is used on {side.stream}"),
                    program.step(function, function.facts.end_line, f"{name} is dropped, and nothing has waited"),
                ),
                f"{name}.record_stream({side.stream}), or let the other stream wait before it is dropped",
            )
            return


def _is_held(program: Program, function: FunctionInfo, name: str) -> bool:
    """Does anybody hold it when the function is left, or has the allocator been told?"""
    for effect in function.effects:
        if effect.callee == f"{name}.record_stream":
            return True
        given = (effect.source, effect.path if effect.op in ("return", "yield") else "", effect.key, *effect.holds)
        if effect.op in _KEEPS and name in {*map(root_of, given), *(root_of(a.path) for a in effect.args)}:
            return True
    inner = (inner for inner in program.functions_within(function) if inner is not function)
    return any(root_of(path) == name for one in inner for path, _ in one.reads)


def _written(program: Program, side: Side) -> Iterator[Report]:
    function, inside = side.function, within(side.function, side.region)
    values = DeviceValues(program, function)
    read = {at: _given(e) for at, e in enumerate(function.effects) if e.region in inside and e.callee}
    for at, effect in enumerate(function.effects):
        if effect.region in inside:
            continue
        for place in (place for place in _places_written(program, function, effect) if values.holds(place)):
            used = next((u for u, places in read.items() if place in places and _reaches(program, side, u, at)), None)
            if used is not None:
                yield _report(
                    program,
                    side,
                    "written",
                    effect,
                    f"{place} is written while {side.stream} may still read it",
                    (
                        program.step(function, function.effects[used], f"{place} is read on {side.stream}"),
                        program.step(function, effect, f"{place} is written on another, which has not waited"),
                    ),
                    f"let the other stream wait for {side.stream} before it writes",
                )
                return


def _places_written(program: Program, function: FunctionInfo, effect: Effect) -> set[str]:
    """By the effect, or, of the object's own, by the method that it calls."""
    callees = program.callees(function, effect) if effect.callee.startswith("self.") else ()
    own = [inner for callee in callees if callee.owner is function.owner for inner in callee.effects]
    through = {place for inner in own for place in written_by(inner) if place.startswith("self.")}
    return {bare(place) for place in (*written_by(effect), *through) if place}


def _given(effect: Effect) -> frozenset[str]:
    return frozenset(bare(argument.path) for argument in effect.args if argument.path)


def _reaches(program: Program, side: Side, used: int, written: int) -> bool:
    graph = paths_of(side.function, body_of(side.function, side.region)).graph
    return _way(program, side, used, set(graph.nodes_of(written)))


def _way(program: Program, side: Side, start: int, goal: set[int]) -> bool:
    paths = paths_of(side.function, body_of(side.function, side.region))
    return paths.find(paths.graph.nodes_of(start), goal, _waits_for(program, side)) is not None


def _waits_for(program: Program, side: Side) -> Callable[[int], bool]:
    """Whether somebody waits for the side stream: what that waits for itself protects nothing that it reads."""
    graph = paths_of(side.function, body_of(side.function, side.region)).graph

    def waits(node: int) -> bool:
        effect = graph.effect(node)
        if effect is None:
            return False
        receiver, _, name = effect.callee.rpartition(".")
        is_its_own = receiver == side.stream and name in _OWN_WAITS
        return not is_its_own and orders_streams(program, side.function, effect)

    return waits


def _report(
    program: Program, side: Side, kind: str, at: Effect, message: str, evidence: tuple[Step, ...], fix: str
) -> Report:
    return Report(
        program.place(side.function, at),
        symbol_of(side.function),
        message,
        evidence,
        confidence="low",
        reason="no call on the way waits; what its callers do next is not seen",
        data=watched_calls(side.function),
        subject=message.partition(" ")[0],
        fix=fix,
        mechanism=f"in_use_beside.{kind}",
    )
