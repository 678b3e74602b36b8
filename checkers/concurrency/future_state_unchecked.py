"""LLM206: a result set on a future whose waiter may have gone.

A coroutine that is cancelled cancels the asyncio future it waits for. `set_result` on that raises `InvalidStateError`
in whoever answers, often the loop that answers everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain as chain_of

from llmlint.checkers.concurrency.future_set_twice import set_twice
from llmlint.code.domain.cancelling import never_suspends, runs_to_its_end
from llmlint.code.domain.futures import is_something_else
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import ENTRY
from llmlint.code.flow.paths import ANY
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.exits import chain, loops_around, stands_in
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report
from llmlint.phrases import last_name

_SETS = ("set_result", "set_exception")
_MAKES = ("create_future", "Future")
_BY_LOOP = ("call_soon_threadsafe", "call_soon")
_PUTS = ("put", "put_nowait")
_ASKS = frozenset({"done", "cancelled", "set_running_or_notify_cancel"})
_EXPECTED = ("InvalidStateError", "CancelledError")
_CAUGHT = ("", "Exception", "BaseException", *_EXPECTED)


def check_program(program: Program) -> Iterator[Report]:
    futures = _Futures(program)
    said: set[tuple[FunctionInfo, str]] = set()
    for name in _SETS:
        for call in program.calls_named(name):
            function, effect = call
            receiver = effect.callee.rpartition(".")[0]
            made = futures.set_by(function, receiver)
            if (function, receiver) in said or made is None or program.callees(function, effect):
                continue  # a method of the program's own, judged where it sets the future itself
            if is_something_else(program, function, effect.callee):
                continue
            if _is_part_of_another(program, function, receiver, made):
                continue
            if not _comes_from_elsewhere(function, effect, receiver) or _is_ready(program, function, effect, receiver):
                continue
            if not _callers_see_to_it(program, futures, function, receiver):
                said.add((function, receiver))
                yield _report(program, function, effect, receiver, made)
    yield from _handed_to_the_loop(program, futures)
    yield from set_twice(program)


def _handed_to_the_loop(program: Program, futures: _Futures) -> Iterator[Report]:
    """The loop is to set it later, and whoever waits may be gone by then: to ask here is too early."""
    for name in _BY_LOOP:
        for function, effect in program.calls_named(name):
            path = effect.args[0].path if effect.args else ""
            receiver, _, method = path.rpartition(".")
            made = futures.set_by(function, receiver) if method in _SETS and receiver else None
            if made is not None:
                yield _report(program, function, effect, receiver, made, is_later=True)


class _Futures:
    """Where futures are made: those of the event loop, and those of threads, which no waiter cancels."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._of_loops: list[Call] = []
        self._owners_of_others: set[ClassInfo | None] = set()
        for call in (call for name in _MAKES for call in program.calls_named(name)):
            if call.effect.callee.endswith("create_future") or _is_of_loop(program, call) or _is_wrapped(program, call):
                self._of_loops.append(call)
            else:
                self._owners_of_others.add(call.function.owner)

    def set_by(self, function: FunctionInfo, receiver: str) -> Call | None:
        """Where one that the function may set is made: by its own class, where that makes any; else in its file, or by
        who hands it to something in this file."""
        if self.are_of_threads(function, receiver):
            return None
        here = [call for call in self._of_loops if call.function.path == function.path]
        own = (call for call in here if call.function.owner is function.owner)
        return next(chain_of(own, here, (call for call in self._of_loops if self._is_handed_to(call, function))), None)

    def _is_handed_to(self, made: Call, function: FunctionInfo) -> bool:
        """Does who makes it give it to a method of the function's class, or to another function of its file?"""
        given = (e for e in made.function.effects if any(a.path == made.effect.result for a in e.args) and e.callee)
        callees = (callee for e in given for callee in self._program.callees(made.function, e))
        return any(f.path == function.path and f.owner is function.owner for f in callees)

    def are_of_threads(self, function: FunctionInfo, receiver: str) -> bool:
        """Does its class make such, and none of the loop's, or have the loop set those?"""
        owner = function.owner
        if owner is None or owner not in self._owners_of_others:
            return False
        return all(call.function.owner is not owner for call in self._of_loops) or _goes_by_loop(function, receiver)


def _goes_by_loop(function: FunctionInfo, receiver: str) -> bool:
    """Are those of the loop set by a call that the loop makes, so that the others are left?"""
    setters = {f"{receiver}.{name}" for name in _SETS}
    handed = (e.args[0] for e in function.effects if e.callee.endswith(_BY_LOOP) and e.args)
    return any(argument.path in setters for argument in handed)


def _is_of_loop(program: Program, call: Call) -> bool:
    return program.resolve(call.function, call.effect.callee) == "asyncio.Future"


def _is_wrapped(program: Program, call: Call) -> bool:
    """Is this one of a thread awaited in the same file through a future of the loop, which hands a cancel on to it?"""
    here = (c for c in program.calls_named("wrap_future") if c.function.path == call.function.path and c.effect.args)
    name = last_name(call.effect.result)
    return any(last_name(w.effect.args[0].path) == name and not _is_shielded(w.function) for w in here)


def _is_shielded(waiting: FunctionInfo) -> bool:
    """Then a cancel ends at the shield."""
    return any(last_name(effect.callee) == "shield" for effect in waiting.effects)


def _comes_from_elsewhere(function: FunctionInfo, effect: Effect, receiver: str) -> bool:
    """Kept in an object or a container, or handed in: somebody else made it and may be waiting for it."""
    root = receiver.partition(".")[0].partition("[")[0]
    is_local = any(e.op == "bind" and e.path == root and e.value == "new" for e in function.effects)
    return not (is_local and "." not in receiver and "[" not in receiver) or receiver.endswith("[]")


def _is_part_of_another(program: Program, function: FunctionInfo, receiver: str, made: Call) -> bool:
    """`item, done = queue.get()` where the queue is given bare futures: what is set there is none of them."""
    if receiver in {param.name for param in function.params}:
        given = [(f, arguments_by_parameter(function, call).get(receiver)) for f, call in program.callers(function)]
        others = [(f, a.path) for f, a in given if a is not None and f is not function]
        return bool(others) and all(_takes_another(program, f, path, made) for f, path in others)
    return _takes_another(program, function, receiver, made)


def _takes_another(program: Program, function: FunctionInfo, receiver: str, made: Call) -> bool:
    taken = next((e for e in function.effects if e.op == "bind" and e.path == receiver and e.options), None)
    call, _, part = taken.options[0].rpartition("()") if taken is not None else ("", "", "")
    queue = call.rpartition(".")[0]
    if not queue.startswith("self.") or not part.startswith("[") or function.owner is None:
        return False
    effects = (e for f in program.functions_of(function.owner) for e in f.effects)
    puts = [e for e in effects if e.op == "insert" and e.path == queue and e.via in _PUTS]
    return bool(puts) and all(e.args and e.args[0].path == made.effect.result for e in puts)


def _callers_see_to_it(program: Program, futures: _Futures, function: FunctionInfo, receiver: str) -> bool:
    """Each caller made the future itself, has one of a thread, asks about it, or is ready for the error."""
    calls = program.callers(function)
    return bool(calls) and all(_sees_to_it(futures, function, receiver, *call) for call in calls)


def _sees_to_it(futures: _Futures, function: FunctionInfo, receiver: str, caller: FunctionInfo, call: Effect) -> bool:
    handed = {path for a in call.args for path in (a.written, a.path) if path}
    names = handed if receiver in {p.name for p in function.params} else {receiver}
    made = any(e.op == "bind" and e.path in names and e.source.endswith(_MAKES) for e in caller.effects)
    if made or any(futures.are_of_threads(caller, name) for name in names):
        return True
    return any(_asks(caller, e, names) for e in caller.effects) or _is_caught(caller, call, _EXPECTED)


def _is_ready(program: Program, function: FunctionInfo, effect: Effect, receiver: str) -> bool:
    """Asked before, caught after, or of a kind that has no waiter to lose."""
    names = {receiver, *_written(function, receiver)}
    asking = [at for at, other in enumerate(function.effects) if _asks(function, other, names)]
    return _is_asked_on_each_way(program, function, effect, asking) or _is_caught(function, effect, _CAUGHT)


def _is_asked_on_each_way(program: Program, function: FunctionInfo, effect: Effect, asking: list[int]) -> bool:
    """Does every way to the effect pass a question, and no await behind that, in which the waiter may go? One question
    in a lambda or nested function stands for all."""
    waits = [at for at, e in enumerate(function.effects) if _may_be_cancelled_at(program, function, e)]
    for at in asking:
        if stands_in(function, function.effects[at], {"lambda"}):
            asked = function.effects[at].line
            if not any(asked < function.effects[wait].line < effect.line for wait in waits):
                return True
    paths = paths_of(function)
    asked_at = {node for at in asking for node in paths.graph.nodes_of(at)}
    goal = set(paths.graph.nodes_of(function.effects.index(effect)))
    starts = [ENTRY, *(node for wait in waits for node in paths.graph.nodes_of(wait))]
    return bool(asked_at) and paths.find(starts, goal, asked_at.__contains__, kinds=ANY) is None


def _may_be_cancelled_at(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    is_call = effect.via == "await"
    return (is_call or effect.op == "await") and not (is_call and never_suspends(program, function, effect))


def _is_caught(function: FunctionInfo, effect: Effect, by: tuple[str, ...]) -> bool:
    tried = [at for at in chain(function, effect.region) if function.regions[at].kind == "try"]
    return any(
        region.kind == "except" and region.first in tried and any(_names(region.text, name) for name in by)
        for region in function.regions
    )


def _written(function: FunctionInfo, receiver: str) -> Iterator[str]:
    """Local names that stand for the future."""
    for effect in function.effects:
        if effect.op == "bind" and (effect.source == receiver or receiver in effect.reads):
            yield effect.path


def _asks(function: FunctionInfo, effect: Effect, names: set[str]) -> bool:
    base, _, method = effect.callee.rpartition(".")
    return method in _ASKS and base in names


def _names(text: str, name: str) -> bool:
    return (
        not text
        if not name
        else name in text.replace("(", " ").replace(")", " ").replace(",", " ").split() or (text.endswith(f".{name}"))
    )


def _report(
    program: Program, function: FunctionInfo, effect: Effect, receiver: str, made: Call, is_later: bool = False
) -> Report:
    in_loop = bool(loops_around(function, effect))
    awaited = any(e.op == "await" and e.path == made.effect.result for e in made.function.effects)
    is_safe = awaited and runs_to_its_end(program, made.function)
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{function.name} sets {receiver} without asking whether its waiter has cancelled it",
        (
            program.step(made.function, made.effect, "a future of the event loop is made here"),
            program.step(function, effect, "InvalidStateError is raised here when the waiter was cancelled"),
        ),
        confidence="low" if is_later or is_safe else "medium",
        reason="a cancelled waiter cancels the future"
        + (", and the loop that answers all ends" if in_loop else "")
        + (f"; but nothing in the program cancels {made.function.name}" if is_safe else ""),
        subject=receiver,
        fix=f"ask {receiver}.done() " + ("where the loop sets it" if is_later else "first"),
        data={} if is_later else {"ask_done": True},
    )
