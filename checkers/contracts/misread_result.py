"""LLM903: a call whose result is not what the caller takes it for: nothing at all, or a coroutine that never runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.results import gives_nothing, run_by
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.bodies.scope import is_within
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.code.syntax.written import mentions
from llmlint.findings import Report

_UNUSED = ("", "<return>", "<message>")
_GIVEN_TO_EXIT = "main"
_MANAGERS = frozenset(
    "contextmanager asynccontextmanager contextlib.contextmanager contextlib.asynccontextmanager".split()
)


def check_program(program: Program) -> Iterator[Report]:
    called = program.asked.call_names - {_GIVEN_TO_EXIT}
    of_note = {f.name for f in program.functions if f.name in called and (gives_nothing(f) or _is_coroutine(f))}
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
        ignored = _is_never_read(program, function, effect) or _expects_none(function, effect)
        if not ignored and not _is_passed_on_to_nobody(program, function, effect):
            yield _nothing_used(program, function, effect, ran)


def _is_thrown_away(function: FunctionInfo, effect: Effect) -> bool:
    """`_ = f()`, and a comprehension that is only written to call."""
    return effect.result == "_" or any(region.kind == "lambda" for region in around(function, effect))


def _is_never_read(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """`done = f()`, and neither the function nor one within it speaks of `done` again, but to give it another value."""
    name = effect.result
    if not name.isidentifier() or function.name == "<module>":
        return False
    within = [f for f in program.functions_in(function.path) if is_within(f.facts.qualname, function.facts.qualname)]
    spoken = (path for f in within for e in f.effects for path in _spoken(e))
    asked = (text for f in within for r in f.regions for text in (r.text, *r.reads))
    if any(r.kind == "case" for f in within for r in f.regions):
        return False  # what a `match` looks at is not told
    told = (text for f in within for e in f.effects for a in e.args if (text := a.literal))
    return not any(mentions(text, name) for texts in (spoken, asked, told) for text in texts)


def _spoken(effect: Effect) -> Iterator[str]:
    if effect.op not in ("bind", "call") or effect.via.endswith("="):
        yield effect.path
    yield from (effect.callee, effect.key, effect.source, effect.type_text, *effect.reads)
    yield from (*effect.maybe, *effect.options, *effect.holds)
    for argument in effect.args:
        yield from (argument.path, argument.written, *argument.reads)


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
    is_seen_whole = _MANAGERS & set(function.facts.decorators) if is_yielded else calls
    return bool(is_seen_whole) and all(call.effect.result in ("", "_") for call in calls)


def _never_runs(program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...]) -> Report:
    message = f"{effect.callee}() is a coroutine and never runs: nobody awaits it"
    return _report(
        program, function, effect, ran, message, "is a coroutine", "await it, or make a task of it and keep it"
    )


def _nothing_awaited(program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...]) -> Report:
    message = f"{effect.callee}() is awaited, is no coroutine, and gives None"
    return _report(program, function, effect, ran, message, "runs at once and gives nothing", "call it without await")


def _nothing_used(program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...]) -> Report:
    message = f"the value of {effect.callee}() is used, and it never returns one"
    fix = "return what the caller expects, or do not use the value"
    return _report(program, function, effect, ran, message, "comes to its end without returning a value", fix)


def _report(
    program: Program,
    function: FunctionInfo,
    effect: Effect,
    ran: tuple[FunctionInfo, ...],
    message: str,
    told: str,
    fix: str,
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
        mechanism=f"misread_result.{'coroutine' if 'coroutine and' in message else 'nothing'}",
    )
