"""The regions that a statement stands in: what is around it, what had to come true to get there."""

from __future__ import annotations

from llmlint.code.facts.facts import Effect, Region
from llmlint.code.link.entities import FunctionInfo

BRANCHES = frozenset({"if", "else", "case", "except", "loop"})
"""Regions that control may pass by."""


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
