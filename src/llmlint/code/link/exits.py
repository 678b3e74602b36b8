"""The regions that a statement stands in: what is around it, what had to come true to get there."""

from __future__ import annotations

from collections.abc import Iterable

from llmlint.code.facts.facts import Effect, Region
from llmlint.code.link.entities import FunctionInfo

BRANCHES = frozenset({"if", "else", "case", "except", "loop"})
"""Regions that control may pass by."""


_NEVER = frozenset({"NoReturn", "Never", "typing.NoReturn", "typing.Never"})


def endings_of(functions: Iterable[FunctionInfo], language: str) -> frozenset[str]:
    """The names, alone and behind their classes and modules, of those functions of a program that never return, where
    that holds for all functions of the name; a C++ one says so where it is declared, or its body tells."""
    named: dict[str, list[FunctionInfo]] = {}
    surely_calling: list[FunctionInfo] = []
    ending: list[FunctionInfo] = []
    for function in functions:
        if function.language == language:
            named.setdefault(function.name, []).append(function)
            if function.facts.gist.surely:
                surely_calling.append(function)
            if _says_never(function) or function.facts.gist.ends:
                ending.append(function)
    found: frozenset[str] = frozenset()
    while True:
        ending += [f for f in surely_calling if not found.isdisjoint(f.facts.gist.surely)]
        full_names = {function.full_name for function in ending}
        same_named = ({f.full_name for f in named[name]} for name in {function.name for function in ending})
        now = frozenset(
            part for names in same_named if names <= full_names for name in names for part in _endings_of(name)
        )
        if now == found:
            return found
        found = now


def _endings_of(name: str) -> Iterable[str]:
    parts = name.split(".")
    return (".".join(parts[at:]) for at in range(len(parts)))


def _says_never(function: FunctionInfo) -> bool:
    return "noreturn" in function.facts.specifiers or function.facts.returns in _NEVER


def chain(function: FunctionInfo, region: int) -> list[int]:
    """The regions around one, from itself up to the body."""
    found = [region]
    while region:
        region = function.regions[region].parent
        found.append(region)
    return found


def around(function: FunctionInfo, effect: Effect) -> list[Region]:
    """The regions an effect stands in, innermost first."""
    return [function.regions[at] for at in chain(function, effect.region)]


def own_regions(function: FunctionInfo, exit_: Effect, since: Effect) -> list[int]:
    """The regions of an exit that do not hold the earlier effect as well: what had to come true to get there."""
    shared = chain(function, since.region)
    return [region for region in chain(function, exit_.region) if region not in shared]


def stands_in(function: FunctionInfo, effect: Effect, kinds: frozenset[str] | set[str]) -> bool:
    return any(region.kind in kinds for region in around(function, effect))


def loops_around(function: FunctionInfo, effect: Effect) -> list[int]:
    """The loops an effect stands in, innermost first."""
    return regions_around(function, effect, "loop")


def regions_around(function: FunctionInfo, effect: Effect, kind: str) -> list[int]:
    """The regions of one kind that an effect stands in, innermost first."""
    return [at for at in chain(function, effect.region) if function.regions[at].kind == kind]
