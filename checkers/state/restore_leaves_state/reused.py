"""An object that is used again: what takes one from a list of spare ones, or makes it, expects both to be alike.

A class of objects is used again where a function takes whatever comes next out of a list and another puts one in. What
the two do to the object, and those that call them, sets part of it back; a field that its methods move and nobody sets
back tells the next user of the last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.checkers.state.restore_leaves_state.owing import may_last, runtime
from llmlint.code.domain.fields import Fields
from llmlint.code.domain.pools import takes_next
from llmlint.code.domain.state import attribute_of, head_of, is_setup, only_looks, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import does
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report
from llmlint.vocabulary import words

_SETS = frozenset({"assign", "clear", "delete"})
_KEEPS_COUNT = frozenset("stats stat metric metrics time times total count num id name index uses".split())


class Spare(NamedTuple):
    """The list, the class of what lies in it, and who takes from it and puts into it."""

    attribute: str
    of: ClassInfo
    takers: tuple[FunctionInfo, ...]
    givers: tuple[Call, ...]


def reused(program: Program, cls: ClassInfo) -> Iterator[Report]:
    for spare in _spares(program, cls):
        around = {*spare.takers, *(giver.function for giver in spare.givers)}
        around |= {call.function for function in list(around) for call in program.callers(function)}
        turning, set_back = _between_uses(program, spare.of, around)
        if turning is not None:
            yield from _left(program, spare, turning, set_back)


def _spares(program: Program, cls: ClassInfo) -> Iterator[Spare]:
    functions = [f for f in cls.functions if f not in cls.building and not is_setup(f)]
    taking: dict[str, list[FunctionInfo]] = {}
    giving: dict[str, list[Call]] = {}
    for function in functions:
        for effect in function.effects:
            attribute = attribute_of(effect.path) if effect.op in ("remove", "insert") else ""
            if not attribute or effect.path != f"self.{attribute}":
                continue
            if takes_next(effect):
                taking.setdefault(attribute, []).append(function)
            elif effect.op == "insert" and not effect.via.startswith("[]"):
                giving.setdefault(attribute, []).append(Call(function, effect))
    for attribute, takers in taking.items():
        of = next(filter(None, (_made_instead(program, taker, attribute) for taker in takers)), None)
        if of is not None and of is not cls and giving.get(attribute):
            yield Spare(attribute, of, tuple(takers), tuple(giving[attribute]))


def _made_instead(program: Program, taker: FunctionInfo, attribute: str) -> ClassInfo | None:
    """What the function makes where there is no spare one, or what the list is full of from the beginning."""
    for effect in taker.effects:
        if effect.op == "call" and "." not in effect.callee:
            made = program.class_named(effect.callee)
            if made is not None and made.language == taker.language and not effect.args:
                return made
    owner = taker.owner
    known = owner.attributes.get(attribute) if owner is not None else None
    is_full = known is not None and known.value == "container"
    return program.class_of(taker, f"self.{attribute}[]") if is_full else None


def _between_uses(program: Program, of: ClassInfo, around: set[FunctionInfo]) -> tuple[FunctionInfo | None, set[str]]:
    """The method that sets most back between two uses, and all that is set back there; None where nobody can tell."""
    found: dict[FunctionInfo, set[str]] = {}
    set_back: set[str] = set()
    for function in sorted(around, key=lambda f: f.order):
        for effect in function.effects:
            receiver, _, name = effect.path.rpartition(".")
            if effect.op in (*_SETS, "insert") and receiver != "self" and name in of.attributes:
                set_back.add(name)
            method = of.method(effect.callee.rpartition(".")[2]) if effect.op in ("call", "clear") else None
            if method is not None and effect.callee.rpartition(".")[0] not in ("self", ""):
                sets = {d.attribute for d in does(program, method, of) if d.how in _SETS and d.is_whole}
                found.setdefault(method, set()).update(sets)
            elif effect.op == "call" and _is_handed_on(program, function, effect, of):
                return None, set()
    turning = max(found, key=lambda method: len(found[method]), default=None)
    return (turning if turning is not None and found[turning] else None), set_back.union(*found.values())


def _is_handed_on(program: Program, function: FunctionInfo, effect: Effect, of: ClassInfo) -> bool:
    """Is the object given to somebody else, who may set it back?"""
    given = (argument.path for argument in effect.args if argument.path and not only_looks(program, effect))
    return any(program.class_of(function, path) is of for path in given)


def _left(program: Program, spare: Spare, turning: FunctionInfo, set_back: set[str]) -> Iterator[Report]:
    fields = Fields(program, spare.of)
    if set_back.isdisjoint(fields.moves):
        return
    for name, by in list(fields.moves.items()):
        known = spare.of.attributes[name]
        moving = [function for function in by if function is not turning]
        if not moving or name in set_back or may_last(name) or not _KEEPS_COUNT.isdisjoint(words(name)):
            continue
        if known.value not in ("constant", "none", "empty", "path") or known.is_class_level:
            continue
        asked = _asked_before_set(program, spare.of, name)
        if asked is not None:
            yield _report(program, spare, turning, name, Call(moving[0], by[moving[0]][0]), asked)


def _asked_before_set(program: Program, of: ClassInfo, name: str) -> tuple[FunctionInfo, int] | None:
    """A method that reads the field before it gives it a value: what lies there is what the last user left."""
    for read in program.reads(of, name):
        function = read.function
        path = f"self.{name}"
        given = [e.line for e in function.effects if e.op in _SETS and e.path == path and e.via in ("", "=")]
        if function.owner is of and function not in of.building and read.line <= min(given, default=read.line):
            return function, read.line
    return None


def _report(
    program: Program,
    spare: Spare,
    turning: FunctionInfo,
    name: str,
    moved: Call,
    asked: tuple[FunctionInfo, int],
) -> Report:
    giver, asker = spare.givers[0], asked[0]
    return Report(
        head_of(turning),
        symbol_of(turning),
        f"{turning.name} leaves self.{name} as it is, and {giver.function.name} gives the {spare.of.name} to the next",
        (
            program.step(turning, turning.facts.line, f"between two uses {turning.name} sets back other fields"),
            program.step(*moved, f"{moved.function.name} moves self.{name}"),
            program.step(*giver, f"{giver.function.name} puts the object where the next user takes it from"),
            program.step(asker, asked[1], f"{asker.name} goes on from it"),
        ),
        confidence="medium",
        reason="nothing that is done to it between two uses sets the field back",
        subject=f"reused:{name}",
        fix=f"set self.{name} back in {turning.name}",
        data={"runtime": runtime(spare.of, turning, [name])},
    )
