"""What a host waits for its device by: after such a call, copies that were pending before it have ended."""

from __future__ import annotations

from llmlint.code.facts.facts import Effect
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.code.link.reach import Wanted
from llmlint.vocabulary import Vocabulary, words

_DEEPEST = 4
_OF_TENSORS = frozenset({"item", "tolist", "cpu", "numpy"})
"""They wait where the tensor is on the device, and for nothing where it is on the host."""
_OTHERS = frozenset({"wait", "result", "join"})
"""Of threads, futures and events: whoever they wait for may have waited for the device."""


def _wanted(program: Program) -> Wanted:
    return lambda _, inner: _waits_itself(program.vocabulary, inner)


def waits(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """May the effect wait for the device, or for somebody who may have, itself or in what it calls?"""
    if not effect.callee:
        return effect.op in ("await", "yield")
    if effect.via == "await" or _waits_itself(program.vocabulary, effect):
        return True
    wanted = once(program, _wanted)
    return any(program.reaches(callee, wanted, _DEEPEST) for callee in program.callees(function, effect))


def waits_somewhere(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """As `waits`, also where only an override of what is called does so: of a backend, the one that uses a device."""
    seen: set[FunctionInfo] = set()
    reached = [(function, effect)]
    for _ in range(_DEEPEST + 1):
        if any(waits(program, *call) for call in reached):
            return True
        targets = {t for call in reached for t in program.callees(*call, overrides=True)} - seen
        seen |= targets
        reached = [(target, inner) for target in targets for inner in target.effects if inner.callee]
    return False


def _waits_itself(vocabulary: Vocabulary, effect: Effect) -> bool:
    receiver, _, name = effect.callee.rpartition(".")
    if name in _OF_TENSORS:
        return name != "numpy" and not is_host_name(vocabulary, receiver)
    return bool(name) and (name in _OTHERS or vocabulary.syncs_gpu(effect.callee))


def is_host_name(vocabulary: Vocabulary, path: str) -> bool:
    """Does any part of the path say that it is on the host: `seq_lens_cpu`, `self.block_table_np`?"""
    plain = path.replace("()", "").replace("[]", "")
    return any(not vocabulary.host_memory.isdisjoint(words(part)) for part in plain.split("."))
