"""LLM311: a thread that works on the device that is selected, and selects none.

Which device is selected each thread says for itself: what the function that starts it, or the constructor of its
object, has selected is selected for that thread alone, and a new one begins on device 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import chain
from llmlint.code.link.objects import unbound
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.code.link.reach import Wanted
from llmlint.findings import Report, Step
from llmlint.phrases import last_name, words

_DEEPEST = 4
_NATIVE = ("thread", "jthread")
_PUTS = frozenset({"emplace_back", "push_back", "emplace"})


class _Body(NamedTuple):
    """What a thread runs: a function, or the effects of a lambda in the one that starts it."""

    function: FunctionInfo
    effects: tuple[Effect, ...]


def check_program(program: Program) -> Iterator[Report]:
    for started in _starts(program):
        selected = _selected(program, started)
        if selected is None:
            continue
        for body in _bodies(program, started):
            work = None if _reached(program, body, once(program, _selecting)) else _work(program, body)
            if work:
                yield _report(program, started, selected, work)


def _starts(program: Program) -> Iterator[Call]:
    for call in program.asked.calls("Thread"):
        if program.resolve(call.function, call.effect.callee) == "threading.Thread":
            yield call
    for name in (*_NATIVE, *_PUTS):
        for call in program.asked.calls(name):
            is_put = name in _PUTS and "thread" in _spoken(call.effect.path)
            if call.function.language != "python" and (is_put or call.effect.callee == f"std.{name}"):
                yield call


def _spoken(path: str) -> set[str]:
    return {word.rstrip("s") for word in words(last_name(path))}


def _selected(program: Program, started: Call) -> Call | None:
    """Where a device is selected: by the function that starts the thread or who calls that, before they do, or by the
    constructor of its object."""
    for function, effect in (started, *program.callers(started.function)):
        before = function.effects[: function.effects.index(effect)]
        if (found := _first_selecting(program, function, before)) is not None:
            return found
    owner = started.function.owner
    made = owner.methods.get("__init__") if owner is not None else None
    return _first_selecting(program, made, made.effects) if made is not None and made is not started.function else None


def _first_selecting(program: Program, function: FunctionInfo, effects: Sequence[Effect]) -> Call | None:
    """Itself, or by a helper that it calls."""
    wanted = once(program, _selecting)
    for one in effects:
        if one.callee and (
            _selects(program, one) or any(program.reaches(c, wanted, 1) for c in program.callees(function, one))
        ):
            return Call(function, one)
    return None


def _selects(program: Program, effect: Effect) -> bool:
    return program.vocabulary.selects_device(effect.callee.lstrip("~"))


def _selecting(program: Program) -> Wanted:
    return lambda _, effect: bool(effect.callee) and _selects(program, effect)


def _working(program: Program) -> Wanted:
    def works(function: FunctionInfo, effect: Effect) -> bool:
        callee = effect.callee.lstrip("~")
        return effect.via == "launch" or program.vocabulary.works_on_current(callee, bool(effect.args))

    return works


def _bodies(program: Program, started: Call) -> Iterator[_Body]:
    function, effect = started
    for argument in effect.args:
        if argument.path and argument.keyword in ("", "target"):
            path = argument.path if function.language == "python" else argument.path.lstrip("~")
            for one in program.meanings(function, path):
                target = unbound(one)
                if isinstance(target, FunctionInfo):
                    yield _Body(target, target.effects)
    if function.language != "python":
        yield from _lambdas(function, effect)


def _lambdas(function: FunctionInfo, effect: Effect) -> Iterator[_Body]:
    """The lambda that stands in the call: its effects come before those of the call."""
    at = function.effects.index(effect)
    for number, region in enumerate(function.regions):
        if region.kind == "lambda" and region.parent == effect.region and region.line == effect.line:
            inside = [e for e in function.effects[:at] if number in chain(function, e.region)]
            yield _Body(function, tuple(inside))


def _reached(program: Program, body: _Body, wanted: Wanted) -> tuple[Call, ...]:
    """The way to such a call, also by what subclasses put in the place of a method."""
    for effect in body.effects:
        if wanted(body.function, effect):
            return (Call(body.function, effect),)
        for callee in program.callees(body.function, effect, overrides=True) if effect.callee else ():
            if way := program.reaches(callee, wanted, _DEEPEST):
                return (Call(body.function, effect), *way)
    return ()


def _work(program: Program, body: _Body) -> tuple[Call, ...]:
    return _reached(program, body, once(program, _working))


def _report(program: Program, started: Call, selected: Call, work: tuple[Call, ...]) -> Report:
    function, effect = started
    last = work[-1]
    name = last_name(last.effect.callee or last.effect.path)
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"the thread that is started here selects no device: its {name} runs on device 0",
        (
            Step(selected.function.path, selected.effect.line, "the device is selected for this thread alone"),
            Step(function.path, effect.line, "a new thread begins on device 0"),
            *(Step(c.function.path, c.effect.line, f"{last_name(c.effect.callee)} is called") for c in work[:-1]),
            Step(last.function.path, last.effect.line, f"{name} works on the device that is selected"),
        ),
        confidence="low",
        reason="what the thread is handed may say which device it is for",
        subject=name,
        fix="select the device at the beginning of what the thread runs",
    )
