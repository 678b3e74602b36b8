"""LLM602, where a wait comes again and again: in each round of a loop, or for a branch that a tensor's values decide.

Which tensors are on the device is not known here as it is where they are made: declared ones count, and what is worked
out of them, unless something says that they are the host's.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.steps import is_in_a_step
from llmlint.code.domain.tensor_values import TensorValues
from llmlint.code.domain.tensors import files_with_torch
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import chain
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step

_READS = ("item", "tolist", "cpu")
_DECIDES = ("any", "all")
_BRANCHES = ("if", "else", "loop", "and")


def waits_in_rounds(program: Program) -> Iterator[Report]:
    with_torch = once(program, files_with_torch)
    values: dict[FunctionInfo, TensorValues] = {}
    said: set[FunctionInfo] = set()
    for name in (*_READS, *_DECIDES):
        for function, effect in program.asked.calls(name):
            if function.path not in with_torch or function in said or "." not in effect.callee:
                continue
            why = _again(function, effect) if name in _READS else _decides(function, effect)
            if not why:
                continue
            if function not in values:
                values[function] = TensorValues(program, function)
            is_wait = values[function].holds(effect.callee.rpartition(".")[0])
            if is_wait and is_in_a_step(program, function, effect):
                said.add(function)
                yield _report(program, function, effect, why)


def _again(function: FunctionInfo, effect: Effect) -> str:
    """Of one entry in each round: what is read whole, once, is read once."""
    rounds = [function.regions[at] for at in chain(function, effect.region) if function.regions[at].kind == "loop"]
    is_entry = "[]" in effect.callee.rpartition(".")[0]
    return f"in each round of `{rounds[0].text}`" if rounds and is_entry else ""


def _decides(function: FunctionInfo, effect: Effect) -> str:
    asked = f"{effect.callee}()"
    found = (r for r in function.regions if r.kind in _BRANCHES and r.line <= effect.line <= r.end_line)
    return next((f"to decide `{r.text}`" for r in found if asked in r.reads), "")


def _report(program: Program, function: FunctionInfo, effect: Effect, why: str) -> Report:
    read = effect.callee.rpartition(".")[0]
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{effect.callee} waits for the device {why}, if {read} is there",
        (Step(function.path, effect.line, f"the host asks for a value of {read} {why}"),),
        confidence="low",
        reason="a tensor by its type or by how it is made; whether it is on the device is not seen",
        data=watched_calls(function),
        subject=read,
        fix="read all values at once where they are needed, or let the device choose (`torch.where`)",
        mechanism=f"sync_in_rounds.{'again' if effect.callee.endswith(_READS) else 'decides'}",
    )
