"""What may be wrong with a C++ local where it is read: no value yet, moved from, freed, or its target is gone.

A borrower is a local pointer, reference, view or iterator that leads into what another name owns; a loan says into
which and how. Both are kept by the key of a name: its number in the function, or a path (`ctx.grammar`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from llmlint.code.syntax import tree

Known = frozenset[tuple[str, bool]]
NOTHING: Known = frozenset()
Key = int | str


class Loan(NamedTuple):
    """`how`: address (of the owner itself), element, buffer, iterator, view, or place (an element that no `&` was put
    before: a reference keeps it, a plain local copies it)."""

    owner: Key
    path: str
    how: str
    line: int


class Fate(NamedTuple):
    """`kind`: unset, moved, freed, outgrown (the owner changed), ended (the owner's scope did) or temporary.

    `under` is what held where it happened; on ways where `unless` holds it did not.
    """

    kind: str
    name: str
    line: int
    column: int
    owner: str = ""
    lent: int = 0
    under: Known = NOTHING
    unless: Known = NOTHING
    sure: bool = True

    def may_hold(self, known: Known) -> bool:
        return not self.unless & known and not any((text, not holds) in known for text, holds in self.under)


@dataclass
class State:
    fates: dict[Key, Fate] = field(default_factory=dict)
    loans: dict[Key, tuple[Loan, ...]] = field(default_factory=dict)

    def copy(self) -> State:
        return State(dict(self.fates), dict(self.loans))


class Local(NamedTuple):
    key: int
    name: str
    type: str
    node: tree.Node
    kind: str
    """local, parameter, static or target (of a range loop)."""

    @property
    def is_owner(self) -> bool:
        """Does its own storage end with its scope?"""
        return self.kind in ("local", "parameter") and "&" not in self.type


class Seen(NamedTuple):
    """Something that was met: a read of a name with a fate, or a borrower that outlives the function.

    `how` says what met it: read, freed, returned, kept (in what outlives the call), or detached.
    """

    how: str
    name: str
    fate: Fate
    node: tree.Node


def joined(states: Sequence[State | None], told: Sequence[Known] = ()) -> State | None:
    """Where ways meet: what is wrong on any of them. `told[i]` is what holds on the i-th."""
    alive = [(state, told[i] if told else NOTHING) for i, state in enumerate(states) if state is not None]
    if len(alive) < 2:
        return alive[0][0] if alive else None
    fates: dict[Key, Fate] = {}
    loans: dict[Key, tuple[Loan, ...]] = {}
    for state, _ in alive:
        for key, fate in state.fates.items():
            if key not in fates:
                fates[key] = _met(key, fate, alive)
        for key, lent in state.loans.items():
            loans[key] = tuple(dict.fromkeys((*loans.get(key, ()), *lent)))
    return State(fates, loans)


def _met(key: Key, fate: Fate, alive: Iterable[tuple[State, Known]]) -> Fate:
    without = [told for state, told in alive if key not in state.fates]
    if not without:
        return fate
    return fate._replace(sure=False, unless=fate.unless.union(*without))
