"""What grows: everything that was ever put into a container is looked for in it."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar

from ..paths import Roots, one_place
from ..plan import Finding, Target
from ..probe import (
    CLEAN,
    CONFIRMED,
    NOT_EXERCISED,
    REFUTED,
    SUSPICIOUS,
    Judgement,
    Named,
    Probe,
    Quick,
    State,
    need,
    total,
)
from ..values import names_in, size_of
from .ledger import at_the_end, bound_of, ids_of

KEYS = 16_384
"""So many different keys are looked for; a cache that keeps them all is no different from one that keeps more."""
LONG = 64
"""Of a longer text that is a key only a mark is kept: prompts may be keys."""
BOUND = 1000
"""So many different keys, all of them still there, are taken for growth without end, where the finding has no bound."""


SET_UP = 10
"""What all went in within one part in so many of a process's work since the first is set up, and does not grow."""
NO_TIME = 0.5
"""Seconds of the processor that are too few to tell."""


class GrowthLedger(Probe):
    """For containers that nobody trims: everything that was ever put in is looked for at the end."""

    exercised: ClassVar[str] = "enough different keys inserted"
    may_refute: ClassVar[bool] = True

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.keys: set[Hashable] = set()
        self.subjects: set[int] = set()
        """Whose methods were called since the last look, by id: they need not be seen again."""
        self.inserts = 0
        self.sizes: list[int] = []
        self.shrunk = 0
        self.holders_seen = 0
        self.kept = 0
        self.held: set[Hashable] = set()
        """Of the keys, those that were there at the last look."""
        self.ever = 0
        """So many of them were there at once."""
        self.trimmed = 0
        """So many went while others stayed."""
        self.emptied = 0
        """How often all went at once."""
        self.first = self.grown = self.looked = 0.0
        self.looked_for = 0
        self.bounded = ""

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        self.see(subject)
        return None if at_the_end(target) else ids_of(target, roots)

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if target.role == "instance" or error is not None:
            return
        self._insert(token if isinstance(token, list) and token else ids_of(target, roots))

    def _insert(self, found: list[Hashable]) -> None:
        self.inserts += 1
        before = len(self.keys)
        if before < KEYS:
            self.keys.update(map(_short, found))
        is_new = len(self.keys) != before or before >= KEYS or not found
        if is_new and (not self.first or not self.inserts & 15):
            self.grown = time.process_time()
            self.first = self.first or self.grown
        if self.inserts >= 64 and self.inserts & (self.inserts - 1) == 0:
            self.look_here()

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick | None:
        at = one_place(target.entity, names)
        if at is None or target.role != "insert" or (target.entity is not None and target.entity.steps):
            return None

        def inserted(found: Any, result: object, error: BaseException | None) -> None:
            if error is None:
                self._insert(found if type(found) is list else [found])

        return Quick(Named(at, self.subjects if self.finding.watch else None, self.see), inserted)

    def look(self, last: bool) -> None:
        self.subjects.clear()
        holders = self.objects()
        self.holders_seen = max(self.holders_seen, holders)
        if not holders:
            return
        self.looked = time.process_time()
        size = 0
        held: set[Hashable] = set()
        for watched in self.finding.watch:
            for _, container in self.holders(watched):
                size += size_of(container) or 0
                held |= self.keys.intersection(map(_short, names_in(container))) if self.keys else set()
                self.bounded = self.bounded or bound_of(container)
        if self.sizes and size < self.sizes[-1]:
            self.shrunk += 1
        if not self.sizes or size != self.sizes[-1]:
            self.sizes = [*self.sizes, size][-64:]
        gone = self.held - held
        self.trimmed += len(gone) if len(gone) < len(self.held) else 0
        self.emptied += bool(gone) and len(gone) == len(self.held)
        self.held, self.ever = held, max(self.ever, len(held))
        self.kept, self.looked_for = len(held), len(self.keys)

    def state(self) -> dict[str, Any]:
        return {
            "inserts": self.inserts,
            "keys": self.looked_for if self.holders_seen else len(self.keys),
            "kept": self.kept,
            "size": self.sizes[-1] if self.sizes else 0,
            "shrunk": self.shrunk,
            "bounded": self.bounded,
            "ever": self.ever,
            "trimmed": self.trimmed,
            "emptied": self.emptied,
            "grew": round(self.grown - self.first, 3),
            "lasted": round(max(0.0, self.looked - self.first), 3) if self.first else 0.0,
            "objects": self.holders_seen,
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        keys, inserts = total(states, "keys"), total(states, "inserts")
        size, shrunk = total(states, "size"), total(states, "shrunk")
        enough, bound = need(finding, "keys", 50), need(finding, "bound", BOUND)
        seen = f"{inserts} inserts of {keys} different keys, {size} entries at the end"
        if not total(states, "objects"):
            return Judgement(NOT_EXERCISED, "no object that holds the container was seen")
        if max(keys, inserts if not keys else 0) < enough:
            return Judgement(NOT_EXERCISED, f"too little was inserted ({seen}; {enough} keys are needed)")
        bounded = [str(state["bounded"]) for state in states if state.get("bounded")]
        if bounded:
            return Judgement(CLEAN, f"the container has a bound: {bounded[0]} ({seen})")
        if shrunk or (keys and total(states, "kept") < keys):
            return _removed(states, enough, bound, f"{seen}, it shrank {shrunk} times")
        said = f"every entry ever made was still there ({seen}"
        if size < keys or (not keys and size < inserts):
            return Judgement(SUSPICIOUS, f"{said}; the keys themselves were not seen)", [seen])
        if (keys or inserts) < bound:  # a list has no keys: there what went in is counted
            return Judgement(SUSPICIOUS, f"{said}; {bound} would confirm)", [seen])
        if not any(map(_goes_on, states)):
            early = f"{said}, all of it made in the first moments: what is set up once is no growth)"
            return Judgement(SUSPICIOUS, early, [seen])
        return Judgement(CONFIRMED, f"{said}, past the {bound} that were allowed)", [seen])


def _removed(states: Sequence[State], enough: int, bound: int, seen: str) -> Judgement:
    """Something went. That somebody trims it is shown by keys that went while others stayed."""
    keys, ever, trimmed = total(states, "keys"), total(states, "ever"), total(states, "trimmed")
    if keys and not ever:
        return Judgement(CLEAN, f"what went in was never seen in it by its key ({seen})")
    if keys and not trimmed and total(states, "emptied"):
        said = f"{ever} entries were there at once until it was emptied: nobody was seen to trim it ({seen})"
        return Judgement(SUSPICIOUS if ever >= bound else CLEAN, said, [seen] if ever >= bound else ())
    is_trimmed = trimmed >= enough and total(states, "kept") == 0
    return Judgement(REFUTED if is_trimmed else CLEAN, f"entries were removed ({seen})")


def _goes_on(state: State) -> bool:
    """Whether it grew for longer than it takes to set something up."""
    lasted = float(state.get("lasted", 0.0))
    return lasted < NO_TIME or SET_UP * float(state.get("grew", 0.0)) >= lasted


def _short(key: Hashable) -> Hashable:
    return (len(key), hash(key)) if isinstance(key, (str, bytes)) and len(key) > LONG else key
