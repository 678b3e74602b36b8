"""Where control leaves a function, and what it has passed on the way there."""

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


def is_on_the_way(function: FunctionInfo, passed: Effect, exit_: Effect) -> bool:
    """Does the effect stand above the exit: before it in the same branch, or in one nested there?"""
    if passed.line > exit_.line:
        return False
    return passed.region in chain(function, exit_.region) or exit_.region in chain(function, passed.region)


def is_under_same_tests(function: FunctionInfo, since: Effect, passed: Effect, exit_: Effect) -> bool:
    """Does the effect stand above the exit, under tests that the earlier effect had to pass as well?

    `if node: lock(node)` … `if node: unlock(node)` … `raise`.
    """
    tests = {region.text for region in around(function, since)}
    own = [region.text for region in around(function, passed) if region not in around(function, exit_)]
    return since.line < passed.line < exit_.line and tests.issuperset(own)


def exclude_each_other(function: FunctionInfo, one: Effect, other: Effect) -> bool:
    """Do they stand under a test and its opposite, in one `if` or in two?"""
    mine, theirs = _tests(function, one), _tests(function, other)
    return any((test, not holds) in theirs for test, holds in mine)


def _tests(function: FunctionInfo, effect: Effect) -> set[tuple[str, bool]]:
    """Each test around an effect without its negation, and whether it holds there."""
    found = set()
    for region in around(function, effect):
        if region.kind in ("if", "else"):
            test = region.text.removeprefix("not ").removeprefix("!").strip("() ")
            negated = test != region.text.strip("() ")
            found.add((test, (region.kind == "if") != negated))
    return found


def is_in_handler_of(function: FunctionInfo, own: list[int], since: Effect) -> bool:
    """Is the exit in a handler of the very `try` that holds the earlier effect?"""
    tried = chain(function, since.region)
    return any(function.regions[r].kind == "except" and function.regions[r].first in tried for r in own)


def stands_in(function: FunctionInfo, effect: Effect, kinds: frozenset[str] | set[str]) -> bool:
    return any(region.kind in kinds for region in around(function, effect))


def loops_around(function: FunctionInfo, effect: Effect) -> list[int]:
    """The loops an effect stands in, innermost first."""
    return [at for at in chain(function, effect.region) if function.regions[at].kind == "loop"]
