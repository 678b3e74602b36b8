"""LLM802: a restore was given something to restore, and nothing changed; or it refused, and nobody listened."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..calls import CallKey, here
from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, REFUTED, Judgement, State, is_sampled, need, samples, total
from ..probe import Probe as Base
from ..values import contents, has_class, state_of


class Before:
    """What was there when the restore began."""

    __slots__ = ("given", "state", "subject", "watched")

    def __init__(self, subject: object, given: int, state: int, watched: int) -> None:
        self.subject = _way_to(subject)
        self.given = given
        self.state = state
        self.watched = watched


def _way_to(subject: object) -> Callable[[], object]:
    """The call has its own object; a token of ours must not keep it."""
    try:
        return weakref.ref(subject)
    except TypeError:
        return lambda: subject


class Caller:
    """A call of the function that drops the answer; `answer` is the last one it got."""

    __slots__ = ("answer",)

    def __init__(self) -> None:
        self.answer: object = None


class Probe(Base):
    """Compares all that the object holds before and after; with an attribute named, also that one.

    A finding about a dropped answer names the function that drops it (`scope`) and who gives it (`answer`).
    """

    exercised: ClassVar[str] = "the restore was called with something to restore, or refused to"
    may_refute: ClassVar[bool] = True
    attached: ClassVar[str] = CONFIRMED

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.begun = 0
        self.calls = 0
        self.with_something = 0
        self.nothing_changed = 0
        self.took_effect = 0
        self.samples: list[str] = []
        self.open: dict[CallKey, list[Caller]] = {}
        self.refused = 0
        self.dropped = 0

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        if target.role == "scope":
            caller = Caller()
            self.open.setdefault(here(), []).append(caller)
            return caller
        if target.role != "restore":
            return None
        self.begun += 1
        if not is_sampled(self.begun):
            return None
        return Before(
            subject, self._given(target, subject, roots), self._state(target, subject, roots), self._watched(subject)
        )

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if target.role == "answer":
            for caller in self.open.get(here(), [])[-1:]:
                caller.answer = result
        if isinstance(token, Caller):
            self._end(token, result, error)
        if not isinstance(token, Before) or error is not None:
            return
        self.calls += 1
        if not token.given:
            return
        self.with_something += 1
        subject = token.subject()
        if self._state(target, subject, roots) == token.state:
            self.nothing_changed += 1
            if len(self.samples) < 3:
                self.samples.append(f"{target.qualname} was given {token.given} to restore and changed nothing")
        elif self.finding.watch and self._watched(subject) != token.watched:
            self.took_effect += 1

    def _end(self, caller: Caller, result: object, error: BaseException | None) -> None:
        place = here()
        stack = self.open.get(place, [])
        if caller in stack:
            stack.remove(caller)
        if not stack:
            self.open.pop(place, None)
        self.calls += 1
        self.refused += caller.answer is False
        self.dropped += caller.answer is False and error is None and result is not False

    def _given(self, target: Target, subject: object, roots: Roots) -> int:
        """How much there is to restore: what is passed in, or else what the object holds."""
        given = self._arguments(target, roots) if target.entity or len(roots.names) > 1 else [subject]
        return sum(found.size for found in map(contents, given) if not found.empty)

    def _arguments(self, target: Target, roots: Roots) -> list[object]:
        """Those that are still there, once the call has ended."""
        if target.entity:
            return target.entity.values(roots)
        found = []
        for name in roots.names[1:]:
            try:
                found.append(roots(name))
            except LookupError:
                continue
        return found

    def _state(self, target: Target, subject: object, roots: Roots) -> int:
        return hash((state_of(subject), *(state_of(value) for value in self._arguments(target, roots))))

    def _watched(self, subject: object) -> int:
        held = [
            contents(getattr(subject, watched.attribute, None)).marks
            for watched in self.finding.watch
            if has_class(subject, watched.owner)
        ]
        return hash(tuple(held))

    def state(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "with_something": self.with_something,
            "nothing_changed": self.nothing_changed,
            "took_effect": self.took_effect,
            "refused": self.refused,
            "dropped": self.dropped,
            "samples": self.samples,
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        if any(target.role == "answer" for target in finding.targets):
            return _of_answers(finding, states)
        calls, given = total(states, "calls"), total(states, "with_something")
        unchanged, effect = total(states, "nothing_changed"), total(states, "took_effect")
        if not calls:
            return Judgement(NOT_EXERCISED, "the restore was never called")
        if not given:
            return Judgement(NOT_EXERCISED, f"the restore was called {calls} times, never with anything to restore")
        if unchanged == given:
            said = f"given something to restore {given} times, it changed nothing"
            return Judgement(CONFIRMED, said, samples(states, "samples"))
        if effect >= need(finding, "restores", 3) and not unchanged:
            return Judgement(REFUTED, f"the restore changed what it should restore, {effect} times of {given}")
        return Judgement(
            CLEAN, f"given something to restore {given} times, it changed something {given - unchanged} times"
        )


def _of_answers(finding: Finding, states: Sequence[State]) -> Judgement:
    calls, refused, dropped = (total(states, name) for name in ("calls", "refused", "dropped"))
    if not calls:
        return Judgement(NOT_EXERCISED, "the function was never called")
    if not refused:
        return Judgement(NOT_EXERCISED, f"it was never refused what it asked for ({calls} calls)")
    if dropped:
        said = f"{dropped} of {calls} calls went on although what they asked for was refused"
        return Judgement(CONFIRMED, said, [said])
    if refused >= need(finding, "refused", 3):
        return Judgement(REFUTED, f"each of {refused} refusals was passed on")
    return Judgement(CLEAN, f"{refused} refusals were passed on")
