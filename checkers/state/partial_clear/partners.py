"""Of two containers that are filled together, one is emptied or shrunk alone.

Two containers belong together when every function that fills one fills the other, by the same key, and every function
but one that takes from either takes from both. The one that leaves the second breaks what the others keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations

import msgspec

from llmlint.code.domain.state import Change, attribute_of, changes_of, is_setup
from llmlint.code.flow.summaries import does
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report
from llmlint.runtime.block import Block, Target, Watch

_TAKES = frozenset({"remove", "clear", "delete"})


class Partners(msgspec.Struct, frozen=True):
    """What fills the first and the second together, and what takes from both."""

    first: str
    second: str
    filling: Change
    taking: Change


def taken_alone(program: Program, cls: ClassInfo) -> Iterator[Report]:
    changes = {name: its for name, its in changes_of(program, cls).items() if _is_filled(cls, name, its)}
    for alike in _filled_alike(changes):
        for first, second in permutations(alike, 2):
            partners = _partners(first, second, changes)
            if partners is not None:
                yield from _takes_alone(program, cls, partners, changes)


def _filled_alike(changes: dict[str, list[Change]]) -> Iterable[list[str]]:
    """The containers by the functions that fill them: partners are in one of these."""
    found: dict[frozenset[FunctionInfo], list[str]] = {}
    for name, its in changes.items():
        found.setdefault(frozenset(change.function for change in its if _fills(change)), []).append(name)
    return found.values()


def _is_filled(cls: ClassInfo, name: str, its: list[Change]) -> bool:
    known = cls.attributes.get(name)
    return known is not None and known.is_container and any(_fills(change) for change in its)


def _fills(change: Change) -> bool:
    return change.effect.op == "insert" and not is_setup(change.function) and change.effect.path.count(".") == 1


def _takes(change: Change) -> bool:
    return change.effect.op in _TAKES and not is_setup(change.function) and change.effect.path.count(".") == 1


def _partners(first: str, second: str, changes: dict[str, list[Change]]) -> Partners | None:
    fills = {change.function: change for change in changes[first] if _fills(change)}
    others = {change.function: change for change in changes[second] if _fills(change)}
    if fills.keys() != others.keys():
        return None
    if any(not change.effect.key or change.effect.key != others[f].effect.key for f, change in fills.items()):
        return None
    taking = {change.function: change for change in changes[first] if _takes(change)}
    others_taking = {change.function for change in changes[second] if _takes(change)}
    if not others_taking or not others_taking <= taking.keys() or len(taking) != len(others_taking) + 1:
        return None
    both = next(change for function, change in taking.items() if function in others_taking)
    return Partners(first, second, next(iter(fills.values())), both)


def _takes_alone(
    program: Program, cls: ClassInfo, partners: Partners, changes: dict[str, list[Change]]
) -> Iterator[Report]:
    seeing_to_both = {change.function for change in changes[partners.second]}
    told: set[FunctionInfo] = set()
    for change in changes[partners.first]:
        function = change.function
        if not _takes(change) or function in told or function in seeing_to_both or function.owner is not cls:
            continue
        told.add(function)
        if function.name == "__del__" or program.vocabulary.is_reset(function.name) is not None:
            continue  # with the object goes the second container too; LLM801 judges resets
        around = [function, *(call.function for call in program.callers(function))]
        if not any(_sees_to(program, each, cls, partners.second) for each in around):
            yield _report(program, cls, partners, change)


def _sees_to(program: Program, function: FunctionInfo, cls: ClassInfo, attribute: str) -> bool:
    owner = cls if function.owner is not None and function.owner in (*cls.mro, *cls.subclasses) else function.owner
    return any(attribute_of(done.path) == attribute for done in does(program, function, owner))


def _report(program: Program, cls: ClassInfo, partners: Partners, alone: Change) -> Report:
    first, second = partners.first, partners.second
    function, filling, taking = alone.function, partners.filling, partners.taking
    return Report(
        program.place(function, alone.effect),
        function.facts.qualname,
        f"{function.name} takes from self.{first} and leaves self.{second}, which goes with it everywhere else",
        (
            program.step(
                filling.function, filling.effect, f"{filling.function.name} fills both by {filling.effect.key}"
            ),
            program.step(taking.function, taking.effect, f"{taking.function.name} takes from both"),
            program.step(function, alone.effect, f"{function.name} takes from self.{first} alone"),
        ),
        confidence="medium",
        reason="every function that fills one fills the other, and neither this one nor its callers see to the second",
        subject=f"{first}:{second}",
        fix=f"take the same entries from self.{second}",
        data={
            "runtime": Block(
                targets=(Target(function.facts.qualname, "reset", path=function.path),),
                watch=(Watch(second, owner=cls.facts.qualname, path=cls.path),),
            ).plain()
        },
    )
