"""A call that begins an event loop, made by a coroutine: one runs there already, and to begin another raises.

Also where a plain function stands between them that begins one whatever it is given.
"""

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
_ASKS_FOR_ONE = ("get_running_loop", "is_running")


def second_loop(program: Program) -> Iterator[Report]:
    names = {last_name(call) for call in program.vocabulary.begins_a_loop} & program.call_names
    if not names or _is_let(program):
        return
    for name in sorted(names):
        for function, effect in program.calls_named(name):
            if function.language != "python" or not _begins(program, function, effect, name):
                continue
            if function.facts.is_async:
                if function in program.asked and not _is_elsewhere(function, effect):
                    yield _raises(program, function, effect, function, effect)
            elif _always_begins(function, effect):
                yield from _through(program, function, effect)


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


def _always_begins(function: FunctionInfo, effect: Effect) -> bool:
    """On every way, with no word of a loop that may run?"""
    asks = any(last_name(e.callee) in _ASKS_FOR_ONE for e in function.effects)
    plain = not function.facts.decorators and not function.facts.is_generator and function.name != "<module>"
    return plain and not asks and effect.path in function.facts.gist.surely


def _through(program: Program, between: FunctionInfo, begun: Effect) -> Iterator[Report]:
    for function, effect in program.asked.calls(between.name):
        if function.language == "python" and function.facts.is_async and not _is_elsewhere(function, effect):
            if effect.op == "call" and set(program.callees(function, effect, overrides=True)) == {between}:
                yield _raises(program, function, effect, between, begun)


def _raises(program: Program, function: FunctionInfo, effect: Effect, between: FunctionInfo, begun: Effect) -> Report:
    message = f"{effect.callee}() begins an event loop in a coroutine, where one runs already: it raises RuntimeError"
    steps = [program.step(function, function.facts.line, f"{function.name} is a coroutine: an event loop runs it")]
    if begun is not effect:
        steps.append(program.step(between, begun, f"{between.name} calls {begun.callee}() on every way"))
    reason = "a coroutine only ever runs in a loop, and no loop begins within another"
    fix = "await what it would run, or call it from a function that is no coroutine"
    mechanism = "second_loop" if begun is effect else "second_loop_behind"
    return of_call(program, function, effect, message, tuple(steps), reason, fix, mechanism)
