"""`a, b = f()`: a result that is taken apart into another number of values than there ever are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from llmlint.checkers.contracts.misread_result.telling import told
from llmlint.code.domain.results import counts_given, only_says
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report


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
