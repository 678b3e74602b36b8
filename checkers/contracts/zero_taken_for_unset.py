"""LLM915: a number that may be left out is asked for its truth, so that a 0 that was given counts as not given.

Asked about are numbers of which the field says that their 0 means something (a temperature, a seed, ids), as far as
they may be None: `x or 1.0`, `if not x: x = 1.0`, `f(x) if x else None`, `if x:`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.unset_numbers import (
    ALWAYS,
    OPTIONAL,
    OTHER,
    Asked,
    Number,
    asked_of,
    compared_with,
    leaves,
    number_at,
)
from llmlint.code.facts.facts import Choice, Effect, Region, Test
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.exits import LEAVING
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Place, Report, Step
from llmlint.phrases import ends, words
from llmlint.vocabulary import Vocabulary

_COUNT, _ID = "count", "id"
_DEFAULT, _MADE, _SEEDED, _ASKED = "default", "made", "seeded", "asked"
"""Another value is taken, something is made of it or not, a generator is seeded or not, something is done or not."""

_SAME_AS_ZERO = re.compile(r"[-+]?0*(\.0*)?|None|False")
_SEEDING = re.compile(r"seed|default_rng|RandomState", re.IGNORECASE)
_SEEDS = re.compile(r"(?:seed\w*|default_rng|RandomState)\(", re.IGNORECASE)
_BEGINS_ALIKE = "torch.Generator("
"""One that nobody seeds begins with the same each time: docs.pytorch.org, torch.Generator.initial_seed."""
_NUMBER = re.compile(r"[-+]?[\d.]")
_WORD = re.compile(r"\w+")
_TELLING = frozenset({"== 0", "!= 0", "> 0", "<= 0", "< 1", ">= 1"})
_NONE = Test("none")
_LOGPROBS = ("logprobs",)


class _Taken(NamedTuple):
    """Where something else is taken for zero: `other` is that, "" where something is only left undone."""

    place: str
    name: str
    line: int
    column: int
    form: str
    other: str = ""
    given: str = ""


def check_program(program: Program) -> Iterator[Report]:
    kinds = _Kinds(program.vocabulary)
    for function in program.asked.functions:
        if function.language == "python":
            for taken in _taken_in(kinds, function):
                yield from _check(program, kinds, function, taken)


class _Kinds(dict[str, str]):
    """By its name, what a number whose 0 means something is: a count or an id; "" for any other name."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary

    def __missing__(self, name: str) -> str:
        named, known = words(name), self._vocabulary
        self[name] = _COUNT if ends(named, known.zero_counts) else _ID if ends(named, known.zero_ids) else ""
        return self[name]


# ---------------------------------------------------------------- where zero is not told from nothing


def _taken_in(kinds: _Kinds, function: FunctionInfo) -> Iterator[_Taken]:
    gist = function.facts.gist
    if any(kinds[name] for name in gist.chosen):
        for choice in function.facts.choices:
            if choice.by == "truth" and kinds[choice.name] and not _is_list(choice.place, choice.given):
                yield _Taken(
                    choice.place, choice.name, choice.line, choice.column, _form_of(choice), choice.other, choice.given
                )
    names = (*gist.reads, *(param.name for param in function.facts.params))
    if any(kinds[name] for name in names):
        for at, region in enumerate(function.regions):
            if region.kind in ("if", "loop") and region.test is not None:
                yield from _asked_in(kinds, function, at, region)


def _form_of(choice: Choice) -> str:
    if choice.given in ("", f"int({choice.place})", f"float({choice.place})"):
        return _DEFAULT
    return _SEEDED if _SEEDS.search(choice.given) else _MADE


def _is_list(place: str, given: str) -> bool:
    return any(text in given for text in (f"{place}[", f"len({place})", f"in {place}", f"*{place}"))


def _asked_in(kinds: _Kinds, function: FunctionInfo, at: int, region: Region) -> Iterator[_Taken]:
    assert region.test is not None
    inside = [effect for effect in function.effects if effect.region == at]
    asked = list(leaves(region.test))
    for test, holds in asked:
        name = test.path.rpartition(".")[2] if test.op == "path" else ""
        if not name or not kinds[name]:
            continue
        if any(other.op == "call" and other.path == "isinstance" for other, _ in asked):
            continue  # of one type among several
        if any((compared := compared_with(other, name)) and compared[0] == test.path for other, _ in asked):
            continue  # whoever compares it in the same breath has thought of its values
        if not holds:
            yield from _set_there(test.path, name, region, inside) if len(asked) == 1 else ()
        elif any(_SEEDING.search(e.callee) and test.path in (a.path for a in e.args) for e in inside):
            yield _Taken(test.path, name, region.line, 1, _SEEDED)
        else:
            yield _Taken(test.path, name, region.line, 1, _ASKED)


def _set_there(place: str, name: str, region: Region, inside: list[Effect]) -> Iterator[_Taken]:
    """`if not x: x = 1`."""
    for effect in inside:
        if effect.op in ("bind", "assign") and effect.path == place and effect.value in ("constant", "path", "new"):
            yield _Taken(place, name, region.line, 1, _DEFAULT, effect.source)


# ---------------------------------------------------------------- whether it matters


def _check(program: Program, kinds: _Kinds, function: FunctionInfo, taken: _Taken) -> Iterator[Report]:
    if taken.form == _DEFAULT and _SAME_AS_ZERO.fullmatch(taken.other):
        return
    if _tells_zero(function, taken) or _is_there(function, taken):
        return
    number = number_at(program, function, taken.place, taken.line)
    if number.how in (ALWAYS, OTHER) or (number.how != OPTIONAL and not _is_number(kinds, taken)):
        return
    asked = asked_of(program, number)
    if asked.refused:
        return
    yield _report(program, function, taken, kinds[taken.name], number, asked)


def _is_number(kinds: _Kinds, taken: _Taken) -> bool:
    """Where nothing is declared: does what is taken instead, or what is done with it, say that it is a number?"""
    if taken.form == _SEEDED:
        return True
    may_be_list = taken.name.endswith("s")
    kind = kinds[taken.name]
    is_alike = any(kinds[name] == kind for name in _WORD.findall(taken.other))
    is_number = _NUMBER.match(taken.other) is not None or (is_alike and not may_be_list)
    return taken.form == _DEFAULT and is_number


def _tells_zero(function: FunctionInfo, taken: _Taken) -> bool:
    """Does a test of the function tell zero from what is above it?"""
    tests = (leaf for region in function.regions if region.test is not None for leaf, _ in leaves(region.test))
    compared = (found for test in tests if (found := compared_with(test, taken.name)))
    return any(path == taken.place and how in _TELLING for path, how in compared)


def _is_there(function: FunctionInfo, taken: _Taken) -> bool:
    """Has None been ruled out where it is asked? Then only zero is meant."""
    for at, region in enumerate(function.regions):
        asked = list(leaves(region.test)) if region.test is not None else []
        if (taken.place, "none") not in (compared_with(test, taken.name) for test, _ in asked):
            continue
        is_none = any(holds == (test.op in ("is", "==")) for test, holds in asked if test.args[-1:] == (_NONE,))
        if region.line < taken.line <= region.end_line:
            if is_none == (region.kind == "else"):
                return True
        elif region.kind == "if" and is_none and len(asked) == 1 and region.end_line < taken.line:
            done = (effect for effect in function.effects if effect.region == at)
            if any(e.op in LEAVING or (e.op in ("bind", "assign") and e.path == taken.place) for e in done):
                return True
    return False


def _report(program: Program, function: FunctionInfo, taken: _Taken, kind: str, number: Number, asked: Asked) -> Report:
    steps = [step for step in (asked.allowed, asked.told_apart) if step is not None]
    if number.how == OPTIONAL:
        steps.insert(0, Step(number.path, number.line, f"{taken.name} is declared as {number.said}"))
    doubt = _doubt(taken, kind, asked) or _never_given(program, function, taken.place)
    return Report(
        Place(function.path, taken.line, taken.column),
        symbol_of(function),
        f"{taken.place} is asked whether it is true: a {taken.name} of 0 counts as none, and {_what_then(taken)}",
        (*steps, Step(function.path, taken.line, "0 and None are one here")),
        confidence="low" if doubt else "medium",
        reason=doubt or f"{taken.name} may be 0, which is not the same as leaving it out",
        subject=f"{taken.place}:{taken.form}",
        fix=f"ask whether {taken.place} is None",
        mechanism=f"zero_taken_for_unset.{_ID if kind == _ID else _mechanism(taken, asked)}",
    )


def _mechanism(taken: _Taken, asked: Asked) -> str:
    return f"{_ASKED}_alone" if taken.form == _ASKED and not _is_proven(asked) else taken.form


def _is_proven(asked: Asked) -> bool:
    return asked.allowed is not None or asked.told_apart is not None


def _doubt(taken: _Taken, kind: str, asked: Asked) -> str:
    """Why 0 may as well be none; "" where nothing says so."""
    if kind == _ID:
        return "the first id may never come here"
    if taken.form == _ASKED and not _is_proven(asked):
        return "nothing else in the program tells 0 from None"
    if taken.form == _SEEDED and _BEGINS_ALIKE in taken.given:
        return "a generator that nobody seeds begins with the same each time"
    if taken.other == "1" and ends(words(taken.name), frozenset(_LOGPROBS)):
        return "one entry holds what was sampled, which is what 0 asks for"
    return ""


def _never_given(program: Program, function: FunctionInfo, place: str) -> str:
    """Is it a parameter of a helper of the program's own, which is called and told it by none of the calls?"""
    is_own = function.name.startswith("_") and any(p.name == place and p.default == "None" for p in function.params)
    calls = program.callers(function) if is_own else ()
    if not calls or any(argument.keyword in ("*", "**") for call in calls for argument in call.effect.args):
        return ""
    given = (arguments_by_parameter(function, call.effect).get(place) for call in calls)
    return "" if any(given) else f"none of the calls of {function.name} gives it a {place}"


def _what_then(taken: _Taken) -> str:
    match taken.form:
        case "default":
            return f"becomes {taken.other}"
        case "seeded":
            return "nothing is seeded"
        case "made":
            return f"gives {taken.other}"
    return "what it asks for is not done"
