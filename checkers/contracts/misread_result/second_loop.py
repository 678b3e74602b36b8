"""A call that begins an event loop, made by a coroutine: one runs there already, and to begin another raises."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.contracts.misread_result.telling import of_call
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around, chain
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report
from llmlint.phrases import last_name

_ALLOWED_BY = "nest_asyncio"
"""A library that lets a loop run within another."""
_KNOWN_TO_RAISE = re.compile(r"\b(RuntimeError|Exception|BaseException)\b|^$")


def second_loop(program: Program) -> Iterator[Report]:
    names = {last_name(call) for call in program.vocabulary.begins_a_loop} & program.asked.call_names
    if not names or _is_let(program):
        return
    for name in sorted(names):
        for function, effect in program.asked.calls(name):
            if function.language == "python" and function.facts.is_async and _begins(program, function, effect, name):
                if not _is_elsewhere(function, effect):
                    yield _raises(program, function, effect)


def _begins(program: Program, function: FunctionInfo, effect: Effect, name: str) -> bool:
    begins = program.vocabulary.begins_a_loop
    return f".{name}" in begins or program.name_called(function, effect).replace("()", "") in begins


def _is_let(program: Program) -> bool:
    return any(i.module.partition(".")[0] == _ALLOWED_BY for facts in program.files.values() for i in facts.imports)


def _is_elsewhere(function: FunctionInfo, effect: Effect) -> bool:
    """Does it run later, by who calls the lambda, or is somebody ready for the error?"""
    if any(region.kind == "lambda" for region in around(function, effect)):
        return True
    tried = {at for at in chain(function, effect.region) if function.regions[at].kind == "try"}
    handlers = (region for region in function.regions if region.kind == "except" and region.first in tried)
    return any(_KNOWN_TO_RAISE.search(region.text) for region in handlers)


def _raises(program: Program, function: FunctionInfo, effect: Effect) -> Report:
    message = f"{effect.callee}() begins an event loop in a coroutine, where one runs already: it raises RuntimeError"
    step = program.step(function, function.facts.line, f"{function.name} is a coroutine: an event loop runs it")
    reason = "a coroutine only ever runs in a loop, and no loop begins within another"
    fix = "await what it would run, or call it from a function that is no coroutine"
    return of_call(program, function, effect, message, (step,), reason, fix, "second_loop")
