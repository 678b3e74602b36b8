"""LLM602 through calls: a helper asks for the value of what it is given, and who calls it, at once or through others,
gives it a tensor that is surely on the device."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.device_values import DeviceValues
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.steps import is_in_a_step, only_sets_up, steps_to, way_from_step
from llmlint.code.domain.tensor_values import is_tensor_text
from llmlint.code.facts.facts import Effect
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.exits import around
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, FunctionInfo, Program, root_of
from llmlint.findings import Report

_READS = ("item", "tolist", "cpu", "nonzero")
_HIGHEST = 4
"""Calls that a tensor is followed up through."""
_KNOWS_PLACE = ("cpu", "is_cuda", "device.type")
"""What asks whether there is anything to wait for."""


def waits_through_calls(program: Program) -> Iterator[Report]:
    for name in _READS:
        for function, effect in program.asked.calls(name):
            read = effect.callee.rpartition(".")[0]
            if function.language != "python" or not read or _knows_place(function, effect):
                continue
            way = next(
                (way for param in _given(program, function, read) if (way := _handed(program, function, param))), ()
            )
            if way and is_in_a_step(program, function, effect) and way_from_step(program, way[0].function) is not None:
                yield _report(program, Call(function, effect), way)


class _Known:
    """The values of functions, as they are with and without what one of their parameters may stand for."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._values: dict[tuple[FunctionInfo, str], DeviceValues] = {}

    def holds(self, function: FunctionInfo, path: str, given: str = "") -> bool:
        if (function, given) not in self._values:
            self._values[function, given] = DeviceValues(self._program, function, frozenset({given}))
        return self._values[function, given].holds(path)


def _knows_place(function: FunctionInfo, effect: Effect) -> bool:
    asked = (r.text for r in around(function, effect) if r.kind in ("if", "else", "and"))
    return any(text in test for test in asked for text in _KNOWS_PLACE)


def _given(program: Program, function: FunctionInfo, read: str) -> Iterator[str]:
    """The parameters of which what is read is a view, or is worked out, and on the device where they are."""
    names = [p.name for p in function.params if not p.annotation or is_tensor_text(p.annotation)]
    known = once(program, _Known)
    if names and not known.holds(function, read):
        yield from (name for name in names if known.holds(function, read, given=name))


def _handed(program: Program, function: FunctionInfo, param: str) -> tuple[Call, ...]:
    """The calls from who surely has a tensor of the device down to the function that is given it as a parameter."""
    seen = {(function, param)}
    waiting: list[tuple[FunctionInfo, str, tuple[Call, ...]]] = [(function, param, ())]
    for _ in range(_HIGHEST):
        above = []
        for one, name, way in waiting:
            for call in program.callers(one):
                argument = arguments_by_parameter(one, call.effect).get(name)
                if argument is None or not argument.path or only_sets_up(program, call.function):
                    continue
                if once(program, _Known).holds(call.function, argument.path):
                    return (call, *way)
                for passed in _given(program, call.function, argument.path):
                    if (call.function, passed) not in seen:
                        seen.add((call.function, passed))
                        above.append((call.function, passed, (call, *way)))
        waiting = above
    return ()


def _report(program: Program, wait: Call, way: tuple[Call, ...]) -> Report:
    function, effect = wait
    top, read = way[0].function, root_of(effect.callee)
    hands = [program.step(f, e, f"{f.facts.qualname} hands it to {e.callee.rpartition('.')[2]}") for f, e in way]
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{effect.callee} waits for the device: {top.facts.qualname} hands over a tensor that is there",
        (*steps_to(program, top), *hands, program.step(function, effect, f"the host asks for the value of {read}")),
        confidence="low",
        reason="one wait in a step may be meant",
        data=watched_calls(function, top),
        subject=f"given:{read}",
        fix="hand over what the host has, or read all values at once where they are made",
        mechanism="sync_through_calls",
    )
