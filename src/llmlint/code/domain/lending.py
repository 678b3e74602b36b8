"""What a call lends to a function, and what becomes of it there: given back, handed over or only used.

Which calls lend and which give back is told by the vocabulary's pairs. Handing over means that somebody else can still
reach the thing: it is returned, stored, put into a container or bound to another name. Being passed to a call is not
enough to tell; `borrowers` finds out from the program itself which calls only use what they are given.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.vocabulary import Pair


class Held(msgspec.Struct, frozen=True):
    """What a call has lent: `name` is the path it is held by, `at` the place of the call among the effects."""

    function: FunctionInfo
    name: str
    at: int
    effect: Effect
    pair: Pair

    @property
    def after(self) -> tuple[Effect, ...]:
        return self.function.effects[self.at + 1 :]

    @property
    def is_local(self) -> bool:
        return self.name.isidentifier()


def lent(program: Program) -> list[Held]:
    """Everything that any function of the program binds to a name and has to give back, in the program's order."""
    calls = [
        call
        for name in program.call_names
        if program.vocabulary.may_acquire(name)
        for call in program.calls_named(name)
    ]
    found = [
        Held(function, name, function.effects.index(effect), effect, pair)
        for function, effect in calls
        for pair in program.vocabulary.pairs_for(effect.callee)[:1]
        if (name := _held_by(pair, effect))
    ]
    return sorted(found, key=lambda held: (held.function.order, held.at))


def _held_by(pair: Pair, effect: Effect) -> str:
    """The path by which the function holds what the call lends; "" where the result goes into a larger expression."""
    if pair.held == "result":
        return "" if effect.result.startswith("<") else effect.result
    if pair.held == "receiver":
        return effect.callee.rpartition(".")[0]
    return effect.args[0].path if effect.args else ""


def is_managed(held: Held) -> bool:
    """`with open(…) as file:` gives back by itself."""
    return any(region.kind == "with" and region.line == held.effect.line for region in held.function.regions)


def settles(program: Program, held: Held, effect: Effect) -> bool:
    """The effect gives back what is held, or hands it to somebody else."""
    if gives_back(program, held, effect):
        return True
    if effect.op in ("return", "yield", "insert", "assign", "clear"):  # `owner.reset(p)` clears and takes
        return mentions(held.name, effect)
    return effect.op == "bind" and effect.path != held.name and effect.source == held.name


def gives_back(program: Program, held: Held, effect: Effect) -> bool:
    if effect.op == "delete":
        return effect.path == held.name
    if not effect.callee or held.pair not in program.vocabulary.released_by(effect.callee):
        return False
    receiver = effect.callee.rpartition(".")[0]
    return receiver == held.name or is_given(held.name, effect)


def is_given(name: str, effect: Effect) -> bool:
    """Is the thing an argument of the call, or a part of one?"""
    return any(name in (a.path, a.written, *a.reads) for a in effect.args)


def mentions(name: str, effect: Effect) -> bool:
    paths = (effect.path, effect.source, effect.key, *effect.reads, *(a.path for a in effect.args))
    return any(path == name or path.startswith((f"{name}.", f"{name}[")) for path in paths)


def rebound(held: Held) -> bool:
    """Is the name given to something else later on?"""
    return any(e.op == "bind" and e.path == held.name and e.value != "none" for e in held.after[1:])


def borrowers(program: Program, things: list[Held]) -> dict[Pair, frozenset[str]]:
    """For each pair the calls that only use such a thing: somewhere they are given one that is given back later."""
    found: dict[Pair, set[str]] = {}
    for held in things:
        released = max((e.line for e in held.after if gives_back(program, held, e)), default=0)
        used = (e for e in _calls_given(held) if e.line <= released and e.via != "new")
        found.setdefault(held.pair, set()).update(effect.callee for effect in used)
    return {pair: frozenset(names) for pair, names in found.items()}


def takers(held: Held, borrowing: frozenset[str]) -> Iterator[Effect]:
    """The calls that get the thing and may keep it."""
    return (e for e in _calls_given(held) if e.callee not in borrowing or e.via == "new")


def _calls_given(held: Held) -> Iterator[Effect]:
    return (effect for effect in held.after if effect.op == "call" and is_given(held.name, effect))
