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
    direct = [call for name in program.vocabulary.collective_names for call in program.calls_named(name)]
    found = {function.name for function, effect in direct if meets(program, function, effect)}
    for _ in range(levels - 1):
        found |= {function.name for name in sorted(found) for function, _ in program.calls_named(name)}
    return frozenset(found)


def _last(callee: str) -> str:
    return callee.rsplit(".", 1)[-1].lstrip("~")
