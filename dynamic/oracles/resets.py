"""What an attribute held before a reset, after it, and at a later look."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..paths import Roots, elements
from ..plan import Finding, Target
from ..probe import (
    CLEAN,
    CONFIRMED,
    NOT_EXERCISED,
    REFUTED,
    SUSPICIOUS,
    Judgement,
    Probe,
    State,
    is_sampled,
    merged,
    need,
    samples,
)
from ..values import Contents, contents, names_in
from .outlived import Ref, cut_off, held_alone, lying_in

Held = dict[tuple[int, str], tuple[Any, Contents]]
"""By object and attribute: a way to the object, and what the attribute held."""


OBJECTS = 1024
"""Of so many objects the resets are counted apart."""
DEPTH, WIDTH = 3, 64
"""How far a reset is followed from its object to the state that it is to clear."""


class Suspicion:
    """An attribute that a reset left as it was; a later look decides."""

    __slots__ = ("attribute", "before", "cut", "holder")

    def __init__(self, holder: Any, attribute: str, before: Contents, cut: list[Ref]) -> None:
        self.holder = holder
        self.attribute = attribute
        self.before = before
        self.cut = cut
        """Objects that the reset put away elsewhere."""


class StaleState(Probe):
    """For resets that leave siblings behind, and for state kept across an offload.

    With `options.beside`, other attributes that the reset clears, nobody has said that it owes anything to those that
    are watched: what stays must have been put away by it, and be held by nothing else when the next reset begins.
    """

    exercised: ClassVar[str] = "the reset ran while the attribute differed from what it held at first"
    may_refute: ClassVar[bool] = True
    begins: ClassVar[str] = "reset"
    ends: ClassVar[str] = "reset"

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.first: dict[tuple[int, str], Contents] = {}
        self.begun: dict[int, int] = {}
        """Calls by the object that is reset: one that is reset often must not hide another."""
        self.calls = 0
        self.differed: dict[str, int] = {}
        self.cleared: dict[str, int] = {}
        self.stale: dict[str, int] = {}
        self.late: dict[str, int] = {}
        """Left by the reset and gone at the next look: somebody else's doing, which proves nothing."""
        self.replaced: dict[str, int] = {}
        """The reset put another container there, with some of the same in it."""
        self.samples: list[str] = []
        self.suspicions: list[Suspicion] = []
        self.open: Held = {}
        self.beside = tuple(map(str, finding.options.get("beside", ())))
        self.lying: dict[tuple[int, str], list[Ref]] = {}
        """By object and attribute, of the last reset that began: what lay in the others as well."""
        self.waiting: list[Suspicion] = []
        """What was held by the attribute alone, until the next reset of its object."""
        self.alone: dict[str, int] = {}
        """Resets that found it so still."""

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        self.see(subject)
        if target.role == self.begins:
            if not is_sampled(self._count(subject)):
                return None
            given, meant = _given(roots), self._meant_by(subject)
            self._ask_again(meant)
            self._settle()
            self._note_what_lies_in_others(meant)
            return {place: (way, was.without(given)) for place, (way, was) in self._now().items() if place[0] in meant}
        return None

    def _count(self, subject: object) -> int:
        key = id(subject) if id(subject) in self.begun or len(self.begun) < OBJECTS else 0
        self.begun[key] = self.begun.get(key, 0) + 1
        return self.begun[key]

    def _note_what_lies_in_others(self, meant: set[int]) -> None:
        for watched in self.finding.watch if self.beside else ():
            for holder, value in self.holders(watched):
                if id(holder) in meant:
                    others = self._others(holder)
                    self.lying[(id(holder), watched.attribute)] = lying_in(value, others, {id(holder)})

    def _others(self, holder: object) -> list[object]:
        return [_value_of(holder, name) for name in self.beside]

    def _meant_by(self, subject: object) -> set[int]:
        """Whose state the call resets: its own object's; of several others, those that can be reached from there."""
        holders = {id(holder) for watched in self.finding.watch for holder, _ in self.holders(watched)}
        if id(subject) in holders:
            return {id(subject)}
        return holders if len(holders) < 2 else holders & reached_from(subject)

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if target.role == "instance":
            for (key, attribute), (_, found) in self._now().items():
                self.first.setdefault((key, attribute), found)
        if target.role == self.begins != self.ends and error is None:
            self.open = self._still_held(token)
        elif target.role == self.ends and error is None:
            before = token if self.begins == self.ends else self.open
            if isinstance(before, dict):
                self.calls += 1
                self._compare(before)

    def _now(self) -> Held:
        found: Held = {}
        for watched in self.finding.watch:
            for holder, value in self.holders(watched):
                found[(id(holder), watched.attribute)] = (_way_to(holder), contents(value))
        return found

    def _still_held(self, before: object) -> Held:
        """What an offload itself has not put away: what it has, the onload may bring back."""
        now, kept = self._now(), {}
        for place, (way, was) in before.items() if isinstance(before, dict) else ():
            kept[place] = (way, was.within(now[place][1]) if place in now else was.without(set(was.marks)))
            if kept[place][1].empty and not was.empty:
                self._judge(place[1], cleared=True)
        return kept

    def _judge(self, attribute: str, cleared: bool) -> None:
        self.differed[attribute] = self.differed.get(attribute, 0) + 1
        self.cleared[attribute] = self.cleared.get(attribute, 0) + cleared

    def _compare(self, before: Held) -> None:
        after = self._now()
        for place, (way, was) in before.items():
            first = self.first.get(place)
            if was.empty or was == first:
                continue
            was = was.without(set(first.marks)) if first is not None else was
            now = after.get(place)
            kept = now is not None and now[1].kept_from(was) > 0
            self._judge(place[1], cleared=not kept)
            if kept and now is not None and now[1].place != was.place:
                self.replaced[place[1]] = self.replaced.get(place[1], 0) + 1
            elif kept:
                self.suspicions.append(Suspicion(way, place[1], was, self._cut_off(way(), place)))
                del self.suspicions[:-64]

    def _cut_off(self, holder: object, place: tuple[int, str]) -> list[Ref]:
        lying = self.lying.pop(place, [])
        return cut_off(lying, _value_of(holder, place[1]), self._others(holder), {id(holder)}) if lying else []

    def _ask_again(self, meant: set[int]) -> None:
        waiting, self.waiting = self.waiting, []
        for suspicion in waiting:
            holder, name = suspicion.holder(), suspicion.attribute
            if id(holder) not in meant:
                self.waiting.append(suspicion)
            elif held_alone(suspicion.cut, _value_of(holder, name), {id(holder)}):
                self.alone[name] = self.alone.get(name, 0) + 1

    def look(self, last: bool) -> None:
        self._settle()

    def _settle(self) -> None:
        """What a reset seemed to leave: is it still there?"""
        pending, self.suspicions = self.suspicions, []
        for suspicion in pending:
            holder = suspicion.holder()
            if holder is None:
                continue
            value = _value_of(holder, suspicion.attribute)
            if held_alone(suspicion.cut, value, {id(holder)}):
                self.waiting.append(suspicion)
                del self.waiting[:-64]
            kept = contents(value).kept_from(suspicion.before)
            counts = self.stale if kept else self.late
            counts[suspicion.attribute] = counts.get(suspicion.attribute, 0) + 1
            if kept and len(self.samples) < 5:
                held = f"{suspicion.before.kind} of {suspicion.before.size}"
                self.samples.append(f"{suspicion.attribute} ({held}) kept {kept} of its elements")

    def forked(self) -> None:
        first = self.first
        super().forked()
        self.first = first

    def state(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "differed": self.differed,
            "cleared": self.cleared,
            "stale": self.stale,
            "late": self.late,
            "replaced": self.replaced,
            "alone": self.alone,
            "objects": self.objects(),
            "samples": self.samples,
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        calls = sum(int(state.get("calls", 0)) for state in states)
        stale, cleared = merged(states, "stale"), merged(states, "cleared")
        differed = merged(states, "differed")
        verb = cls.begins
        if stale:
            names = ", ".join(
                f"{attribute} ({count} of {differed.get(attribute, count)})" for attribute, count in stale.items()
            )
            said = f"the {verb} ran {calls} times and left {names}"
            if finding.options.get("beside"):
                return cls._beside(finding, said, merged(states, "alone"))
            late = merged(states, "late")
            if all(late.get(attribute, 0) >= count for attribute, count in stale.items()):
                return Judgement(SUSPICIOUS, f"{said}; but mostly somebody cleared it a little later")
            return Judgement(CONFIRMED, said, samples(states, "samples"))
        replaced = merged(states, "replaced")
        if replaced:
            said = f"the {verb} ran {calls} times and put another {', '.join(sorted(replaced))} there"
            return Judgement(SUSPICIOUS, f"{said}, in which some of the same was again")
        if not calls:
            return Judgement(NOT_EXERCISED, f"the {verb} was never called")
        never = [watched.attribute for watched in finding.watch if not differed.get(watched.attribute)]
        if never:
            return Judgement(
                NOT_EXERCISED, f"{', '.join(never)} held nothing of its own whenever the {verb} ran ({calls} times)"
            )
        enough = need(finding, "resets", 3)
        in_time = all(cleared.get(watched.attribute, 0) >= enough for watched in finding.watch)
        if in_time and cleared == differed:
            return Judgement(REFUTED, f"the {verb} ran {calls} times and every attribute was cleared each time")
        return Judgement(
            CLEAN, f"the {verb} ran {calls} times and left nothing for good ({enough} times each would refute)"
        )

    @classmethod
    def _beside(cls, finding: Finding, said: str, alone: dict[str, int]) -> Judgement:
        others = " and ".join(map(str, finding.options["beside"]))
        if not alone:
            return Judgement(CLEAN, f"{said}, which was not seen to hold alone what had lain in {others} as well")
        times = ", ".join(f"{count} times" for count in alone.values())
        return Judgement(
            CONFIRMED, f"{said}, which {times} held alone, until the next, what had lain in {others} as well"
        )


def reached_from(thing: object) -> set[int]:
    """By id: what an object has, and what that has in turn, a few levels down."""
    found, level = {id(thing)}, [thing]
    for _ in range(DEPTH):
        inner = [part for one in level for held in _parts(one) for part in (held, *elements(held)[:WIDTH])]
        level = [part for part in inner if id(part) not in found][: WIDTH * WIDTH]
        found.update(map(id, level))
    return found


def _parts(thing: object) -> list[object]:
    slots = [getattr(thing, name, None) for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    values = thing if isinstance(thing, dict) else getattr(thing, "__dict__", {})
    return [*slots, *(list(values.values())[:WIDTH] if isinstance(values, dict) else ())]


def _value_of(holder: object, attribute: str) -> Any:
    return holder.get(attribute) if isinstance(holder, dict) else getattr(holder, attribute, None)


def _given(roots: Roots) -> set[int]:
    """Marks of all that the call was given: what a restore puts back by its arguments it has not left behind."""
    return {hash(name) for root in roots.names[1:] for name in names_in(roots(root))}


def _way_to(holder: object) -> Callable[[], Any]:
    """A way back to a holder that does not keep it alive; a module's namespace stays anyway."""
    if isinstance(holder, dict):
        return lambda: holder
    return weakref.ref(holder)
