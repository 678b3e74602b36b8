"""LLM206: a result set on a future whose waiter may have gone.

A coroutine that is cancelled cancels the asyncio future it waits for. `set_result` on that raises `InvalidStateError`
in whoever answers, often the loop that answers everybody.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import chain, loops_around
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.findings import Report

_SETS = ("set_result", "set_exception")
_MAKES = ("create_future", "Future")
_ASKS = frozenset({"done", "cancelled", "set_running_or_notify_cancel"})
_EXPECTED = ("InvalidStateError", "CancelledError")
_CAUGHT = ("", "Exception", "BaseException", *_EXPECTED)


def check_program(program: Program) -> Iterator[Report]:
    made = {call.function.path: call for name in _MAKES for call in _made(program, name)}
    said: set[tuple[FunctionInfo, str]] = set()
    for name in _SETS:
        for call in program.calls_named(name):
            function, effect = call
            receiver = effect.callee.rpartition(".")[0]
            if (function, receiver) in said or function.path not in made:
                continue
            if not _comes_from_elsewhere(function, effect, receiver) or _is_ready(function, effect, receiver):
                continue
            if not _callers_see_to_it(program, function, receiver):
                said.add((function, receiver))
                yield _report(program, function, effect, receiver, made[function.path])


def _made(program: Program, name: str) -> Iterator[Call]:
    for call in program.calls_named(name):
        if name == "create_future" or program.resolve(call.function, call.effect.callee) == "asyncio.Future":
            yield call


def _comes_from_elsewhere(function: FunctionInfo, effect: Effect, receiver: str) -> bool:
    """Kept in an object or a container, or handed in: somebody else made it and may be waiting for it."""
    root = receiver.partition(".")[0].partition("[")[0]
    is_local = any(e.op == "bind" and e.path == root and e.value == "new" for e in function.effects)
    return not (is_local and "." not in receiver and "[" not in receiver) or receiver.endswith("[]")


def _callers_see_to_it(program: Program, function: FunctionInfo, receiver: str) -> bool:
    """Each caller made the future itself, asks about it, or is ready for the error."""
    calls = program.callers(function)
    return bool(calls) and all(_sees_to_it(function, receiver, *call) for call in calls)


def _sees_to_it(function: FunctionInfo, receiver: str, caller: FunctionInfo, call: Effect) -> bool:
    handed = {path for a in call.args for path in (a.written, a.path) if path}
    names = handed if receiver in {p.name for p in function.params} else {receiver}
    made = any(e.op == "bind" and e.path in names and e.source.endswith(_MAKES) for e in caller.effects)
    return made or any(_asks(caller, e, names) for e in caller.effects) or _is_caught(caller, call, _EXPECTED)


def _is_ready(function: FunctionInfo, effect: Effect, receiver: str) -> bool:
    """Asked before, caught after, or of a kind that has no waiter to lose."""
    names = {receiver, *_written(function, receiver)}
    if any(_asks(function, other, names) for other in function.effects):
        return True
    return _is_caught(function, effect, _CAUGHT)


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


def _report(program: Program, function: FunctionInfo, effect: Effect, receiver: str, made: Call) -> Report:
    in_loop = bool(loops_around(function, effect))
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{function.name} sets {receiver} without asking whether its waiter has cancelled it",
        (
            program.step(made.function, made.effect, "a future of the event loop is made here"),
            program.step(function, effect, "InvalidStateError is raised here when the waiter was cancelled"),
        ),
        confidence="medium",
        reason="a cancelled waiter cancels the future" + (", and the loop that answers all ends" if in_loop else ""),
        subject=receiver,
        fix=f"ask {receiver}.done() first",
    )
