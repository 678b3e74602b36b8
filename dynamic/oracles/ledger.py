"""Who came, who left and how, and who is still held: containers are judged by ids, when nobody is under way.

"The container grew" proves nothing (a prefix cache grows and is right). "The container still holds the id of a request
that ended" does. Deletion may come one step late, so an id counts only after a grace: half a second in which others
came and went, or nobody was under way at two looks. One that goes after all within some seconds is forgiven.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar

from ..paths import Roots, elements, one_place
from ..plan import Finding, Target, Watched
from ..probe import (
    CONFIRMED,
    After,
    Direct,
    Judgement,
    Named,
    Probe,
    Quick,
    State,
    need,
    total,
)
from ..values import identify, is_container, names_an_id, names_in
from .departures import Departures
from .left_behind import judged

GRACE = 8
LONG_GRACE = 64
"""How many came or went since, while some are under way."""
SETTLE_MS = 500
SHARE = 100
"""A look on the program's own thread takes one part in so many of its time at most."""
KNOWN_FOR = 2.0
"""Seconds for which calls about a request under way need not be told of."""
FORGIVEN = 10
"""So many times as long after its end an id may still go without having been left."""
ENTITIES = 200_000
RECENT = 4096
"""So many came and went since before an ended one that is held nowhere is forgotten."""


def ids_of(target: Target, roots: Roots) -> list[Hashable]:
    """The ids a target speaks of in this call."""
    if target.entity is None:
        return []
    found: list[Hashable] = []
    for value in target.entity.values(roots):
        if is_container(value) and not isinstance(value, tuple):
            found.extend(identify(element) for element in elements(value))
        elif value is not None:
            found.append(identify(value))
    return found


def at_the_end(target: Target) -> bool:
    """Whether the entity is known only when the call returns."""
    return target.entity is not None and target.entity.root == "return"


Ended = tuple[str, int, float]
"""By which way an entity ended, the how-many-th to come or go, and when."""


class Tally:
    """What is counted in each call."""

    __slots__ = ("dropped", "full", "number")

    def __init__(self) -> None:
        self.number = 0
        """How many came or went."""
        self.full = False
        self.dropped = 0


class Ends:
    """How many ended on one way."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Leaving(Named):
    """Looks as well whether what is about to end is in its container."""

    __slots__ = ("departures", "via")

    def __init__(
        self,
        at: tuple[int, str],
        via: str,
        departures: Departures,
        met: set[int] | None,
        meet: Callable[[object], None],
    ) -> None:
        super().__init__(at, met, meet)
        self.via = via
        self.departures = departures

    def __call__(self, values: tuple[object, ...]) -> object:
        found: Any = super().__call__(values)
        self.departures.begins(found if type(found) is list else (found,), self.via)
        return found

    def wants_more(self) -> bool:
        return self.departures.wants_more(self.via)


class EntityLedger(Probe):
    """For containers keyed by a request: ids that have left are looked for at every quiescence."""

    exercised: ClassVar[str] = "requests ended through the terminal path that the finding names"
    may_refute: ClassVar[bool] = True
    attached: ClassVar[str] = CONFIRMED

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.live: set[Hashable] = set()
        self.ended: dict[Hashable, Ended] = {}
        self.seen_left: dict[Hashable, int] = {}
        """At how many looks a container held what had ended."""
        self.tally = Tally()
        self.ends: dict[str, Ends] = {}
        """By way."""
        self.looks = 0
        self.quiet_looks = 0
        self.holders_seen = 0
        self.undecided = 0
        """Held at the last look though they ended, and that only just."""
        self.late_by: dict[str, int] = defaultdict(int)
        self.bounded = ""
        self.removed = 0
        self.inserts = any(target.role == "insert" for target in finding.targets)
        """Whether what enters is in the container by then, so that what is not there any more has ended."""
        self.leaves = any(target.role == "leave" for target in finding.targets)
        """Whether any end is named: without one, the program's own thread looks as entities enter."""
        self.examined: dict[str, int] = {}
        """How many had ended, and how, when the container was last looked into."""
        self.next_look = 16
        """Entities at which the program's own thread looks: its objects may be gone before the tracer's does."""
        self.looking = False
        self.due = time.monotonic()
        """When the program's own thread looks again if nobody else has."""
        self.settle = need(finding, "settle_ms", SETTLE_MS) / 1000
        self.left: dict[str, dict[Hashable, str]] = {}
        self.subjects: set[int] = set()
        """Whose methods were called lately, by id: they need not be seen again."""
        self.known_until = 0.0
        """When calls about what is under way are told of again, up to the next look."""
        self.departures = Departures(self._holds)
        self.others_stayed = False
        """Whether what went since the last look went alone."""
        self.swept_by: dict[str, int] = defaultdict(int)
        """Left by their ends, and gone with all the others."""

    @property
    def ended_by(self) -> dict[str, int]:
        return {via: ends.count for via, ends in self.ends.items() if ends.count}

    @property
    def entered(self) -> int:
        return self.tally.number - sum(ends.count for ends in self.ends.values())

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        self.see(subject)
        if at_the_end(target):
            return None
        is_unnamed = target.role == "leave" and target.entity is None
        found = self._named_in(roots) if is_unnamed else ids_of(target, roots)
        if target.role == "leave":
            self.departures.begins(found, target.via or target.qualname)
        return found

    def _named_in(self, roots: Roots) -> list[Hashable]:
        """Entities under way among the arguments of a call that doesn't say which it ends."""
        found: list[Hashable] = []
        for name in roots.names[1:]:
            value = roots(name)
            parts = elements(value) if is_container(value) else [value]
            found.extend(entity for entity in map(identify, parts) if entity in self.live)
        return found

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if target.role == "instance":
            return
        found = ids_of(target, roots) if token is None else token
        if not found and target.entity is not None:
            found = ids_of(target, roots)
        if isinstance(found, list):
            after = self.ends_by(target.via or target.qualname) if target.role == "leave" else self.begins()
            after(found, None, error)

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick | None:
        at = one_place(target.entity, names)
        if at is None or target.role not in ("enter", "insert", "leave"):
            return None
        leaves = target.role == "leave"
        met = self.subjects if self.finding.watch else None
        via = target.via or target.qualname
        before = Leaving(at, via, self.departures, met, self.see) if leaves else Named(at, met, self.see)
        way = Direct(before, None if leaves else self.live)
        way.after = self.ends_by(via, way) if leaves else self.begins(way)
        return way if names_an_id(target.entity) else Quick(before, way.after)

    def begins(self, way: Direct | None = None) -> After:
        """How entities enter: one, or each of a list."""
        way = way or Direct()
        live, ended, seen_left, tally = self.live, self.ended, self.seen_left, self.tally
        departures = self.departures

        def enter(entity: Any, result: object = None, error: object = None) -> None:
            try:
                way.taken += 1
                if entity in live or error is not None:
                    return
                if tally.full and self._is_full():
                    tally.dropped += 1
                    return
                number = tally.number = tally.number + 1
                live.add(entity)
                if entity in ended:
                    del ended[entity]
                    seen_left.pop(entity, None)
                    departures.come_back(entity)
                if not number & 15:
                    self._now_and_then()
            except Exception:
                way.odd(entity, error)

        way.after = enter
        return enter

    def ends_by(self, via: str, way: Direct | None = None) -> After:
        """How entities leave on one way: one, or each of a list."""
        way = way or Direct()
        live, ended, tally, monotonic = self.live, self.ended, self.tally, time.monotonic
        ends, own = self.ends.setdefault(via, Ends()), self.told_by_stations
        leaving, returns = self.departures.leaving, self.departures.returns

        def leave(entity: Any, result: object = None, error: object = None) -> None:
            try:
                way.taken += 1
                live.discard(entity)
                for known in own:
                    known.discard(entity)
                if entity not in ended:
                    if tally.full and self._is_full():
                        tally.dropped += 1
                        return
                    number = tally.number = tally.number + 1
                    ends.count += 1
                    ended[entity] = (via, number, monotonic())
                if leaving:
                    returns(entity, ended)
                if not tally.number & 15:
                    self._now_and_then()
            except Exception:
                way.odd(entity, error)

        way.after = leave
        return leave

    def _now_and_then(self) -> None:
        """The tracer's thread may be kept waiting by a busy program, and the program's objects may be gone by then."""
        self._is_full()
        judged = len(self.ended) if self.leaves else self.entered
        grown = judged >= self.next_look and (self.inserts or not self.leaves or not self.live)
        if grown:
            self.next_look = 2 * judged
        if grown or time.monotonic() >= self.due:
            self.look_here()

    def _is_full(self) -> bool:
        self.tally.full = len(self.live) + len(self.ended) >= ENTITIES
        return self.tally.full

    def look(self, last: bool) -> None:
        if self.looking:
            return
        self.looking = True
        began = time.monotonic()
        try:
            self._look(last)
        finally:
            ended = time.monotonic()
            self.due = ended + max(4 * self.settle, 0.2, SHARE * (ended - began))
            self.looking = False

    def _look(self, last: bool) -> None:
        self.looks += 1
        self._look_at_calls_anew()
        held_by = {watched: self._held(watched) for watched in self.finding.watch}
        if held_by and None not in held_by.values():
            held_now = set().union(*(held or () for held in held_by.values()))
            self._forget_the_removed(held_now)
            self.others_stayed = self.departures.look(held_now, self.live, self.ended)
            self.examined = self.ended_by
        quiet = not self.live
        self.quiet_looks += quiet
        grace = GRACE if quiet or last else LONG_GRACE
        settled = time.monotonic() - self.settle
        if any(held is not None for held in held_by.values()):
            self.undecided = 0  # where the container is gone, what the look before saw of it stands
        for watched, held in held_by.items():
            if held is None:
                continue
            for entity in [entity for entity in held if entity in self.ended]:
                via, number, when = self.ended[entity]
                looks = self.seen_left[entity] = self.seen_left.get(entity, 0) + 1
                if when <= settled and (self.tally.number - number >= grace or (quiet and looks > 1)):
                    self._note(watched, entity, via)
                elif entity not in self.left.get(watched.attribute, {}):
                    self.undecided += 1
            self._forgive(self.left.get(watched.attribute, {}), held)
        self._forget_the_gone(set().union(*(held or () for held in held_by.values())), settled)

    def _forget_the_gone(self, held: set[Hashable], settled: float) -> None:
        """What ended, went, and has not come back while many others did: a service runs for weeks."""
        if len(self.ended) <= RECENT:
            return
        gone, kept = [], held.union(*self.left.values())
        for entity, (_, number, when) in self.ended.items():  # in the order in which they ended
            if number > self.tally.number - RECENT or when > settled:
                break
            if entity not in kept:
                gone.append(entity)
        for entity in gone:
            del self.ended[entity]
            self.seen_left.pop(entity, None)

    def _forget_the_removed(self, held: set[Hashable]) -> None:
        """What was inserted and is no longer held ended some other way, which the finding did not name."""
        if not self.inserts:
            return
        for entity in [entity for entity in list(self.live) if entity not in held]:
            self.live.discard(entity)
            self.is_unknown_again(entity)
            self.removed += 1

    def _forgive(self, noted: dict[Hashable, str], held: set[Hashable]) -> None:
        """Ids that went late, but not very late: no bug for certain, and no proof of none."""
        now = time.monotonic()
        for entity in [entity for entity in noted if entity not in held]:
            end = self.ended.get(entity)
            if end is None or now - end[2] < FORGIVEN * self.settle:
                (self.late_by if self.others_stayed else self.swept_by)[noted.pop(entity)] += 1

    def _look_at_calls_anew(self) -> None:
        """Once in a while, so that objects that hold the container and came later are seen."""
        now = time.monotonic()
        anew = now >= self.known_until
        if anew:
            self.known_until = now + KNOWN_FOR
            self.subjects.clear()
        self.ask_anew(anew)

    def _held(self, watched: Watched) -> set[Hashable] | None:
        """The ids held now; None when nobody is there to hold any."""
        containers = [container for _, container in self.holders(watched)]
        self.holders_seen = max(self.holders_seen, len(containers))
        self.bounded = self.bounded or next(filter(None, map(bound_of, containers)), "")
        return set().union(*map(names_in, containers)) if containers else None

    def _holds(self, entity: Hashable) -> bool:
        containers = [container for watched in self.finding.watch for _, container in self.holders(watched)]
        return any(_has(container, entity) or entity in names_in(container) for container in containers)

    def _note(self, watched: Watched, entity: Hashable, via: str) -> None:
        noted = self.left.setdefault(watched.attribute, {})
        if len(noted) < 10_000:
            noted[entity] = via

    def state(self) -> dict[str, Any]:
        return {
            "entered": self.entered,
            "live": len(self.live),
            "ended": self.ended_by,
            "examined": self.examined,
            "looks": self.looks,
            "quiet": self.quiet_looks,
            "dropped": self.tally.dropped,
            "late_by": self.late_by,
            "swept_by": self.swept_by,
            "undecided": self.undecided,
            "bounded": self.bounded,
            "removed": self.removed,
            "objects": self.holders_seen,
            **self.departures.state(),
            "left": {attribute: len(ids) for attribute, ids in self.left.items() if ids},
            "left_by": self._left_by(),
            "samples": [
                f"{attribute} still holds {', '.join(self.tell(ids))} (ended by {', '.join(sorted(set(ids.values())))})"
                for attribute, ids in self.left.items()
                if ids
            ],
        }

    def _left_by(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for ids in self.left.values():
            for via in ids.values():
                counts[via] = counts.get(via, 0) + 1
        return counts

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        found, dropped = judged(finding, states), total(states, "dropped")
        if dropped:
            what = f"{dropped} comings and goings were not followed, as {ENTITIES:,} ids are the most"
            found.summary = f"{found.summary}; {what}"
        return found


def bound_of(container: object) -> str:
    for name in ("maxlen", "maxsize", "max_size", "capacity", "_maxsize"):
        bound = getattr(container, name, None)
        if isinstance(bound, int) and bound > 0:
            return f"{name}={bound}"
    return ""


def _has(container: object, entity: Hashable) -> bool:
    """Whether it is a key of it: the usual case, and the cheap one."""
    return isinstance(container, (Mapping, set, frozenset)) and entity in container
