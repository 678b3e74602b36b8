"""LLM103: a task of a queue that a worker takes, and on some way never says it has done: whoever joins the queue waits.

The worker says so itself in its loop, or the function does that the loop calls with each task. A worker that ends, and
does not go on with the next task, is left alone: what it takes last is often no task.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from llmlint.code.domain.kept_over_rounds import may_come_to_handler
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import ENTRY, EXIT
from llmlint.code.flow.paths import Way
from llmlint.code.link.exits import LEAVING, loops_around, own_returns, stands_in
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.phrases import last_name

_DONE = "task_done"
_TAKES = frozenset({"get", "get_nowait"})
_NOT_READ = "few findings of this kind have been read so far"


class _Missed(NamedTuple):
    """`left_by`: where the way parts for good from what says that the task is done."""

    function: FunctionInfo
    queue: str
    left_by: Effect
    done: Effect
    taken: Call


def check(program: Program) -> Iterator[Report]:
    saying: dict[tuple[FunctionInfo, str], tuple[Effect, Call]] = {}
    for function, effect in program.asked.calls(_DONE):
        join = _join(program, Call(function, effect)) if function.language == "python" else None
        if join is not None:
            saying.setdefault((function, _receiver(effect)), (effect, join))
    for (function, queue), (done, join) in saying.items():
        for missed in (*_in_rounds(program, function, queue, done), *_in_called(program, function, queue, done)):
            yield _report(program, missed, join)


def _join(program: Program, done: Call) -> Call | None:
    """Where somebody waits until all tasks of the queue are done."""
    joins = [call for call in program.calls_named("join", True) if _is_named_alike(call.effect, done.effect)]
    near = sorted(joins, key=lambda call: call.function.path != done.function.path)
    return next((call for call in near if _may_be_one(program, done, call)), None)


def _is_named_alike(one: Effect, other: Effect) -> bool:
    return last_name(_receiver(one)) == last_name(_receiver(other))


def _may_be_one(program: Program, done: Call, join: Call) -> bool:
    """May it be the same queue, as far as the classes are known that it belongs to?"""
    one, other = _holder(program, done), _holder(program, join)
    return one is None or other is None or one in other.mro or other in one.mro


def _holder(program: Program, call: Call) -> ClassInfo | None:
    holder = _receiver(call.effect).rpartition(".")[0]
    return call.function.owner if holder == "self" else program.class_of(call.function, holder) if holder else None


def _receiver(effect: Effect) -> str:
    return effect.callee.rpartition(".")[0]


def _takes(function: FunctionInfo, queue: str) -> list[int]:
    """Where a function takes from the queue of this name."""
    return [
        at
        for at, e in enumerate(function.effects)
        if last_name(e.callee) in _TAKES and last_name(_receiver(e)) == last_name(queue) and loops_around(function, e)
    ]


def _settled(program: Program, function: FunctionInfo, queue: str) -> set[int]:
    """Where the task is said to be done, or handed to a function that may say so, now or later."""
    done = program.calls_named(_DONE, True)
    saying = {f for f, e in done if last_name(_receiver(e)) == last_name(queue)}
    saying |= {caller for called in saying for caller, _ in program.callers(called)}
    names = {_DONE, *(f.name for f in saying)} - {function.name}
    return {
        at
        for at, e in enumerate(function.effects)
        if e.callee and (last_name(e.callee) in names or any(last_name(a.path) in names for a in e.args))
    }


# ---------------------------------------------------------------- in the loop itself


def _in_rounds(program: Program, function: FunctionInfo, queue: str, done: Effect) -> Iterator[_Missed]:
    """A way from a task to the same loop's next one."""
    takes = _takes(function, queue)
    if len(takes) != 1:
        return  # tasks that are taken several at a time are counted
    taken = function.effects[takes[0]]
    loop = loops_around(function, taken)[0]
    saying = [e for e in function.effects if e is done or (last_name(e.callee) == _DONE and _receiver(e) == queue)]
    if any(loops_around(function, e)[:1] != [loop] for e in saying):
        return
    paths = paths_of(function)
    stops = _nodes(function, _settled(program, function, queue))
    starts = paths.graph.nodes_of(takes[0])

    def throws(node: int) -> bool:
        effect = paths.graph.effect(node)
        return effect is not None and may_come_to_handler(function, taken, effect, loop)

    way = paths.find(starts, set(starts), stops.__contains__, throws=throws)
    if way is not None:
        yield _Missed(function, queue, _left_by(function, way) or taken, done, Call(function, taken))


# ---------------------------------------------------------------- in what the loop calls


def _in_called(program: Program, function: FunctionInfo, queue: str, done: Effect) -> Iterator[_Missed]:
    """Of a function that takes no task itself: ways through it, and if there are none, those through who calls it."""
    if _takes(function, queue) or function.facts.is_generator or stands_in(function, done, {"lambda"}):
        return
    callers = program.callers(function)
    missed = [*_in_helper(program, function, queue, done, callers)]
    yield from missed
    for caller, call in callers if not missed else ():
        yield from _in_rounds(program, caller, queue, call)
        yield from _in_helper(program, caller, queue, call, program.callers(caller))


def _in_helper(
    program: Program, function: FunctionInfo, queue: str, done: Effect, callers: tuple[Call, ...]
) -> Iterator[_Missed]:
    """The ways out of a function that is called with each task, where the loop leaves it to that to say so."""
    if _takes(function, queue):
        return
    taken = next((taken for call in callers if (taken := _leaves_it(program, call, queue))), None)
    if taken is None:
        return
    paths = paths_of(function)
    stops = _nodes(function, _settled(program, function, queue))
    for left_by in own_returns(function):
        returned = _nodes(function, [function.effects.index(left_by)])
        there = paths.find([ENTRY], returned, stops.__contains__)
        if there is not None and paths.find(there.nodes[-1:], {EXIT}, stops.__contains__, there.known) is not None:
            yield _Missed(function, queue, left_by, done, taken)


def _nodes(function: FunctionInfo, effects: Collection[int]) -> set[int]:
    graph = paths_of(function).graph
    return {node for at in effects for node in graph.nodes_of(at)}


def _leaves_it(program: Program, call: Call, queue: str) -> Call | None:
    """The taking of the task that a call is given, where the caller does not say itself that it is done afterwards."""
    caller, effect = call
    takes = _takes(caller, queue)
    paths = paths_of(caller)
    starts = paths.graph.nodes_of(caller.effects.index(effect))
    stops = _nodes(caller, [at for at, e in enumerate(caller.effects) if last_name(e.callee) == _DONE])
    for at in takes:
        if paths.find(starts, set(paths.graph.nodes_of(at)), stops.__contains__) is not None:
            return Call(caller, caller.effects[at])
    return None


def _left_by(function: FunctionInfo, way: Way) -> Effect | None:
    graph = paths_of(function).graph
    effects = [effect for node in reversed(way.nodes) if (effect := graph.effect(node)) is not None]
    leaving = (effect for effect in effects if effect.op in LEAVING)
    return next(leaving, effects[0] if effects else None)


def _report(program: Program, missed: _Missed, joined: Call) -> Report:
    function, queue, left_by, done, (taker, taken) = missed
    return Report(
        program.place(function, left_by),
        function.facts.qualname,
        f"{function.name} goes on here without {done.callee}(): {joined[1].callee}() waits for the task for ever",
        (
            program.step(taker, taken.line, f"{taker.name} takes the task by {taken.callee}"),
            Step(function.path, left_by.line, "this way leaves it without a word"),
            Step(function.path, done.line, f"the others say that it is done, by {done.callee}"),
            program.step(joined[0], joined[1].line, f"{joined[0].name} waits until each task is done"),
        ),
        confidence="low",
        reason=f"a queue counts what is put in, and only {_DONE}() counts down; but {_NOT_READ}",
        subject=f"{queue}:{left_by.op}",
        fix=f"call {done.callee}() in a finally",
        mechanism="task_not_done.check",
    )
