"""LLM602: the host waits for the device in the middle of a step, to learn a value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from llmlint.checkers.gpu.watched import watched_calls
from llmlint.checkers.performance.sync_in_rounds import waits_in_rounds
from llmlint.checkers.performance.sync_through_calls import waits_through_calls
from llmlint.checkers.performance.waits_unsaid import waits_unsaid
from llmlint.code.domain.device_values import DeviceValues
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.steps import is_in_a_step
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.phrases import last_name

_METHODS = ("item", "tolist", "cpu", "nonzero", "unique", "masked_select", "argwhere")
_FUNCTIONS = ("int", "float", "bool", "print")
_OF_TORCH = frozenset({"torch.nonzero", "torch.unique", "torch.masked_select", "torch.argwhere"})
"""How much they give depends on the values, and the host waits to learn it: docs.pytorch.org, notes/cuda."""


def check_program(program: Program) -> Iterator[Report]:
    """Of one wait the first says most."""
    told: set[tuple[str, int, int]] = set()
    for report in chain(
        _surely(program), waits_in_rounds(program), waits_through_calls(program), waits_unsaid(program)
    ):
        at = (report.at.path, report.at.line, report.at.column)
        if at not in told:
            told.add(at)
            yield report


def _surely(program: Program) -> Iterator[Report]:
    values: dict[FunctionInfo, DeviceValues] = {}
    makes: dict[FunctionInfo, bool] = {}
    for name in (*_METHODS, *_FUNCTIONS):
        for function, effect in program.asked.calls(name):
            read = _read(effect) if function.language == "python" else ""
            if not read or not (read.startswith("self.") or _makes_on_device(function, makes)):
                continue
            if function not in values:
                values[function] = DeviceValues(program, function)
            if values[function].holds(read) and is_in_a_step(program, function, effect):
                yield _report(program, values[function], effect, read)


def _makes_on_device(function: FunctionInfo, known: dict[FunctionInfo, bool]) -> bool:
    """Does it name a device to any call? A sieve before values are followed."""
    if function not in known:
        known[function] = any(a.keyword == "device" for effect in function.effects for a in effect.args)
    return known[function]


def _read(effect: Effect) -> str:
    """The tensor whose value the host asks for."""
    if effect.callee in _OF_TORCH:
        return effect.args[0].path if effect.args else ""
    if last_name(effect.callee) in _METHODS:
        return effect.callee.rpartition(".")[0]
    return effect.args[0].path if effect.callee in _FUNCTIONS and len(effect.args) == 1 else ""


def _report(program: Program, values: DeviceValues, effect: Effect, read: str) -> Report:
    function = values.function
    sent = values.sent_from_host(read, next(at for at, e in enumerate(function.effects) if e is effect))
    steps = [Step(function.path, effect.line, f"the host asks for the value of {read}")]
    if sent is not None:
        made = function.effects[sent]
        steps.insert(
            0, Step(function.path, made.line, f"{made.path} is sent to the device from values that the host has")
        )
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{effect.callee} waits for the device, "
        + ("for a value that came from the host" if sent is not None else f"where {read} is"),
        tuple(steps),
        confidence="low" if sent is None else "medium",
        reason="one wait in a step may be meant" if sent is None else "nothing has changed the value on the device",
        data=watched_calls(function),
        subject=read,
        fix="work it out of what the host has" if sent is not None else "keep the value on the host as well",
        mechanism="sync_in_hot_path.check_program",
    )
