"""Calls that every rank of a group must make, found through imports and helpers."""

from __future__ import annotations

from llmlint.code.facts import Effect
from llmlint.code.program import FunctionInfo, Program
from llmlint.vocabulary import Collective

MEETING = frozenset({"collective", "barrier", "create"})
"""Kinds that all ranks must reach; `point` pairs up single ranks and `store` is answered by a server."""


def collective_at(program: Program, function: FunctionInfo, effect: Effect) -> Collective | None:
    """The vocabulary's row for a call, by its resolved name or by the method's name and its receiver's."""
    callee = effect.callee
    if not callee or callee.startswith(("super()", "?")) or _last(callee) not in program.vocabulary.collective_names:
        return None
    if "." in callee and callee.split(".", 1)[0] not in ("self", "cls"):
        return program.vocabulary.collective(program.resolve(function, callee))
    if "." not in callee and program.files[function.path].language == "python":
        return program.vocabulary.collective(program.resolve(function, callee)) or program.vocabulary.collective(callee)
    return program.vocabulary.collective(callee)


def meets(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    row = collective_at(program, function, effect)
    return row is not None and row.kind in MEETING


def names_that_meet(program: Program, levels: int) -> frozenset[str]:
    """Names of functions that may enter a collective within so many calls: a cheap sieve before calls are resolved."""
    found: set[str] = set()
    for level in range(levels):
        more = set()
        for function in program.functions:
            if function.name in found:
                continue
            for effect in function.effects:
                if not effect.callee:
                    continue
                if meets(program, function, effect) if level == 0 else _last(effect.callee) in found:
                    more.add(function.name)
                    break
        found |= more
    return frozenset(found)


def _last(callee: str) -> str:
    return callee.rsplit(".", 1)[-1].lstrip("~")
