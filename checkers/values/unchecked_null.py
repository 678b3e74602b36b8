"""LLM945: C and C++ pointers that may be null, and are reached through before anybody asks.

`asked_later`: the function itself asks, after it has reached through the pointer. `others_ask`: what is called gives
null on some way, and most of its other callers ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.nulls import Nulls
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.ways_in import START, ways_into
from llmlint.code.facts.facts import PointerUse, Reach, Test
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Place, Report, Step
from llmlint.phrases import last_name

_FEWEST_OTHERS = 2
_MOST_ASK = 0.6
_FEWEST_IN_HABIT = 4
_HABIT = 0.75
"""So many ask where asking is what this program does; of three callers any may be the odd one."""
_SEARCHES = frozenset({"find", "count", "contains"})
_SELDOM = frozenset({"malloc", "calloc", "realloc", "strdup", "dynamic_cast", "dynamic_pointer_cast"})
"""What gives null only where memory is at its end, or a class is not what everybody takes it for. It is told where most
others ask."""


class _Site(NamedTuple):
    function: FunctionInfo
    use: PointerUse
    reach: Reach


def check_program(program: Program) -> Iterator[Report]:
    native = [function for function in program.functions if function.language != "python"]
    if not any(function in program.asked for function in native):
        return
    nulls = Nulls(program)
    asked: dict[str, int] = {}
    sites: dict[str, list[_Site]] = {}
    for function in native:
        for use in function.facts.pointers:
            name, like = last_name(use.callee), _like(use.callee)
            reach = nulls.first_reach(use)
            if reach is not None and use.late >= reach.line:
                if not name or nulls.may_give_null(name) or (name not in nulls.named and reach.how in ("->", "*")):
                    sure = nulls.first_sure_reach(use) if function in program.asked else None
                    if sure is not None and use.late >= sure.line:
                        yield _asked_later(function, use, sure, nulls)
            elif reach is not None and name:
                sites.setdefault(like, []).append(_Site(function, use, reach))
            elif name and use.asked:
                asked[like] = asked.get(like, 0) + 1
    for like, found in sites.items():
        others = asked.get(like, 0)
        if nulls.may_give_null(last_name(like)) and (_most_ask(others, len(found)) or last_name(like) not in _SELDOM):
            for site in (site for site in found if site.function in program.asked):
                if nulls.is_ruled_out(program, site.function, site.use):
                    continue
                yield _others_ask(program, site, others, len(found), nulls)


def _most_ask(others: int, silent: int) -> bool:
    return others >= _FEWEST_OTHERS and others >= _MOST_ASK * (others + silent)


def _like(callee: str) -> str:
    """Which calls speak for each other: those of one name, and of `find` those that look into the same table."""
    name = last_name(callee)
    return f"{last_name(callee.rpartition('.')[0])}.{name}" if name == "find" else name


def _asked_later(function: FunctionInfo, use: PointerUse, reach: Reach, nulls: Nulls) -> Report:
    what = use.place or f"what {use.callee}() gives"
    return Report(
        _place(function, reach),
        symbol_of(function),
        f"{what} is {_how(reach)} here, and only then asked whether it is null",
        (
            Step(function.path, use.line, f"{what} comes from {use.callee}()" if use.callee else "it is a parameter"),
            *_steps(function, use, reach, nulls),
            Step(function.path, use.late, "here it is asked whether it is null, too late"),
        ),
        confidence="medium" if use.callee else "low",
        reason="the function itself thinks that it may be null"
        if use.callee
        else "no caller of this function is known to give null",
        subject=f"{use.place}:{use.callee}",
        fix="ask before it is used",
        mechanism="unchecked_null.asked_later",
    )


def _was_filled(program: Program, site: _Site, nulls: Nulls) -> bool:
    """Is null given where a map has no such key, by an object that a test before has asked to fill that map?"""
    function, use, _ = site
    getters = nulls.named.get(last_name(use.callee), ())
    searched = {e.callee.rpartition(".")[0] for f in getters for e in f.effects if last_name(e.callee) in _SEARCHES}
    on = _object(use.callee)
    tests = (function.settled_test(r.test) for r in function.regions if r.kind == "if" and r.line <= use.line)
    asked = {path for test in tests if test is not None for path in _asked_in(test)}
    for effect in function.effects:
        by_test = effect.op == "call" and not asked.isdisjoint((effect.callee, effect.result))
        if by_test and effect.line <= use.line and _object(effect.callee) == on:
            for callee in program.callees(function, effect):
                if any(inner.op == "insert" and inner.path in searched for inner in callee.effects):
                    return True
    return False


def _object(callee: str) -> str:
    """What a method is called on; the object's own are called bare, too."""
    on = callee.lstrip("~").rpartition(".")[0]
    return "" if on in ("this", "self") else on


def _asked_in(test: Test) -> Iterator[str]:
    """What a test calls, and the names whose values it asks."""
    if test.op in ("call", "path"):
        yield test.path
    for inner in test.args:
        yield from _asked_in(inner)


def _doubts(program: Program, site: _Site, nulls: Nulls) -> str:
    if _was_filled(program, site, nulls):
        return "a test before it has filled what it looks into"
    if nulls.is_for_want_of_memory(last_name(site.use.callee), _SELDOM):
        return "it gives null only where memory is at its end, or a class is not what it is taken for"
    if ways_into(program, site.function, lambda call: False) == START:
        return "only main leads here: a program that somebody has just started ends"
    return ""


def _others_ask(program: Program, site: _Site, others: int, silent: int, nulls: Nulls) -> Report:
    function, use, reach = site
    what = use.place or "the result"
    is_habit = others >= _FEWEST_IN_HABIT and others >= _HABIT * (others + silent)
    doubts = _doubts(program, site, nulls) if is_habit else ""
    return Report(
        _place(function, reach),
        symbol_of(function),
        f"{use.callee}() may give null, and {what} is {_how(reach)} here without asking",
        (
            *nulls.why_null(use.callee),
            Step(function.path, use.line, f"{use.callee}() is called here"),
            *_steps(function, use, reach, nulls),
        ),
        confidence="medium" if is_habit and not doubts else "low",
        reason=doubts or f"{others} of {others + silent} callers ask first",
        subject=f"{use.place}:{use.callee}",
        fix="ask whether it is null, and leave or say what is wrong",
        mechanism="unchecked_null.others_ask",
    )


def _how(reach: Reach) -> str:
    return "dereferenced" if reach.how in ("->", "*") else f"given to {reach.how.partition('#')[0]}()"


def _steps(function: FunctionInfo, use: PointerUse, reach: Reach, nulls: Nulls) -> Iterator[Step]:
    yield Step(function.path, reach.line, f"{use.place or 'it'} is {_how(reach)}")
    yield from nulls.way_through(reach)


def _place(function: FunctionInfo, reach: Reach) -> Place:
    return Place(function.path, reach.line, reach.column, reach.line, reach.column + 1)
