"""A number in memory that processes share (`multiprocessing.Value`), read and written back without its lock.

The lock that comes with it guards each reading and each writing, not the two together.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import place_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around
from llmlint.code.link.program import Call, FunctionInfo, Program, root_of
from llmlint.findings import Report
from llmlint.phrases import last_name


def counted_without_lock(program: Program, locks: Locks) -> Iterator[Report]:
    made = {last_name(call.effect.result): call for call in program.calls_named("Value") if _is_shared(program, call)}
    for function in program.functions if made else ():
        for effect in function.effects:
            held, _, field = effect.path.rpartition(".")
            if field == "value" and effect.op == "assign" and effect.via and last_name(held) in made:
                call = made[last_name(held)]
                if function.path == call.function.path and not _is_locked(locks, function, effect, held):
                    yield Report(
                        place_of(function, effect),
                        symbol_of(function),
                        f"{effect.path} is read and written back in two steps: what a process adds between is lost",
                        (
                            program.step(call.function, call.effect, f"{last_name(held)} is shared by processes"),
                            program.step(function, effect, "counted here, and its lock is not held"),
                        ),
                        confidence="medium",
                        reason="the lock of a shared Value guards one reading or one writing, not both together",
                        subject=effect.path,
                        fix=f"with {held}.get_lock():",
                    )


def _is_shared(program: Program, call: Call) -> bool:
    function, effect = call
    made_by = {root_of(effect.callee), program.resolve(function, effect.callee).partition(".")[0]}
    contexts = {e.path for e in function.effects if e.op == "bind" and last_name(e.source) == "get_context"}
    return bool(effect.result) and not made_by.isdisjoint({"multiprocessing", "mp", *contexts})


def _is_locked(locks: Locks, function: FunctionInfo, effect: Effect, held: str) -> bool:
    """Does it stand under the lock that comes with it, or under another?"""
    own = f"{last_name(held)}.get_lock("
    return bool(locks.held(function, effect)) or any(own in region.text for region in around(function, effect))
