"""The regions that a statement stands in: what is around it, what had to come true to get there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llmlint.code.facts.facts import Effect, MacroFact, Region
from llmlint.code.facts.native_endings import ENDS, THROWS, Endings, agreed, how_macros_end
from llmlint.code.link.entities import FunctionInfo

BRANCHES = frozenset({"if", "else", "case", "except", "loop"})
"""Regions that control may pass by."""
LEAVING = frozenset({"return", "raise", "break", "continue"})
"""Effects behind which control goes on somewhere else."""


_NEVER = frozenset({"NoReturn", "Never", "typing.NoReturn", "typing.Never"})


def endings_of(functions: Iterable[FunctionInfo], macros: Sequence[MacroFact], language: str) -> Endings:
    """The names, alone and behind their classes and modules, of those functions and macros of a program that never
    return, where that holds for all of the name; a C++ one says so where it is declared, or its body tells."""
    own = [function for function in functions if function.language == language]
    saying = {function.full_name for function in own if _says_never(function)}
    hows = {function: how for function in own if (how := _ends_by_itself(function, saying))}
    surely_calling = [function for function in own if function.facts.gist.surely and function not in hows]
    found = Endings()
    while True:
        hows |= {f: how for f in surely_calling if (how := _ends_by_calling(f, found))}
        told = [*how_macros_end(macros, found)]
        for name, full_names in _by_name(own, {f.name for f in hows}, saying).items():
            ends = [(full, hows.get(function, "")) for full, same in full_names.items() for function in same]
            whole = agreed((name, how) for _, how in ends).how(name)
            told += ((part, whole) for full in full_names for part in _endings_of(full))
        now = agreed(told)
        if now == found:
            return found
        found = now


def _by_name(
    functions: Sequence[FunctionInfo], names: set[str], saying: set[str]
) -> dict[str, dict[str, list[FunctionInfo]]]:
    """Those of these names that have a body or say themselves how they end, by their names and by their full names."""
    named: dict[str, dict[str, list[FunctionInfo]]] = {}
    for function in functions:
        if function.name in names and (function.facts.has_body or function.full_name in saying):
            named.setdefault(function.name, {}).setdefault(function.full_name, []).append(function)
    return named


def _ends_by_itself(function: FunctionInfo, saying: set[str]) -> str:
    gist = function.facts.gist
    if gist.raises and not function.facts.owner:  # a method that throws is there to be overridden
        return THROWS
    return ENDS if gist.ends or (saying and function.full_name in saying) else ""


def _ends_by_calling(function: FunctionInfo, known: Endings) -> str:
    surely = function.facts.gist.surely
    if known.ending.isdisjoint(surely) and known.raising.isdisjoint(surely):
        return ""
    hows = {known.how(called) for called in surely}
    return ENDS if ENDS in hows else THROWS if THROWS in hows and not function.facts.owner else ""


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


def own_returns(function: FunctionInfo) -> tuple[Effect, ...]:
    """Where it returns: what the body of a lambda comes to is given to who calls that."""
    lambdas = {at for at, region in enumerate(function.regions) if region.kind == "lambda"}
    returns = function.doing("return")
    return tuple(e for e in returns if lambdas.isdisjoint(chain(function, e.region))) if lambdas else returns


def around(function: FunctionInfo, effect: Effect) -> list[Region]:
    """The regions an effect stands in, innermost first."""
    return [function.regions[at] for at in chain(function, effect.region)]


def own_regions(function: FunctionInfo, exit_: Effect, since: Effect) -> list[int]:
    """The regions of an exit that do not hold the earlier effect as well: what had to come true to get there."""
    shared = chain(function, since.region)
    return [region for region in chain(function, exit_.region) if region not in shared]


def left_above(function: FunctionInfo, effect: Effect) -> Iterator[Region]:
    """The `if`s that are over where an effect happens, and that control leaves by where their tests hold."""
    parents = chain(function, effect.region)
    leaving = {e.region for e in function.effects if e.op in LEAVING and e.line < effect.line}
    for at in sorted(leaving):
        region = function.regions[at]
        if region.kind == "if" and region.parent in parents and region.end_line < effect.line:
            yield region


def stands_in(function: FunctionInfo, effect: Effect, kinds: frozenset[str] | set[str]) -> bool:
    return any(region.kind in kinds for region in around(function, effect))


def loops_around(function: FunctionInfo, effect: Effect) -> list[int]:
    """The loops an effect stands in, innermost first."""
    return regions_around(function, effect, "loop")


def regions_around(function: FunctionInfo, effect: Effect, kind: str) -> list[int]:
    """The regions of one kind that an effect stands in, innermost first."""
    return [at for at in chain(function, effect.region) if function.regions[at].kind == kind]
