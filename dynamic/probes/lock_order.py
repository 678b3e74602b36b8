"""LLM201: the same two locks, taken in both orders by two threads."""

from __future__ import annotations

import weakref
from _thread import get_ident
from collections.abc import Sequence
from typing import Any, ClassVar

from ..calls import here
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, COUNT_ONLY, NOT_EXERCISED, Judgement, Quick, State, total
from ..probe import Probe as Base

Order = tuple[int, int]
"""The numbers of a lock that was held and of one that was taken meanwhile."""


class Probe(Base):
    """Needs no deadlock to happen: that both orders occur is enough for one to happen some day."""

    exercised: ClassVar[str] = "one of the locks was taken while the other was held"
    may_refute: ClassVar[bool] = False

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.numbers: dict[int, tuple[weakref.ref[Any], int]] = {}
        self.held: dict[Order, list[int]] = {}
        """By thread and task: the locks it holds, in the order of taking."""
        self.orders: dict[Order, set[Order]] = {}
        """Who was seen taking two locks in this order."""
        self.taken = 0

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick:
        """Calls as such are of no interest."""
        return COUNT_ONLY

    def hold(self, locks: tuple[object, ...]) -> None:
        self.taken += 1
        for lock in locks:
            who = here() if type(lock).__module__.startswith("asyncio") else (get_ident(), 0)
            number = self._number(lock)
            held = self.held.setdefault(who, [])
            for outer in held:
                if outer != number and len(self.orders) < 4096:
                    self.orders.setdefault((outer, number), set()).add(who)
            held.append(number)

    def let_go(self, locks: tuple[object, ...]) -> None:
        if not self.held:
            return
        for lock in locks:
            who = here() if type(lock).__module__.startswith("asyncio") else (get_ident(), 0)
            held, number = self.held.get(who, []), self._number(lock)
            if number in held:
                held.remove(number)
            if not held:
                self.held.pop(who, None)

    def _number(self, lock: object) -> int:
        """Locks are told apart without being kept: an id may come round again."""
        known = self.numbers.get(id(lock))
        if known is None or known[0]() is not lock:
            known = self.numbers[id(lock)] = (weakref.ref(lock), len(self.numbers) + 1)
        return known[1]

    def state(self) -> dict[str, Any]:
        inverted = [(order, order[::-1]) for order in self.orders if order[0] < order[1] and order[::-1] in self.orders]
        threads = [len(self.orders[there] | self.orders[back]) for there, back in inverted]
        return {
            "taken": self.taken,
            "nested": len(self.orders),
            "inverted": len(inverted),
            "by_threads": sum(count > 1 for count in threads),
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        inverted, by_threads = total(states, "inverted"), total(states, "by_threads")
        names = " and ".join(str(name) for name in finding.options.get("locks", ()))
        seen = f"{total(states, 'taken')} locks taken, {total(states, 'nested')} orders of two"
        if by_threads:
            said = f"{by_threads} pairs of {names} were taken in both orders, by different threads ({seen})"
            return Judgement(CONFIRMED, said, [seen])
        if inverted:
            return Judgement(CLEAN, f"both orders were seen, but each pair by one thread alone ({seen})")
        if not total(states, "nested"):
            return Judgement(NOT_EXERCISED, f"neither of {names} was taken while the other was held ({seen})")
        return Judgement(CLEAN, f"only one order was seen ({seen})")
