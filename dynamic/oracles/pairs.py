"""What is acquired inside a call and never given back: a ledger of plus and minus one for each thing lent."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, ClassVar

from ..calls import CallKey, here, watched_frame
from ..paths import Roots, elements, one_value
from ..plan import Finding, Target
from ..probe import (
    CLEAN,
    CONFIRMED,
    NOT_EXERCISED,
    REFUTED,
    Judgement,
    Probe,
    Quick,
    State,
    need,
    samples,
    total,
)
from ..values import identify, is_container
from .ledger import GRACE

BALANCED = 16_384
"""So many things that were lent are remembered at least, whether or not all was given back."""


class Scope:
    """A call of the finding's function, and what was acquired in it and not given back by its end."""

    __slots__ = ("acquired", "balanced", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.acquired: list[Hashable] = []
        self.balanced = 0


class Suspect:
    """Something still held after the scope that acquired it had ended badly."""

    __slots__ = ("how", "looks", "number")

    def __init__(self, how: str, number: int) -> None:
        self.how = how
        self.number = number
        self.looks = 0


class PairLedger(Probe):
    """Judges calls of the scope that end in `ends`: by an exception, or by any end at all."""

    exercised: ClassVar[str] = "the function acquired something and then ended in the way the finding names"
    may_refute: ClassVar[bool] = True
    only_errors: ClassVar[bool] = True

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.scoped = any(target.role == "scope" for target in finding.targets)
        self.balance: dict[Hashable, int] = {}
        self.open: dict[CallKey, list[Scope]] = {}
        self.suspects: dict[Hashable, Suspect] = {}
        self.number = 0
        self.calls = 0
        self.bad_ends = 0
        self.good_ends = 0
        self.as_told = 0
        """Of those, the ones that left as the finding says: at its line, or in failure where it names no exit."""
        self.said_yes = self.said_no = 0
        self.acquired = 0
        self.released = 0
        self.below_zero = 0
        self.next_forgetting = BALANCED
        self.left: dict[Hashable, str] = {}

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        if target.role == "scope":
            self.number += 1
            self.calls += 1
            scope = Scope(self.number)
            self.open.setdefault(here(), []).append(scope)
            return scope
        if target.role in ("acquire", "release") and target.entity and target.entity.root != "return":
            return _things(target, roots)
        return None

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if target.role == "scope":
            self._end(token, result, error)
        elif error is None and target.role in ("acquire", "release"):
            things = token if isinstance(token, list) else _things(target, roots)
            for thing in things:
                (self._acquire if target.role == "acquire" else self._release)(thing)

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick | None:
        if target.role not in ("acquire", "release") or target.entity is None:
            return None
        change = self._acquire if target.role == "acquire" else self._release
        at_end = target.entity.root == "return" and not target.entity.steps
        read = (lambda values: at_end) if at_end else one_value(target.entity, names)
        if read is None:
            return None

        def after(thing: object, result: object, error: BaseException | None) -> None:
            found = result if at_end else thing
            if error is not None or found is None:
                return
            if isinstance(found, (int, str)):
                change(found)
            else:
                for each in elements(found) if is_container(found) else [found]:
                    change(identify(each))

        return Quick(read, after)

    def _acquire(self, thing: Hashable) -> None:
        self.acquired += 1
        self.balance[thing] = self.balance.get(thing, 0) + 1
        stack = self.open.get(here())
        if stack:
            stack[-1].acquired.append(thing)

    def _release(self, thing: Hashable) -> None:
        self.released += 1
        if thing not in self.balance:
            return  # nobody saw it taken: by another way, or before the tracer came
        count = self.balance[thing] - 1
        if count < 0:
            self.below_zero += 1
            count = 0
        self.balance[thing] = count
        if len(self.balance) > self.next_forgetting:
            self._forget_the_balanced()
        if count == 0:
            self.suspects.pop(thing, None)
            self.left.pop(thing, None)

    def _forget_the_balanced(self) -> None:
        """What was given back as often as it was taken: things may be new ones for each request, for weeks."""
        self.balance = {thing: count for thing, count in self.balance.items() if count}
        self.next_forgetting = max(BALANCED, 2 * len(self.balance))

    def _end(self, token: object, result: object, error: BaseException | None) -> None:
        key = here()
        stack = self.open.get(key, [])
        if not isinstance(token, Scope) or token not in stack:
            return
        stack.remove(token)
        if not stack:
            self.open.pop(key, None)
        if not token.acquired:
            return
        held = [thing for thing in token.acquired if self.balance.get(thing, 0) > 0]
        is_here = self.only_errors and _left_at(error) == self.finding.line
        self.said_yes += error is None and _says_yes(result)
        self.said_no += error is None and not _says_yes(result)
        if error is None and self.only_errors and not is_here:
            return
        self.bad_ends += 1
        self.as_told += is_here or (not self.only_errors and error is not None)
        self.good_ends += not held
        how = type(error).__name__ if error is not None else "return"
        for thing in held[:256]:
            self.suspects[thing] = Suspect(how, self.number)

    def look(self, last: bool) -> None:
        for thing, suspect in list(self.suspects.items()):
            suspect.looks += 1
            if last or self.number - suspect.number >= GRACE or (suspect.looks > 2 and not self.open):
                self.left[thing] = suspect.how

    def state(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "bad_ends": self.bad_ends,
            "good_ends": self.good_ends,
            "as_told": self.as_told + (self.said_no if self.said_yes and not self.only_errors else 0),
            "acquired": self.acquired,
            "released": self.released,
            "below_zero": self.below_zero,
            "left": len(self.left),
            "samples": [f"{', '.join(self.tell(self.left))} after {', '.join(sorted(set(self.left.values())))}"]
            if self.left
            else [],
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        bad, good, left = total(states, "bad_ends"), total(states, "good_ends"), total(states, "left")
        seen = f"{total(states, 'acquired')} acquired, {total(states, 'released')} released, {bad} calls judged"
        if total(states, "below_zero"):
            return Judgement(CONFIRMED, f"something was given back more often than it was taken ({seen})", [seen])
        if left and (cls.only_errors or good):
            how = "the call ended in an error" if cls.only_errors else "the call had ended"
            return Judgement(CONFIRMED, f"{left} were still held after {how} ({seen})", samples(states, "samples"))
        if not total(states, "calls"):
            return Judgement(NOT_EXERCISED, "the function was never called")
        if not total(states, "acquired"):
            return Judgement(NOT_EXERCISED, "nothing was acquired through the functions that the finding names")
        if not bad:
            return Judgement(NOT_EXERCISED, f"no call ended in an error after it had acquired something ({seen})")
        as_told = total(states, "as_told")
        if not left and good == bad and as_told >= need(finding, "ends", 20):
            return Judgement(REFUTED, f"everything was given back each time ({seen})")
        seen = f"{seen}, {as_told} left by the way that is told of"
        return Judgement(CLEAN, f"nothing was seen to stay behind for good ({seen})")


def _left_at(error: BaseException | None) -> int:
    """The line at which the watched function was left."""
    if error is None:
        return watched_frame().f_lineno
    return error.__traceback__.tb_lineno if error.__traceback__ is not None else 0


def _says_yes(result: object) -> bool:
    return result is not None and result is not False


def _things(target: Target, roots: Roots) -> list[Hashable]:
    if target.entity is None:
        return []
    found: list[Hashable] = []
    for value in target.entity.values(roots):
        if is_container(value):
            found.extend(identify(element) for element in elements(value))
        elif value is not None:
            found.append(identify(value))
    return found
