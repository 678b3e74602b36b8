"""LLM803: entries that are made together, under one key, and one of them stays when the others are taken away.

An attribute goes with others when every function that makes an entry in it makes one in theirs under the same key. The
function that takes theirs and leaves this one leaves it to whoever comes next under that key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

import msgspec

from llmlint.code.domain.entries import entered, is_first, is_of_request, taken, those_around
from llmlint.code.domain.state import is_keyed, is_setup, mentioned_by
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import does
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report
from llmlint.runtime.block import Block, Target, Watch

Under = tuple[FunctionInfo, str]
"""A function, and a key under which it makes or takes entries."""

ByKey = dict[Under, dict[str, Effect]]


class Left(msgspec.Struct, frozen=True):
    """The attribute whose entry stays, where it is made, and where another function takes it with its kin."""

    attribute: str
    making: Call
    taking: Call | None


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        yield from _taken_alone(program, cls)


def _taken_alone(program: Program, cls: ClassInfo) -> Iterator[Report]:
    made = _by_key(cls, lambda _, effect: entered(effect))
    taking = _by_key(cls, _taken) if made else {}
    for (function, key), gone in taking.items():
        if function.name == "__del__" or program.vocabulary.is_reset(function.name) is not None:
            continue  # with the object goes the other too; LLM801 judges resets
        if program.vocabulary.is_terminal(function.name) and all(
            is_of_request(program.vocabulary, effect) for effect in gone.values()
        ):
            continue  # LLM102 judges the ends of requests
        for left in _left(program, cls, function, gone, made, taking):
            yield _report(program, cls, Call(function, next(iter(gone.values()))), key, gone, left)


def _taken(function: FunctionInfo, effect: Effect) -> str:
    """The attribute that loses an entry: what is put where nothing stood takes nothing away."""
    return "" if effect.op == "insert" and is_first(function, effect) else taken(effect)


def _by_key(cls: ClassInfo, what: Callable[[FunctionInfo, Effect], str]) -> ByKey:
    """The attributes that a function makes or takes entries of, by the key."""
    found: dict[Under, dict[str, Effect]] = defaultdict(dict)
    for function in (f for f in cls.functions if f.facts.gist.does("insert", "remove")):
        for effect in () if function in cls.building or is_setup(function) else function.effects:
            attribute = what(function, effect)
            if attribute in cls.attributes:
                found[function, effect.key].setdefault(attribute, effect)
    return found


def _left(
    program: Program,
    cls: ClassInfo,
    function: FunctionInfo,
    gone: dict[str, Effect],
    made: ByKey,
    all_taking: ByKey,
) -> Iterator[Left]:
    seen_to: set[str] | None = None
    for attribute in dict.fromkeys(name for entries in made.values() for name in entries):
        making = [(under, entries) for under, entries in made.items() if attribute in entries]
        if attribute in gone or any(under[0] is function for under, _ in making):
            continue
        if not all(gone.keys() & entries.keys() for _, entries in making) or not _has_partner(attribute, gone, made):
            continue
        seen_to = _seen_to(program, cls, function) if seen_to is None else seen_to
        taking = _taken_with(all_taking, function, attribute, gone)
        if attribute not in seen_to and (taking is not None or is_keyed(cls.attributes[attribute])):
            (maker, _), entries = making[0]
            yield Left(attribute, Call(maker, entries[attribute]), taking)


def _has_partner(attribute: str, gone: dict[str, Effect], made: ByKey) -> bool:
    """Is one of those that go filled nowhere without this one? Another may hold entries of other kinds too."""
    return any(all(attribute in entries for entries in made.values() if name in entries) for name in gone)


def _seen_to(program: Program, cls: ClassInfo, function: FunctionInfo) -> set[str]:
    """What the function, or one that calls it, changes or looks at."""
    around = (function, *those_around(program, function, cls))
    changed = {done.attribute for each in around for done in does(program, each, cls)}
    return changed | mentioned_by(program, function, cls)


def _taken_with(taking: ByKey, function: FunctionInfo, attribute: str, gone: dict[str, Effect]) -> Call | None:
    """Where another function takes its entry away with those of at least two of the others, or of the only one."""
    for (other, _), entries in taking.items():
        shared = entries.keys() & gone.keys()
        if other is not function and attribute in entries and len(shared) >= min(2, len(gone)):
            return Call(other, entries[attribute])
    return None


def _report(program: Program, cls: ClassInfo, alone: Call, key: str, gone: dict[str, Effect], left: Left) -> Report:
    function, second = alone.function, left.attribute
    names = ", ".join(f"self.{name}" for name in sorted(gone)[:3]) + (" and others" if len(gone) > 3 else "")
    evidence = [program.step(*left.making, f"{left.making.function.name} fills both by {left.making.effect.key}")]
    if left.taking is not None:
        evidence.append(program.step(*left.taking, f"{left.taking.function.name} takes it with them"))
    evidence.append(program.step(*alone, f"{function.name} takes the entry of {key} and leaves that of self.{second}"))
    return Report(
        program.place(*alone),
        function.facts.qualname,
        f"{function.name} takes an entry from {names} and leaves that of self.{second}, which is made with it",
        tuple(evidence),
        confidence="medium" if left.taking is not None or len(gone) > 1 else "low",
        reason=f"every function that fills self.{second} fills these by the same key, and no caller sees to it",
        subject=f"{'+'.join(sorted(gone)[:3])}:{second}",
        fix=f"take the same entry from self.{second}",
        data={
            "runtime": Block(
                targets=(Target(function.facts.qualname, "reset", path=function.path),),
                watch=(Watch(second, owner=cls.facts.qualname, path=cls.path),),
            ).plain()
        },
    )
