"""LLM301 over several calls: pinned memory that an object keeps is filled again by a later call, and nothing has waited
for the copy that an earlier one began.

The copy is followed out of its function into who calls that, up to a way that comes to a writing again: in a loop, by
another method, or by the next call of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.device_waits import waits
from llmlint.code.domain.roots import roots_of
from llmlint.code.domain.staged import Begun, begun_copies, writes_to
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.steps import only_sets_up
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import ENTRY, EXIT
from llmlint.code.link.program import Call, FunctionInfo, Program, root_of
from llmlint.findings import Report

_HIGHEST = 4
"""Functions that a copy is followed out of."""


def refilled(program: Program, within_one: set[FunctionInfo], told: set[tuple[str, int]]) -> Iterator[Report]:
    """`within_one`: functions of whose copies something was said already; `told`: places."""
    near = None if program.asked.is_all else program.around(program.asked.functions, _HIGHEST - 1)
    for begun in begun_copies(program):
        writers = (function for function, effect in writes_to(program, begun.memory) if effect is not begun.effect)
        # what is told stands in a writer, or in who comes to one
        if begun.function in within_one or (near is not None and near.isdisjoint(writers)):
            continue
        for report in _refilled(program, begun):
            at = (report.at.path, report.at.line)
            if at not in told:
                told.add(at)
                yield report


def _refilled(program: Program, begun: Begun) -> Iterator[Report]:
    writers = _first_writers(program, begun)
    is_asked = any(function in program.asked for function in writers)  # what is told stands in one of them
    ways: list[tuple[Call, ...]] = [(Call(begun.function, begun.effect),)] if is_asked else []
    for _ in range(_HIGHEST):
        left: list[tuple[Call, ...]] = []
        for way in ways:
            again = _written_behind(program, way[-1], writers) if len(way) > 1 else None
            if again is not None:
                yield from _report(program, begun, way, writers, again)
                return
            if _comes_out(program, way[-1]):
                left.append(way)
        callers = {way: _callers(program, way[-1].function) for way in left}
        ends = next((way for way in left if not callers[way] and way[-1].function in writers), None)
        if ends is not None and not only_sets_up(program, ends[-1].function):
            yield from _report(program, begun, ends, writers, None)
            return
        ways = [(*way, caller) for way in left for caller in callers[way]]


def _callers(program: Program, function: FunctionInfo) -> list[Call]:
    return [call for call in program.callers(function) if not roots_of(program).kind(call.function.path)]


def _first_writers(program: Program, begun: Begun) -> dict[FunctionInfo, Effect]:
    """Functions that write to the memory, or call one that does, on a way on which they have not waited before."""
    found: dict[FunctionInfo, Effect] = {}
    for function, effect in writes_to(program, begun.memory):
        if effect is not begun.effect and function not in found and _is_reached_first(program, function, effect):
            found[function] = effect
    newest = list(found)
    for _ in range(_HIGHEST - 1):
        calls = [call for function in newest for call in _callers(program, function) if call.function not in found]
        newest = []
        for function, effect in calls:
            if function not in found and _is_reached_first(program, function, effect):
                found[function] = effect
                newest.append(function)
    return found


def _is_reached_first(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    paths = paths_of(function)
    goals = {*paths.graph.nodes_of(_place(function, effect))}
    return bool(goals) and paths.find([ENTRY], goals, _waiting(program, function)) is not None


def _written_behind(program: Program, call: Call, writers: dict[FunctionInfo, Effect]) -> Effect | None:
    """What comes to a writing behind the call on a way without a wait; the call itself, in a loop."""
    function, made = call
    paths = paths_of(function)
    again = [
        at
        for at, effect in enumerate(function.effects)
        if _calls_one(program, function, effect, writers)
        or (writers.get(function) is effect and not program.callees(function, effect))
    ]
    goals = {node for at in again for node in paths.graph.nodes_of(at)}
    way = paths.find(paths.graph.nodes_of(_place(function, made)), goals, _waiting(program, function))
    return paths.graph.effect(way.nodes[-1]) if way is not None else None


def _calls_one(program: Program, function: FunctionInfo, effect: Effect, writers: dict[FunctionInfo, Effect]) -> bool:
    """Of the same object as before: what a loop walks is another in each round."""
    if not effect.callee or not any(callee in writers for callee in program.callees(function, effect)):
        return False
    walked = {e.path for e in function.effects if e.op == "bind" and e.via == "for"}
    return root_of(effect.callee) not in walked and "[]" not in effect.callee


def _comes_out(program: Program, call: Call) -> bool:
    """Is the function left on a way on which nothing has waited since?"""
    paths = paths_of(call.function)
    starts = paths.graph.nodes_of(_place(*call))
    return paths.find(starts, {EXIT}, _waiting(program, call.function)) is not None


def _waiting(program: Program, function: FunctionInfo) -> Callable[[int], bool]:
    graph = paths_of(function).graph
    known: dict[int, bool] = {}

    def waits_here(node: int) -> bool:
        if node not in known:
            effect = graph.effect(node)
            known[node] = effect is not None and waits(program, function, effect)
        return known[node]

    return waits_here


def _place(function: FunctionInfo, effect: Effect) -> int:
    return next(at for at, one in enumerate(function.effects) if one is effect)


def _report(
    program: Program, begun: Begun, way: tuple[Call, ...], writers: dict[FunctionInfo, Effect], again: Effect | None
) -> Iterator[Report]:
    memory, top = begun.memory, way[-1].function
    steps = [program.step(memory.made.function, memory.made.effect, "the memory is made here, and pinned")]
    steps.append(program.step(*way[0], "the copy begins, and the function comes back with it under way"))
    steps += [program.step(*call, f"{call.function.facts.qualname} calls it, and does not wait") for call in way[1:]]
    if again is not None:
        steps.append(program.step(top, again, f"on a way here nothing has waited, and {memory.name} is filled again"))
    else:
        steps.append(program.step(top, writers[top], "the next call begins with filling it again"))
    function, write = next(iter(writers.items())) if again is not None else (top, writers[top])
    if function not in program.asked:
        return
    yield Report(
        program.place(function, write),
        symbol_of(function),
        f"{memory.name} is filled again while the copy from it that an earlier call began may still run",
        tuple(steps),
        confidence="medium" if again is not None else "low",
        reason="nothing that is called between the two waits"
        if again is not None
        else "nothing in it waits; who calls it, and what they do in between, is not seen",
        data=watched_calls(*writers, *(call.function for call in way)),
        subject=memory.name,
        fix="record an event behind the copy, and wait for it before the memory is filled again",
        mechanism="refilled_buffer",
    )
