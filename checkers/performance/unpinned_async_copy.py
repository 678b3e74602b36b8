"""LLM601: a copy to the device that says it does not wait, from memory for which it has to.

Only page-locked memory can be read by the device on its own. From pageable memory the driver first copies to a buffer
of its own, and may wait for what the stream was given before.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.steps import is_in_a_step
from llmlint.code.domain.tensors import PAGEABLE, Making, copies, is_host, makings
from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step

_MOVES = ("to", "cuda", "npu", "xpu")
_FILLS = "copy_"


def check_program(program: Program) -> Iterator[Report]:
    for name in (*_MOVES, _FILLS):
        for function, at in copies(program, name):
            made, copy = _pageable(program, function, at), function.effects[at]
            if made is not None and is_in_a_step(program, function, copy):
                yield _report(program, function, copy, made)


def _pageable(program: Program, function: FunctionInfo, at: int) -> Making | None:
    """What the copied tensor was made by, where all that it may be is pageable memory."""
    call = function.effects[at]
    receiver, _, name = call.callee.rpartition(".")
    source = receiver
    if name == _FILLS:
        source = next((argument.path for argument in call.args if not argument.keyword), "")
        if any(making.memory == PAGEABLE for making in makings(program, function, receiver, at)):
            return None
    elif name == "to" and not _leads_away(call):
        return None
    found = makings(program, function, source, at, through_calls=True)
    is_pageable = bool(found) and all(m.memory == PAGEABLE and not _is_empty(m.effect) for m in found)
    return found[0] if is_pageable else None


def _is_empty(maker: Effect) -> bool:
    return bool(maker.args) and maker.args[0].literal == "0" and not maker.callee.endswith("tensor")


def _leads_away(call: Effect) -> bool:
    """Is the copy's target a device, as far as it is named?"""
    target = next((a for a in call.args if a.keyword == "device"), None) or next(
        (a for a in call.args if not a.keyword), None
    )
    return target is not None and not is_host(target) and not _is_type(target)


def _is_type(argument: Argument) -> bool:
    return argument.path.startswith("torch.") or argument.path.rpartition(".")[2] == "dtype"


def _report(program: Program, function: FunctionInfo, copy: Effect, made: Making) -> Report:
    maker = made.effect.callee
    return Report(
        program.place(function, copy),
        symbol_of(function),
        f"{copy.callee} says non_blocking=True, and may wait: what {maker} made is not pinned",
        (
            Step(made.function.path, made.effect.line, f"{maker} gives pageable memory"),
            Step(function.path, copy.line, "the driver copies it first, and may wait for the stream"),
        ),
        confidence="medium" if made.function is function else "low",
        reason="nothing on its way pins it",
        data=watched_calls(function),
        subject=copy.callee,
        fix="make it with pin_memory=True, or pin it before it is copied",
    )
