"""LLM115: an entry is dropped without giving back what it holds, as its other removal does.

Two functions take entries out of one container. One gives back what the entry held: it lowers its count, puts it into
the pool, or releases it. The other only takes the entry out, and nobody knows any more what it held.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.channels import is_sending_end, reads_the_other_end
from llmlint.code.domain.entries import those_around
from llmlint.code.domain.giving import Giving
from llmlint.code.domain.pools import told_of
from llmlint.code.domain.state import attribute_of, is_setup, only_looks
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report
from llmlint.runtime.block import Block, Target

_DROPPED = frozenset({"", "<void>"})
_MOST = 2
"""Where more functions only take out, giving back is what the one does for a reason of its own."""


class Back(NamedTuple):
    """Where an entry is taken out, and what gives back what it held; `how` names that."""

    function: FunctionInfo
    removal: Effect
    giving: Effect
    how: str


def check_program(program: Program) -> Iterator[Report]:
    giving = once(program, Giving)
    for cls in program.asked.classes:
        for attribute, removals in _removals(cls).items():
            if len({removal.function for removal in removals}) > 1:
                yield from _dropped(program, giving, cls, attribute, removals)


def _removals(cls: ClassInfo) -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = {}
    for function in cls.functions:
        if function in cls.building or is_setup(function) or function.name == "__del__":
            continue
        for effect in function.doing("remove"):
            attribute = attribute_of(effect.path)
            if attribute in cls.attributes and effect.path == f"self.{attribute}":
                found.setdefault(attribute, []).append(Call(function, effect))
    return found


def _dropped(
    program: Program, giving: Giving, cls: ClassInfo, attribute: str, removals: list[Call]
) -> Iterator[Report]:
    entry = f"self.{attribute}[]"
    back = next(filter(None, (_given_back(giving, removal, entry) for removal in removals)), None)
    if back is None:
        return
    dropping = [removal for removal in removals if _is_dropped(program, giving, cls, removal, entry, back)]
    if len({removal.function for removal in dropping}) <= _MOST:
        yield from (_report(program, attribute, removal, back) for removal in dropping)


def _given_back(giving: Giving, removal: Call, entry: str) -> Back | None:
    function = removal.function
    for effect in function.effects:
        how = giving.back(function, effect, entry) if effect is not removal.effect else ""
        if how and how != entry.removesuffix("[]"):
            return Back(function, removal.effect, effect, how)
    return None


def _is_dropped(program: Program, giving: Giving, cls: ClassInfo, removal: Call, entry: str, back: Back) -> bool:
    """Does nothing in the function, nor in who calls it, give the entry back, hand it on or keep it?"""
    function, taken = removal
    result = taken.result.split(", ")[0]
    if function is back.function or (result not in _DROPPED and not result.isidentifier()):
        return False
    own = whole(program, function).effects
    if is_sending_end(program, function, entry, cls) and reads_the_other_end(function, entry):
        return False
    if any(_hands_on(program, effect, taken, entry, result) for effect in own):
        return False
    around = [f for f in those_around(program, function, cls) if any(e.callee for e in f.effects)]
    if any(_gives(effect, back) for f in (whole(program, function), *around) for effect in f.effects):
        return False
    return not {function, *around} & {back.function, *those_around(program, back.function, cls)}


def _hands_on(program: Program, effect: Effect, taken: Effect, entry: str, result: str) -> bool:
    if effect is taken or effect.op not in ("call", "insert", "assign", "return", "yield", "remove", "raise"):
        return False
    if effect.op == "call" and only_looks(program, effect):
        return False
    held = {entry, result} - _DROPPED
    told = told_of(effect) - ({effect.key} if effect.op == "remove" else set())
    return any(path == name or path.startswith((f"{name}.", f"{name}[")) for path in told for name in held) or (
        effect.op == "call" and effect.path.startswith((f"{entry}.", f"{result}.") if result else f"{entry}.")
    )


def _gives(effect: Effect, back: Back) -> bool:
    """The same way back, or the pool as a whole."""
    if back.how.startswith("self."):
        return effect.path == back.how and effect.op in ("insert", "clear", "assign")
    return effect.callee.rpartition(".")[2] in (back.how, back.function.name)


def _report(program: Program, attribute: str, removal: Call, back: Back) -> Report:
    function, taken = removal
    by = f"puts it into {back.how}" if back.how.startswith("self.") else f"calls {back.how}"
    return Report(
        program.place(function, taken),
        function.facts.qualname,
        f"{function.name} drops an entry of self.{attribute}, and what it holds is not given back",
        (
            program.step(function, taken, f"{function.name} takes the entry out"),
            program.step(back.function, back.removal, f"{back.function.name} takes one out too"),
            program.step(back.function, back.giving, f"and gives back what it held: it {by}"),
        ),
        confidence="medium",
        reason=f"{back.function.name} gives back what an entry holds; neither this function nor who calls it does",
        subject=f"{attribute}:{back.how}",
        fix=f"give back what the entry holds, as {back.function.name} does",
        data={"runtime": Block((Target(function.facts.qualname, "scope", function.path),)).plain()},
    )
