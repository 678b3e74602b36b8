"""How what ended left its container: by itself, or with all that was there.

An id that is not held any more proves nothing: somebody may have emptied the container since, with what was left behind
in it. So the first ends of each way are looked at as they come: what was held when the call began and is not when it
has returned went by itself. What is still held then is looked for later; gone while others under way stayed, it went
by itself, too. Gone with all the others, nobody can tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

AT_FIRST, SHARE = 0.02, 400
"""Seconds of the program's own thread that looking may take at first, and what part of its time from then on."""
FOLLOWED = 4096
LOOKED_AT = 256
"""So many ends of each way are looked at when they begin, too."""

Holds = Callable[[Hashable], bool]
Ended = Mapping[Hashable, tuple[str, int, float]]


class Departures:
    """Of one finding's containers, which are asked by `holds`."""

    def __init__(self, holds: Holds) -> None:
        self.holds = holds
        self.leaving: dict[Hashable, int] = {}
        """Held when a call began that ends them, and in how many such calls they are."""
        self.staying: dict[Hashable, str] = {}
        """Still held when they had ended, and by which way."""
        self.went: dict[str, int] = {}
        """By themselves, by way; and which of them late."""
        self.went_late: dict[str, int] = {}
        self.swept: dict[str, int] = {}
        """With all the others, by way."""
        self.seen: set[Hashable] = set()
        """What was held at the last look, of entities that are known."""
        self.looked_at: dict[str, int] = {}
        self.spent, self.began = 0.0, time.monotonic()

    def wants_more(self, via: str) -> bool:
        """Whether each call is to be told of when it begins."""
        return self.looked_at.get(via, 0) < LOOKED_AT and self._may_look(time.monotonic())

    def _may_look(self, now: float) -> bool:
        return self.spent <= AT_FIRST + (now - self.began) / SHARE and len(self.staying) < FOLLOWED

    def begins(self, entities: Iterable[Hashable], via: str) -> None:
        """A call begins that ends them."""
        began = time.monotonic()
        if self.looked_at.get(via, 0) >= LOOKED_AT or not self._may_look(began):
            return
        _count(self.looked_at, via)
        if len(self.leaving) >= FOLLOWED:  # calls that never came back
            self.leaving.clear()
        for entity in entities:
            if entity in self.leaving or self.holds(entity):
                self.leaving[entity] = self.leaving.get(entity, 0) + 1
        self.spent += time.monotonic() - began

    def returns(self, entity: Hashable, ended: Ended) -> None:
        """Such a call has returned."""
        calls = self.leaving.pop(entity, 0) - 1
        if calls > 0:
            self.leaving[entity] = calls
        if calls or entity not in ended:
            return
        began = time.monotonic()
        via = ended[entity][0]
        self.seen.discard(entity)
        if self.holds(entity):
            self.staying[entity] = via
        else:
            _count(self.went, via)
        self.spent += time.monotonic() - began

    def come_back(self, entity: Hashable) -> None:
        self.staying.pop(entity, None)

    def look(self, held: set[Hashable], live: set[Hashable], ended: Ended) -> bool:
        """All that the containers hold now. Whether any that are under way were there at the last look, too."""
        others_stayed = any(entity in live for entity in self.seen & held)
        for entity in [entity for entity in list(self.seen) if entity in ended and entity not in self.staying]:
            if entity in held:
                self.staying[entity] = ended[entity][0]
            elif others_stayed:
                _count(self.went, ended[entity][0])
        for entity, via in list(self.staying.items()):
            if entity not in held:
                self.staying.pop(entity, None)
                for counts in (self.went, self.went_late) if others_stayed else (self.swept,):
                    _count(counts, via)
        self.seen = {entity for entity in held if entity in live or entity in ended}
        return others_stayed

    def state(self) -> dict[str, Any]:
        return {
            "went": self.went,
            "went_late": self.went_late,
            "swept": self.swept,
            "staying": len(self.staying),
        }


def _count(counts: dict[str, int], via: str) -> None:
    counts[via] = counts.get(via, 0) + 1
