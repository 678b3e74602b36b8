"""A value that is used where there is none, or that is taken apart into another number of values than there are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.contracts.misread_result.taken_apart import taken_apart
from llmlint.checkers.contracts.misread_result.telling import told
from llmlint.code.domain.results import MANAGERS, gives_nothing
from llmlint.code.domain.unread import is_looked_into, is_never_read
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report

_UNUSED = ("", "<return>", "<message>")


def taken(program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...]) -> Iterator[Report]:
    """`ran` is all that the call may run."""
    is_awaited = effect.via == "await"
    is_used = effect.result not in _UNUSED and not _is_thrown_away(function, effect)
    if effect.result == "<return>" or (is_awaited and not is_used and effect.result):
        return
    if effect.callee.startswith("super()") and is_used:
        return
    if is_awaited and all(gives_nothing(f) and not f.facts.is_async for f in ran):
        yield _nothing_awaited(program, function, effect, ran)
    elif is_used and all(gives_nothing(f) and f.facts.is_async == is_awaited for f in ran):
        ignored = is_never_read(program, function, effect) or _expects_none(function, effect)
        if not ignored and not _is_passed_on_to_nobody(program, function, effect):
            yield _nothing_used(program, function, effect, ran, is_looked_into(function, effect))
    elif ", " in effect.result:
        yield from taken_apart(program, function, effect, ran)


def _is_thrown_away(function: FunctionInfo, effect: Effect) -> bool:
    """`_ = f()`, and a comprehension that is only written to call."""
    return effect.result == "_" or any(region.kind == "lambda" for region in around(function, effect))


def _expects_none(function: FunctionInfo, effect: Effect) -> bool:
    """`data = f()`, and then `if data is not None`: whoever asks so knows that nothing may come."""
    if not effect.result.isidentifier():
        return False
    asked = re.compile(rf"\b{effect.result} is (not )?None\b")
    return any(asked.search(region.text) for region in function.regions if region.line >= effect.line)


def _is_passed_on_to_nobody(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Is the value only given back, or yielded to a `with`, and does no caller look at it?"""
    uses = [
        e for e in function.effects if e.op != "bind" and {effect.result, f"{effect.callee}()"} & {e.path, *e.reads}
    ]
    if not uses or any(use.op not in ("return", "yield") for use in uses):
        return False
    calls = program.calls_named(function.name)
    is_yielded = any(use.op == "yield" for use in uses)
    is_seen_whole = MANAGERS & set(function.facts.decorators) if is_yielded else calls
    return bool(is_seen_whole) and all(call.effect.result in ("", "_") for call in calls)


def _nothing_awaited(program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...]) -> Report:
    message = f"{effect.callee}() is awaited, is no coroutine, and gives None"
    return told(
        program, function, effect, ran, message, "runs at once and gives nothing", "call it without await", "awaited"
    )


def _nothing_used(
    program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...], is_looked_into: bool
) -> Report:
    message = f"the value of {effect.callee}() is used, and it never returns one"
    fix = "return what the caller expects, or do not use the value"
    mechanism = "looked_into" if is_looked_into else "nothing"
    return told(program, function, effect, ran, message, "comes to its end without returning a value", fix, mechanism)
