"""LLM903: a call whose result is not what the caller takes it for: nothing at all, a coroutine that never runs, or
another number of values than are taken from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from llmlint.code.domain.results import counts_given, gives_nothing, only_says, run_by
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.unread import is_never_read
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report

_UNUSED = ("", "<return>", "<message>")
_GIVEN_TO_EXIT = "main"
_OF_ALL = frozenset("len iter enumerate sorted list tuple set dict zip sum min max map filter".split())
"""They take no None."""
_MANAGERS = frozenset(
    "contextmanager asynccontextmanager contextlib.contextmanager contextlib.asynccontextmanager".split()
)


def check_program(program: Program) -> Iterator[Report]:
    called = program.asked.call_names - {_GIVEN_TO_EXIT}
    named = [f for f in program.functions if f.name in called]
    of_note = {f.name for f in named if gives_nothing(f) or _is_coroutine(f) or counts_given(f)}
    for name in sorted(of_note):
        for function, effect in program.asked.calls(name):
            if function.language == "python" and effect.op == "call":
                yield from _check(program, function, effect)


def _is_coroutine(function: FunctionInfo) -> bool:
    facts = function.facts
    return function.language == "python" and facts.is_async and not facts.is_generator and not facts.decorators


def _check(program: Program, function: FunctionInfo, effect: Effect) -> Iterator[Report]:
    is_awaited = effect.via == "await"
    is_used = effect.result not in _UNUSED and not _is_thrown_away(function, effect)
    if effect.result == "<return>" or (is_awaited and not is_used and effect.result):
        return
    ran = run_by(program, function, effect)
    if not ran or (effect.callee.startswith("super()") and is_used):
        return
    if not is_awaited and not effect.result and all(map(_is_coroutine, ran)):
        yield _never_runs(program, function, effect, ran)
    elif is_awaited and all(gives_nothing(f) and not f.facts.is_async for f in ran):
        yield _nothing_awaited(program, function, effect, ran)
    elif is_used and all(gives_nothing(f) and f.facts.is_async == is_awaited for f in ran):
        ignored = is_never_read(program, function, effect) or _expects_none(function, effect)
        if not ignored and not _is_passed_on_to_nobody(program, function, effect):
            yield _nothing_used(program, function, effect, ran, _is_looked_into(function, effect))
    elif ", " in effect.result:
        yield from _taken_apart(program, function, effect, ran)


def _taken_apart(
    program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...]
) -> Iterator[Report]:
    """`a, b = f()` where each way through all that may run returns a tuple of another length."""
    run = [f for f in ran if not only_says(f)]
    counts = [counts_given(f) for f in run]
    if not all(counts) or any(f.facts.is_async != (effect.via == "await") for f in run):
        return
    taken, has_rest = _places_for(function, effect)
    given = frozenset().union(*counts)
    if taken and given and (taken > max(given) if has_rest else taken not in given):
        yield _miscounted(program, function, effect, tuple(run), taken, given)


def _places_for(function: FunctionInfo, effect: Effect) -> tuple[int, bool]:
    """How many values the targets of the call take, and whether one with a star takes all others."""
    has_rest = "" in effect.result.split(", ")
    part = re.compile(re.escape(f"{effect.callee}()") + r"\[(\d+)\]")
    behind = function.effects[function.effects.index(effect) + 1 :]
    bound = takewhile(lambda later: later.callee != effect.callee, behind)
    told = [match for later in bound for option in later.options if (match := part.match(option))]
    places = {int(match[1]) for match in told}
    is_whole = bool(places) and places == set(range(max(places) + 1))
    return (len(places) - has_rest, has_rest) if is_whole else (0, has_rest)


def _is_thrown_away(function: FunctionInfo, effect: Effect) -> bool:
    """`_ = f()`, and a comprehension that is only written to call."""
    return effect.result == "_" or any(region.kind == "lambda" for region in around(function, effect))


def _expects_none(function: FunctionInfo, effect: Effect) -> bool:
    """`data = f()`, and then `if data is not None`: whoever asks so knows that nothing may come."""
    if not effect.result.isidentifier():
        return False
    asked = re.compile(rf"\b{effect.result} is (not )?None\b")
    return any(asked.search(region.text) for region in function.regions if region.line >= effect.line)


def _is_looked_into(function: FunctionInfo, effect: Effect) -> bool:
    """Is something of the value asked for that None does not have: `f()["name"]`, `data.name`, `len(data)`?"""
    if ", " in effect.result:
        return True
    name = effect.result if effect.result.isidentifier() else f"{effect.callee}()"
    inside = re.compile(rf"(?<![\w.]){re.escape(name)}[.\[]")
    behind = function.effects[function.effects.index(effect) + 1 :]
    if name == effect.result:
        own = next((at for at, later in enumerate(behind) if later.op == "bind" and later.path == name), 0)
        behind = tuple(takewhile(lambda later: later.op != "bind" or later.path != name, behind[own + 1 :]))
    told = (text for later in behind for text in (later.callee, later.source, *later.reads))
    counted = (argument.path for later in behind if later.callee in _OF_ALL for argument in later.args)
    return any(map(inside.search, told)) or name in counted


def _is_passed_on_to_nobody(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Is the value only given back, or yielded to a `with`, and does no caller look at it?"""
    uses = [
        e for e in function.effects if e.op != "bind" and {effect.result, f"{effect.callee}()"} & {e.path, *e.reads}
    ]
    if not uses or any(use.op not in ("return", "yield") for use in uses):
        return False
    calls = program.calls_named(function.name)
    is_yielded = any(use.op == "yield" for use in uses)
    is_seen_whole = _MANAGERS & set(function.facts.decorators) if is_yielded else calls
    return bool(is_seen_whole) and all(call.effect.result in ("", "_") for call in calls)


def _never_runs(program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...]) -> Report:
    message = f"{effect.callee}() is a coroutine and never runs: nobody awaits it"
    fix = "await it, or make a task of it and keep it"
    return _report(program, function, effect, ran, message, "is a coroutine", fix, "coroutine")


def _nothing_awaited(program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...]) -> Report:
    message = f"{effect.callee}() is awaited, is no coroutine, and gives None"
    return _report(
        program, function, effect, ran, message, "runs at once and gives nothing", "call it without await", "awaited"
    )


def _nothing_used(
    program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...], is_looked_into: bool
) -> Report:
    message = f"the value of {effect.callee}() is used, and it never returns one"
    fix = "return what the caller expects, or do not use the value"
    mechanism = "looked_into" if is_looked_into else "nothing"
    return _report(
        program, function, effect, ran, message, "comes to its end without returning a value", fix, mechanism
    )


def _miscounted(
    program: Program,
    function: FunctionInfo,
    effect: Effect,
    ran: tuple[FunctionInfo, ...],
    taken: int,
    given: frozenset[int],
) -> Report:
    gives = " or ".join(map(str, sorted(given)))
    message = f"{effect.callee}() gives {gives} values, and {taken} are taken"
    return _report(
        program, function, effect, ran, message, f"returns {gives} values", "take as many as it gives", "count"
    )


def _report(
    program: Program,
    function: FunctionInfo,
    effect: Effect,
    ran: tuple[FunctionInfo, ...],
    message: str,
    told: str,
    fix: str,
    mechanism: str,
) -> Report:
    return Report(
        program.place(function, effect),
        symbol_of(function),
        message,
        tuple(program.step(f, f.facts.line, f"{f.facts.qualname} {told}") for f in ran[:3]),
        confidence="high",
        reason=f"this holds for each of the {len(ran)} functions that the call may run",
        subject=effect.callee,
        origin=effect.callee,
        fix=fix,
        mechanism=f"misread_result.{mechanism}",
    )
