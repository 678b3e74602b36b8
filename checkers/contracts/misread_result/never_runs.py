"""What is called and never runs: coroutines that nobody awaits, generators that nobody asks for a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from llmlint.checkers.contracts.misread_result.telling import of_call, told
from llmlint.code.domain.coroutines import (
    is_coroutine,
    is_given_back_as_value,
    is_shadowed,
    is_told_apart,
    taken_for_value,
)
from llmlint.code.domain.results import LEAVES_RESULT, MANAGERS
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report
from llmlint.phrases import last_name

_STILL_LAZY = MANAGERS | LEAVES_RESULT
_OWN_METHOD = re.compile(r"self\.\w+")
_SEVERAL = 3


def begins_nothing(
    program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...]
) -> Iterator[Report]:
    """`ran` is all that the call may run."""
    if effect.via == "await" or is_told_apart(function, effect) or is_shadowed(function, effect):
        return
    is_of_container = "[]." in effect.callee  # what it holds is not sure
    if not is_of_container and all(is_coroutine(program, one) for one in ran):
        taken = "" if not effect.result else taken_for_value(program, function, effect)
        if not effect.result:
            message = f"{effect.callee}() is a coroutine and never runs: nobody awaits it"
            fix = "await it, or make a task of it and keep it"
            doubt = _why_another_object(program, effect, ran)
            yield told(program, function, effect, ran, message, "is a coroutine", fix, "coroutine", doubt)
        elif taken or is_given_back_as_value(function, effect, ran):
            message = f"{effect.callee}() is a coroutine, and is used as what that would give"
            fix = "await it before anything is asked of it"
            doubt = _why_another_object(program, effect, ran)
            yield told(program, function, effect, ran, message, "is a coroutine", fix, "coroutine_asked", doubt)
    elif all(map(_is_lazy, ran)) and _stands_alone(function, effect):
        message = f"{effect.callee}() only makes a generator: nothing of it runs"
        fix = "go through what it yields, or enter it where it is a context manager"
        yield told(program, function, effect, ran, message, "runs when it is asked for a value", fix, "generator")


def library_coroutines(program: Program) -> Iterator[Report]:
    """`asyncio.sleep(1)`, as if it were that of `time`."""
    names = {last_name(call) for call in program.vocabulary.coroutines}
    for name in sorted(names & program.asked.call_names):
        for function, effect in program.asked.calls(name):
            if effect.op != "call" or effect.via == "await" or not _stands_alone(function, effect):
                continue
            called = program.name_called(function, effect).replace("()", "")
            if function.language == "python" and called in program.vocabulary.coroutines:
                message = f"{effect.callee}() is a coroutine and never runs: nobody awaits it"
                reason = f"{called} is a coroutine of its library, and its result is dropped"
                step = program.step(function, effect, f"{effect.callee} gives a coroutine, which is dropped at once")
                yield of_call(program, function, effect, message, (step,), reason, "await it", "library_coroutine")


def _is_lazy(function: FunctionInfo) -> bool:
    """Does a call of it give a generator, or what a `with` is for, and run nothing?"""
    facts = function.facts
    return function.language == "python" and facts.is_generator and _STILL_LAZY.issuperset(facts.decorators)


def _why_another_object(program: Program, effect: Effect, ran: Iterable[FunctionInfo]) -> str:
    """Is what the coroutines of the family of classes give asked for more in several functions? Then something stands
    before their objects that runs them, as a group of workers does, and a type says otherwise. Nothing stands before
    `self`."""
    if _OWN_METHOD.fullmatch(effect.callee):
        return ""
    above = {cls for one in ran if one.owner is not None for cls in one.owner.mro}
    family = dict.fromkeys(kin for cls in above for kin in (cls, *cls.subclasses))
    methods = (method for cls in family for method in cls.functions if is_coroutine(program, method))
    asking = {
        caller
        for method in methods
        for caller, call in program.callers(method)
        if call.via != "await" and taken_for_value(program, caller, call)
    }
    return "so many ask the like that something else may stand there" if len(asking) >= _SEVERAL else ""


def _stands_alone(function: FunctionInfo, effect: Effect) -> bool:
    """Is the call a statement, and neither what a `with` enters nor part of a comprehension?"""
    if effect.result or any(region.kind == "lambda" for region in around(function, effect)):
        return False
    at = function.effects.index(effect)
    entering = (region for region in function.regions if region.kind == "with" and at < region.begin)
    return not any(region.line <= effect.line for region in entering)
