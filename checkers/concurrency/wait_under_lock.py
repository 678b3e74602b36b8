"""A wait without end under a lock, where whoever would end it takes the same lock: a part of LLM201.

A bounded queue that is full, an event, a thread that is joined: what ends the wait is the opposite call on the same
attribute, or the end of the thread's own function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report

_ENDS = {"put": "get", "get": "put", "wait": "set"}
_LIMITS = frozenset({"timeout", "block", "blocking"})


def waits_under_locks(program: Program, locks: Locks, taking: Sequence[FunctionInfo]) -> Iterator[Report]:
    for function in taking:
        if function.language != "python" or function.owner is None:
            continue
        for effect in function.effects:
            receiver, _, method = effect.callee.rpartition(".")
            if not receiver.startswith("self.") or receiver.count(".") != 1 or _has_limit(effect, method):
                continue
            held = locks.taken(function, effect) if method in _ENDS or method == "join" else frozenset()
            for ending, at in _ended_by(program, function, receiver, method) if held else ():
                taken = {path for own, _ in locks.takings(ending) for path in (own.path,)} & held
                if taken and ending is not function and not locks.taken(ending, at) & taken:
                    yield _report(program, function, effect, ending, at, min(taken))
                    break


def _has_limit(effect: Effect, method: str) -> bool:
    positional = [a for a in effect.args if not a.keyword]
    return any(a.keyword in _LIMITS for a in effect.args) or len(positional) > (method == "put")


def _ended_by(
    program: Program, function: FunctionInfo, receiver: str, method: str
) -> Iterator[tuple[FunctionInfo, Effect]]:
    """The functions of the class that end the wait; a queue without a bound takes everything at once."""
    owner = function.owner
    known = owner.attributes.get(receiver[5:]) if owner is not None else None
    if owner is None or known is None or (method == "put" and not _is_bounded(program, owner.functions, receiver)):
        return
    if method == "join":
        yield from _run_by_thread(program, owner.functions, receiver)
        return
    for other in owner.functions:
        for effect in other.effects:
            if effect.callee == f"{receiver}.{_ENDS[method]}":
                yield other, effect


def _is_bounded(program: Program, functions: Sequence[FunctionInfo], receiver: str) -> bool:
    for function in functions:
        for effect in function.effects:
            if effect.op == "call" and effect.result == receiver and effect.path.endswith("Queue"):
                size = next((a for a in effect.args if a.keyword in ("", "maxsize")), None)
                is_loops = program.resolve(function, effect.path).startswith("asyncio.")
                return size is not None and size.literal != "0" and not is_loops
    return False


def _run_by_thread(
    program: Program, functions: Sequence[FunctionInfo], receiver: str
) -> Iterator[tuple[FunctionInfo, Effect]]:
    for function in functions:
        for effect in function.effects:
            if effect.op == "call" and effect.result == receiver and effect.path.endswith("Thread"):
                target = next((a.path for a in effect.args if a.keyword == "target"), "")
                for other in functions:
                    if target == f"self.{other.name}" and other.effects:
                        yield other, other.effects[0]


def _report(
    program: Program, function: FunctionInfo, wait: Effect, ending: FunctionInfo, at: Effect, lock: str
) -> Report:
    return Report(
        program.place(function, wait),
        symbol_of(function),
        f"{function.name} waits in {wait.callee} while it holds {lock}, and {ending.name}, which would end it, takes "
        f"{lock} as well",
        (
            program.step(function, wait, f"waits without a time limit, under {lock}"),
            program.step(ending, at, f"{ending.name} ends such a wait, and takes {lock} on its way"),
        ),
        confidence="medium",
        reason="the one waits for the other, which waits for the lock",
        subject=f"{lock},{wait.callee}",
        fix=f"let go of {lock} before the wait, or give the wait a time limit",
    )
