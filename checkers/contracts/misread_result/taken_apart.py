"""`a, b = f()`: a result that is taken apart into another number of values than there are, always or on some ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from llmlint.checkers.contracts.misread_result.telling import of_call, told
from llmlint.code.domain.results import counts_given, only_says, returns_come_to
from llmlint.code.facts.facts import Effect, Region, Test
from llmlint.code.link.exits import around
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report
from llmlint.phrases import last_name

_BRANCHES = frozenset({"if", "else", "loop", "loop-else", "and", "case"})
_LOOKS_UP = frozenset("get pop getattr bool any all isinstance hasattr".split())
"""Calls that give what somebody has set."""


def taken_apart(
    program: Program, function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...]
) -> Iterator[Report]:
    """`ran` is all that the call may run."""
    run = tuple(f for f in ran if not only_says(f))
    counts = [counts_given(f) for f in run]
    if not all(counts) or any(f.facts.is_async != (effect.via == "await") for f in run):
        return
    wanted, has_rest = _places_for(function, effect)
    given = frozenset().union(*counts)
    if not wanted or not given:
        return
    if wanted > max(given) if has_rest else wanted not in given:
        yield _miscounted(program, function, effect, run, wanted, given)
    elif len(given) > 1 and not has_rest and len(run) == 1:
        yield from _sometimes(program, function, effect, run[0], wanted)


def _places_for(function: FunctionInfo, effect: Effect) -> tuple[int, bool]:
    """How many values the targets of the call take, and whether one with a star takes all others."""
    has_rest = "" in effect.result.split(", ")
    part = re.compile(re.escape(f"{effect.callee}()") + r"\[(\d+)\]")
    behind = function.effects[function.effects.index(effect) + 1 :]
    bound = takewhile(lambda later: later.callee != effect.callee, behind)
    told = [match for later in bound for option in later.options if (match := part.match(option))]
    places = {int(match[1]) for match in told}
    is_whole = bool(places) and places == set(range(max(places) + 1))
    return (len(places) - has_rest, has_rest) if is_whole else (0, has_rest)


def _miscounted(
    program: Program,
    function: FunctionInfo,
    effect: Effect,
    ran: tuple[FunctionInfo, ...],
    wanted: int,
    given: frozenset[int],
) -> Report:
    gives = " or ".join(map(str, sorted(given)))
    message = f"{effect.callee}() gives {gives} values, and {wanted} are taken"
    return told(program, function, effect, ran, message, f"returns {gives} values", "take as many as it gives", "count")


def _sometimes(
    program: Program, function: FunctionInfo, effect: Effect, run: FunctionInfo, wanted: int
) -> Iterator[Report]:
    """One way returns another number, nobody takes that many, and it is no matter of what the caller asked for."""
    returns = returns_come_to(run)
    right = [e for e in returns if int(e.key) == wanted]
    odd = [e for e in returns if int(e.key) != wanted and _is_by_chance(run, e, right)]
    taken = {_places_for(f, e)[0] for f, e in program.calls_named(run.name) if ", " in e.result}
    if not odd or any(int(e.key) in taken for e in odd):
        return
    message = f"{effect.callee}() gives {odd[0].key} values on one way, and {wanted} are taken"
    step = program.step(run, odd[0], f"{run.name} returns {odd[0].key} values here, and {wanted} elsewhere")
    reason = "no argument decides which of them it is, and no call takes the other number"
    fix = f"return {wanted} values on every way"
    yield of_call(program, function, effect, message, (step,), reason, fix, "count_sometimes")


def _is_by_chance(run: FunctionInfo, odd: Effect, right: list[Effect]) -> bool:
    """Is it left to the data which return it is, and not to a parameter, a setting, or what is made of these alone?"""
    set_by_caller = _set_by_caller(run)
    asking = [region for region in around(run, odd) if region.kind in _BRANCHES]
    if asking or any(region.kind == "except" for region in around(run, odd)):
        return not any(_is_asked_for(region, set_by_caller) for region in asking)
    return not all(any(_is_asked_for(r, set_by_caller) for r in around(run, e) if r.kind in _BRANCHES) for e in right)


def _set_by_caller(run: FunctionInfo) -> frozenset[str]:
    """Its parameters, and its locals but for those that a call computes."""
    binds = run.doing("bind")
    told = (e.path for e in binds if e.value != "new" or last_name(e.source) in _LOOKS_UP)
    return frozenset((*(param.name for param in run.facts.params), *told))


def _is_asked_for(region: Region, set_by_caller: frozenset[str]) -> bool:
    if region.test is None:
        return region.kind == "case"  # what a `match` looks at is not told
    return any(_is_mode(part, set_by_caller) for part in _parts(region.test))


def _parts(test: Test) -> Iterator[Test]:
    yield test
    for inner in test.args:
        yield from _parts(inner)


def _is_mode(part: Test, set_by_caller: frozenset[str]) -> bool:
    if part.op == "other":
        return True
    is_setting = part.path.startswith(("self.", "cls.")) or part.path.isupper()
    return part.op in ("path", "call") and (is_setting or part.path in set_by_caller)
