"""LLM113: a request that is given up where its task is cancelled, and goes on where its stream is closed.

Closing an async generator raises GeneratorExit where it yields, and that is no CancelledError: whoever ends the request
in a handler for the one alone does not hear of a reader that stops between two pieces.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import only_looks, symbol_of
from llmlint.code.facts.facts import Effect, Region
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.exits import chain
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report
from llmlint.phrases import last_name
from llmlint.vocabulary import words

CONTEXTS = ("contextmanager", "asynccontextmanager", "fixture")
_GIVES_UP = frozenset("abort cancel stop kill end release close disconnect drop discard terminate cleanup".split())
_DEEPEST = 3
_CHANGES = ("call", "assign", "insert", "remove", "delete", "clear")
_HEARS_OF_CLOSING = ("GeneratorExit", "BaseException")


def gives_up(effect: Effect) -> bool:
    """Does it speak of an early end? `engine.complete(prompt)` does not."""
    names = [last_name(effect.callee), *(last_name(a.path) for a in effect.args if a.path)]
    return any(not _GIVES_UP.isdisjoint(words(name)) for name in names)


def ended_on_cancel_only(program: Program) -> Iterator[Report]:
    for function in program.asked.functions:
        facts = function.facts
        is_stream = function.language == "python" and facts.is_generator and facts.is_async
        if is_stream and not any(mark in decorator for decorator in facts.decorators for mark in CONTEXTS):
            if not _is_ended_by_readers(program, function):
                yield from _check(program, whole(program, function))


def _check(program: Program, function: FunctionInfo) -> Iterator[Report]:
    told: set[int] = set()
    for handing in function.effects:
        tried = [at for at in chain(function, handing.region) if function.regions[at].kind == "try"]
        if handing.op != "yield" or not tried or tried[0] in told or _hears_of_closing(program, function, tried):
            continue
        ending = next((end for at in tried for end in _ended_when_cancelled(program, function, at)), None)
        if ending is not None:
            told.add(tried[0])
            yield _report(program, function, handing, ending)


def _hears_of_closing(program: Program, function: FunctionInfo, tried: list[int]) -> bool:
    """Does a `finally`, or a handler of everything, do something on the way out?"""
    hearing = {at for at, region in enumerate(function.regions) if region.first in tried and _takes_closing(region)}
    changes = (e for e in function.effects if e.op in _CHANGES and not (e.op == "call" and only_looks(program, e)))
    return any(not hearing.isdisjoint(chain(function, effect.region)) for effect in changes)


def _takes_closing(region: Region) -> bool:
    takes_all = not region.text or any(name in region.text for name in _HEARS_OF_CLOSING)
    return region.kind == "finally" or (region.kind == "except" and takes_all)


def _ended_when_cancelled(program: Program, function: FunctionInfo, tried: int) -> Iterator[Effect]:
    for at, region in enumerate(function.regions):
        if region.kind == "except" and region.first == tried and "CancelledError" in region.text:
            yield from (
                effect
                for effect in function.effects
                if effect.op == "call" and at in chain(function, effect.region) and gives_up(effect)
                if _does_something(program, function, effect)
            )


def _does_something(program: Program, function: FunctionInfo, effect: Effect, deep: int = 0) -> bool:
    """Not where all that it comes to passes or writes to the log."""
    if effect.op == "call" and only_looks(program, effect):
        return False
    callees = program.callees(function, effect, overrides=True) if deep < _DEEPEST else ()
    inner = [(one, e) for one in callees for e in one.effects if e.op in _CHANGES]
    return not callees or any(_does_something(program, one, e, deep + 1) for one, e in inner)


def _is_ended_by_readers(program: Program, function: FunctionInfo) -> bool:
    """Does each who iterates it give something up in a `finally` of his own?"""
    callers = {whole(program, call.function) for call in program.callers(function)}
    return bool(callers) and all(any(_is_in_finally(one, e) and gives_up(e) for e in one.effects) for one in callers)


def _is_in_finally(function: FunctionInfo, effect: Effect) -> bool:
    return bool(effect.callee) and any(function.regions[at].kind == "finally" for at in chain(function, effect.region))


def _report(program: Program, function: FunctionInfo, handing: Effect, ending: Effect) -> Report:
    name = last_name(ending.callee)
    return Report(
        program.place(function, handing),
        symbol_of(function),
        f"a reader that stops reading {function.name} closes it here, and {name} is called only for a CancelledError",
        (
            program.step(function, handing, "closing the generator raises GeneratorExit where it yields"),
            program.step(function, ending, f"{name} is called for a task that was cancelled, and for nothing else"),
        ),
        reason="the function itself gives the work up for one of the two ways by which a reader leaves",
        subject=f"{name}:CancelledError",
        fix="give it up in a finally, or catch GeneratorExit beside CancelledError",
        mechanism="ended_on_cancel_only.yield",
    )
