"""LLM802: a restore was given something to restore, and nothing changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, REFUTED, Judgement, State, is_sampled, need, samples, total
from ..probe import Probe as Base
from ..values import contents, has_class, state_of


class Before:
    """What was there when the restore began."""

    __slots__ = ("given", "state", "subject", "watched")

    def __init__(self, subject: object, given: int, state: int, watched: int) -> None:
        self.subject = subject
        self.given = given
        self.state = state
        self.watched = watched


class Probe(Base):
    """Compares all that the object holds before and after; with an attribute named, also that one."""

    exercised: ClassVar[str] = "the restore was called with something to restore"
    may_refute: ClassVar[bool] = True

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.begun = 0
        self.calls = 0
        self.with_something = 0
        self.nothing_changed = 0
        self.took_effect = 0
        self.samples: list[str] = []

    def called(self, target: Target, subject: object, roots: Roots) -> object:
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
        if not isinstance(token, Before) or error is not None:
            return
        self.calls += 1
        if not token.given:
            return
        self.with_something += 1
        if self._state(target, token.subject, roots) == token.state:
            self.nothing_changed += 1
            if len(self.samples) < 3:
                self.samples.append(f"{target.qualname} was given {token.given} to restore and changed nothing")
        elif self.finding.watch and self._watched(token.subject) != token.watched:
            self.took_effect += 1

    def _given(self, target: Target, subject: object, roots: Roots) -> int:
        """How much there is to restore: what is passed in, or else what the object holds."""
        given = self._arguments(target, roots) if target.entity or len(roots.names) > 1 else [subject]
        return sum(found.size for found in map(contents, given) if not found.empty)

    def _arguments(self, target: Target, roots: Roots) -> list[object]:
        return target.entity.values(roots) if target.entity else [roots(name) for name in roots.names[1:]]

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
            "samples": self.samples,
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
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
