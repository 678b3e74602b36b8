"""LLM907: two arguments of one call, each named as the parameter that the other one is given to.

One of them alone, whose own parameter is left at its default: `argument_beside_its_place`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmlint.checkers.contracts.argument_beside_its_place import beside_their_places
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.link.arguments import arguments_by_parameter, name_of, plain_name
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.findings import Report
from llmlint.vocabulary import words

_SHORTEST = 3
"""Shorter names (`x`, `q`, `a`) are given to anything."""

_INVERSE = frozenset(
    "inverse inv backward reverse reversed swap swapped transpose transposed undo restore back".split()
)
"""Functions named so go the way back."""

_EITHER_WAY = frozenset(
    "src dst source target left right old new lhs rhs other first second local remote peer self from to".split()
)
"""Who copies back, compares the other way round or speaks for the peer means it."""


def check_program(program: Program) -> Iterator[Report]:
    wanted = {f.name for f in program.functions if len(f.facts.params) > 1} | {c.name for c in program.classes}
    for name in sorted(wanted.intersection(program.asked.call_names)):
        for function, effect in program.asked.calls(name):
            if _names_another(effect):
                yield from _check(program, function, effect)
    yield from beside_their_places(program)


def _names_another(effect: Effect) -> bool:
    """Has the call two arguments that are plain names? A sieve before it is resolved."""
    return sum(1 for argument in effect.args if plain_name(argument, _SHORTEST)) > 1


def _check(program: Program, function: FunctionInfo, effect: Effect) -> Iterator[Report]:
    callees = program.callees(function, effect)
    pairs = {_swapped(callee, effect) for callee in callees}
    pair = pairs.pop() if len(pairs) == 1 else None
    if pair is None or function in callees or _is_meant(function, effect, *pair):
        return
    if not any(_is_undone(program, function, callee, frozenset(pair)) for callee in callees):
        yield _report(program, function, effect, callees[0], *pair)


def _swapped(callee: FunctionInfo, effect: Effect) -> tuple[str, str] | None:
    arguments = arguments_by_parameter(callee, effect)
    given = {param: plain_name(argument, _SHORTEST) for param, argument in arguments.items()}
    for param, name in given.items():
        if name != param and name in given and given[name] == param and _EITHER_WAY.isdisjoint(name.split("_")):
            return (param, name) if _could_be_slip(callee, arguments, param, name) else None
    return None


def _could_be_slip(callee: FunctionInfo, arguments: Mapping[str, Argument], first: str, second: str) -> bool:
    """Not where more than one pair goes crosswise (`b, ldb, a, lda`), nor where a compiler would refuse a slip."""
    plain = {param.lower(): name_of(argument).lower() for param, argument in arguments.items()}
    crossed = {frozenset((param, name)) for param, name in plain.items() if param != name and plain.get(name) == param}
    types = {param.name: param.annotation for param in callee.params}
    alike = types.get(first) == types.get(second) or not any(_is_of_class(types.get(n, "")) for n in (first, second))
    return len(crossed) < 2 and (callee.language == "python" or alike)


def _is_of_class(annotation: str) -> bool:
    """In C++: an object, a reference or a pointer to one; no number that is turned into another without a word."""
    return any(mark in annotation for mark in "*<&") or (annotation[:1].isupper() and annotation != "T")


def _is_meant(function: FunctionInfo, effect: Effect, first: str, second: str) -> bool:
    """Does the function go the way back, by its name or because another call in it goes the way there?"""
    if not _INVERSE.isdisjoint((*words(function.name), *words(effect.callee.rpartition(".")[2]))):
        return True
    others = [other for other in function.effects if other.op == "call" and other.line != effect.line]
    return (
        any(other.callee.rpartition(".")[2] == effect.callee.rpartition(".")[2] for other in others)
        or any(_order(other, first, second) == _order(effect, second, first) != "" for other in others)
        or all(_is_put_right(function, effect, name) for name in (first, second))
    )


def _is_undone(program: Program, function: FunctionInfo, callee: FunctionInfo, pair: frozenset[str]) -> bool:
    """Does the callee, or who calls this function, exchange the two once more?"""
    handed_on = ((one, e) for e in callee.effects if _names_another(e) for one in program.callees(callee, e))
    handed_here = ((function, call.effect) for call in program.callers(function))
    return any(frozenset(_swapped(*at) or ()) == pair for at in (*handed_on, *handed_here))


def _goes_both_ways(program: Program, function: FunctionInfo, effect: Effect, first: str, second: str) -> str:
    """Which other function of the file gives them to the same call the other way round; "" for none."""
    for other in program.functions_in(function.path):
        for call in other.effects if other is not function else ():
            is_same = call.op == "call" and call.callee == effect.callee
            if is_same and {_order(call, first, second), _order(effect, first, second)} == {"straight", "reversed"}:
                return other.facts.qualname
    return ""


def _order(effect: Effect, first: str, second: str) -> str:
    """How both stand in a call without keywords."""
    names = [plain_name(argument, _SHORTEST) for argument in effect.args if not argument.keyword]
    if first not in names or second not in names:
        return ""
    return "straight" if names.index(first) < names.index(second) else "reversed"


def _is_put_right(function: FunctionInfo, effect: Effect, name: str) -> bool:
    """Is what the call made given the value under its own name behind it: `params.input = input`?"""
    return any(
        later.op == "assign"
        and later.line > effect.line
        and later.path.endswith(f".{name}")
        and name in map(root_of, later.reads)
        for later in function.effects
    )


def _report(
    program: Program, function: FunctionInfo, effect: Effect, callee: FunctionInfo, first: str, second: str
) -> Report:
    other = _goes_both_ways(program, function, effect, first, second)
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{second} is given to {first}, and {first} to {second}",
        (
            program.step(function, effect, f"hands over {second} where {first} is taken"),
            program.step(callee, callee.facts.line, f"takes {', '.join(p.name for p in callee.params[:8])}"),
        ),
        confidence="low" if other else "medium",
        reason="both names are parameters of what is called, and each stands in the other's place"
        + (f"; {other} gives them the other way round: this may be its way back" if other else ""),
        subject=f"{effect.callee}:{first}:{second}",
        fix=f"exchange {first} and {second}, or give them by their names",
    )
