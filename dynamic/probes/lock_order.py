"""LLM201: the same two locks, taken in both orders by two threads that nothing keeps apart."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, ClassVar

from ..calls import here
from ..oracles.clocks import Clock, Ordering, clock
from ..oracles.gates import Gates, weakly
from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, SUSPICIOUS, Judgement, Quick, State, total

Order = tuple[int, int]
"""The numbers of a lock that was held and of one that was taken meanwhile."""
Who = tuple[int, int]
"""A thread by its clock, which a later thread with the same ident does not share; under asyncio a task as well."""

_LOCKS = 4096
"""After so many new ones, those that are gone are forgotten."""
_TAKINGS = 64
_CALLS = 16


class Taking:
    """A thread has taken two locks in an order: what else it held, and what it knew of the others by then."""

    __slots__ = ("gates", "seen", "time", "who")

    def __init__(self, who: Who, by: Clock, gates: frozenset[int]) -> None:
        self.who = who
        self.time = by.time
        self.seen = dict(by.seen)
        self.gates = gates

    def is_apart_from(self, other: Taking) -> bool:
        """Does nothing that was seen keep the two from meeting: no lock around both, no order between the threads?"""
        return self.who != other.who and not self.gates & other.gates and not self._knows(other, self)

    def _knows(self, one: Taking, other: Taking) -> bool:
        if one.who[0] == other.who[0]:
            return False  # two tasks of one thread
        return one.seen.get(other.who[0], 0) >= other.time or other.seen.get(one.who[0], 0) >= one.time


class Section:
    """A call of a watched function, and calls of others that were under way at the same time."""

    __slots__ = ("beside", "orders", "subject", "who")

    def __init__(self, who: Who, subject: object) -> None:
        self.who = who
        self.subject = weakly(subject)
        self.orders: dict[Order, Taking] = {}
        self.beside: list[Section] = []

    def meets(self, other: Section) -> bool:
        return any(
            taking.is_apart_from(other.orders[order[::-1]])
            for order, taking in self.orders.items()
            if order[::-1] in other.orders
        )


class Probe(Ordering):
    """Both orders alone prove nothing: a lock around both, or a thread that starts as the other ends, makes them safe.

    The witness is two takings of the locks in either order, with no third lock around both and nothing that puts them
    in order; seen in calls that were under way at the same time, or with either taking before the other, as a hand-over
    goes one way. It needs no deadlock to happen.
    """

    exercised: ClassVar[str] = "one of the locks was taken while the other was held"
    may_refute: ClassVar[bool] = False

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.numbers: dict[int, tuple[weakref.ref[Any], int]] = {}
        self.counted = 0
        self.held: dict[Who, list[int]] = {}
        """The locks that somebody holds, in the order of taking."""
        self.orders: dict[Order, dict[Who, Taking]] = {}
        """The last taking in each order, by whom."""
        self.open: dict[Who, Section] = {}
        self.gates = Gates()
        self.taken = 0
        self.apart: dict[Order, int] = {}
        """Takings in either order that nothing seen keeps apart, by the order that came later."""
        self.met = 0

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick | None:
        return self.edge(target) or Quick(lambda values: self._begin(values[0] if values else None), self._end)

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        return super().called(target, subject, roots) if self.edge(target) else self._begin(subject)

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if isinstance(token, Section):
            self._end(token, result, error)
        else:
            super().returned(target, token, roots, result, error)

    def _begin(self, subject: object) -> Section | None:
        section = Section(_who(), subject)
        if section.who in self.open:
            return None  # a call within a call
        section.beside = [other for other in list(self.open.values()) if len(other.beside) < _CALLS]
        for other in section.beside:
            other.beside.append(section)
        self.open[section.who] = section
        return section

    def _end(self, section: Section | None, result: object, error: BaseException | None) -> None:
        if section is None:
            return
        self.open.pop(section.who, None)
        self.met += any(section.meets(other) for other in section.beside)
        for other in section.beside:
            if other.who not in self.open:
                other.beside.clear()

    def hold(self, locks: tuple[object, ...]) -> None:
        who = _who()
        held = self.held.setdefault(who, [])
        for lock in locks:
            number = self._number(lock)
            if number is None:
                continue
            self.taken += 1
            for outer in held:
                if outer != number:
                    self._note((outer, number), who, held)
            held.append(number)

    def _note(self, order: Order, who: Who, held: list[int]) -> None:
        section = self.open.get(who)
        if len(self.orders) >= 4096 or (section is not None and order in section.orders):
            return
        takings = self.orders.setdefault(order, {})
        if who not in takings and len(takings) >= _TAKINGS:
            return
        around = map(self._number, self.gates.locked(section.subject() if section is not None else None))
        gates = frozenset([*held, *(number for number in around if number is not None)]) - set(order)
        taking = takings[who] = Taking(who, clock(), gates)
        if section is not None:
            section.orders[order] = taking
        for other in list(self.orders.get(order[::-1], {}).values()):
            if taking.is_apart_from(other):
                self.apart[order] = self.apart.get(order, 0) + 1

    def let_go(self, locks: tuple[object, ...]) -> None:
        who = _who()
        held = self.held.get(who)
        if held is None:
            return
        for lock in locks:
            number = self._number(lock)
            if number in held:
                held.remove(number)
        if not held:
            self.held.pop(who, None)

    def _number(self, lock: object) -> int | None:
        """Locks are told apart without being kept: an id may come round again. None for what is no lock."""
        known = self.numbers.get(id(lock))
        if known is None or known[0]() is not lock:
            if not hasattr(lock, "acquire"):
                return None
            self.counted += 1
            if self.counted % _LOCKS == 0:
                self.numbers = {place: one for place, one in self.numbers.items() if one[0]() is not None}
            known = self.numbers[id(lock)] = (weakref.ref(lock), self.counted)
        return known[1]

    def state(self) -> dict[str, Any]:
        both = [(order, order[::-1]) for order in list(self.orders) if order[0] < order[1]]
        inverted = [(self.orders[there], self.orders[back]) for there, back in both if back in self.orders]
        return {
            "taken": self.taken,
            "nested": len(self.orders),
            "inverted": len(inverted),
            "by_threads": sum(len({*there, *back}) > 1 for there, back in inverted),
            "apart": sum(self.apart.values()),
            "by_turns": sum(order[::-1] in self.apart for order in self.apart) // 2,
            "met": self.met,
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        inverted, by_threads = total(states, "inverted"), total(states, "by_threads")
        names = " and ".join(str(name) for name in finding.options.get("locks", ()))
        seen = f"{total(states, 'taken')} locks taken, {total(states, 'nested')} orders of two"
        met, by_turns = total(states, "met"), total(states, "by_turns")
        if met or by_turns:
            how = "at the same time" if met else "now one first, now the other"
            said = f"two threads took {names} in either order, {how}, and neither a lock nor an order kept them apart"
            return Judgement(CONFIRMED, f"{said} ({total(states, 'apart')} times; {seen})", [seen])
        if total(states, "apart"):
            said = f"{names} were taken in both orders by different threads, but always the same came first"
            return Judgement(SUSPICIOUS, f"{said}: something unseen may put them in order ({seen})", [seen])
        if by_threads:
            said = f"{names} were taken in both orders, always under a third lock or with the threads in order"
            return Judgement(CLEAN, f"{said} ({seen})")
        if inverted:
            return Judgement(CLEAN, f"both orders were seen, but each pair by one thread alone ({seen})")
        if not total(states, "nested"):
            return Judgement(NOT_EXERCISED, f"neither of {names} was taken while the other was held ({seen})")
        return Judgement(CLEAN, f"only one order was seen ({seen})")


def _who() -> Who:
    return (clock().number, here()[1])
