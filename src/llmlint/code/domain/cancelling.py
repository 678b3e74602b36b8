"""Can a coroutine be cancelled while it waits? What nobody is seen to call may be cancelled by whoever does."""

from __future__ import annotations

from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.phrases import last_name

_LIMITS = frozenset({"wait_for", "timeout", "timeout_at", "move_on_after", "move_on_at", "fail_after", "fail_at"})


def runs_to_its_end(program: Program, waiter: FunctionInfo) -> bool:
    """Is it started in another process only, where nothing of the program ends it, and without a limit of its own?"""
    if program.callers(waiter) or any(last_name(effect.callee) in _LIMITS for effect in waiter.effects):
        return False
    words = program.vocabulary
    starts = (call for name in words.started_elsewhere for call in program.calls_named(name))
    if not any(last_name(call.effect.callee.rpartition(".")[0]) == waiter.name for call in starts):
        return False
    ends = (call for name in words.cancels_elsewhere for call in program.calls_named(last_name(name)))
    return not any(program.resolve(call.function, call.effect.callee) in words.cancels_elsewhere for call in ends)


def never_suspends(program: Program, function: FunctionInfo, call: Effect) -> bool:
    """Is what is awaited a coroutine of the program that awaits nothing itself? Then no other runs in between."""
    run = program.callees(function, call, overrides=True)
    return bool(run) and all(_ends_at_once(one) for one in run)


def _ends_at_once(function: FunctionInfo) -> bool:
    facts = function.facts
    is_plain = facts.is_async and not facts.decorators and not function.is_abstract
    return is_plain and facts.has_body and not facts.awaits
