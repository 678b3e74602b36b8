"""LLM501: a state machine refused a step, and the function that took it went on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..calls import here
from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, REFUTED, Judgement, Quick, State, need, total
from ..probe import Probe as Base

LONG = 64


class Steps:
    """A call of the finding's function: the machine that refused last in it, if any."""

    __slots__ = ("at", "refused", "steps", "went_on")

    def __init__(self) -> None:
        self.refused = self.at = self.steps = 0
        """The machine, which of the steps it refused, and how many there were."""
        self.went_on = False


class Probe(Base):
    """The bug is one more step of the same machine, in the same call, after it has refused one."""

    exercised: ClassVar[str] = "the machine refused a step while the function was under way"
    may_refute: ClassVar[bool] = True
    attached: ClassVar[str] = CONFIRMED

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.open: dict[tuple[int, int], list[Steps]] = {}
        self.calls = 0
        self.steps = 0
        self.refused = 0
        self.went_on = 0
        self.refused_at: dict[int, int] = {}
        """Calls by the number of the step that was refused, up to so many."""
        self.longest = 0
        """Steps in a call."""

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        if target.role == "scope":
            return self._begin()
        return self._step(subject) if target.role == "advance" else None

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if isinstance(token, Steps):
            self._end(token, result, error)
        elif token is not None:
            self._stepped(token, result, error)

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick | None:
        """A machine takes a step for each token: most of them in no call of the function, and not followed."""
        if target.role == "scope":
            return Quick(lambda values: self._begin(), self._end)
        if target.role == "advance":
            return Quick(lambda values: self._step(values[0] if values else None), self._stepped)
        return None

    def _begin(self) -> Steps:
        self.calls += 1
        steps = Steps()
        self.open.setdefault(here(), []).append(steps)
        return steps

    def _step(self, machine: object) -> tuple[Steps, int] | None:
        stack = self.open.get(here()) if self.open else None
        if not stack:
            return None
        if stack[-1].refused == id(machine):
            stack[-1].went_on = True
        return stack[-1], id(machine)

    def _stepped(self, token: Any, result: object, error: BaseException | None) -> None:
        if error is None:
            steps, machine = token
            self.steps += 1
            steps.steps += 1
            if result is False:
                steps.refused, steps.at = machine, steps.steps

    def _end(self, token: Any, result: object, error: BaseException | None) -> None:
        place = here()
        stack = self.open.get(place, [])
        if token not in stack:
            return
        stack.remove(token)
        if not stack:
            self.open.pop(place, None)
        self.longest = max(self.longest, token.steps)
        if token.refused > 0:
            self.refused += 1
            self.refused_at[min(token.at, LONG)] = self.refused_at.get(min(token.at, LONG), 0) + 1
        self.went_on += token.went_on

    def state(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "steps": self.steps,
            "refused": self.refused,
            "went_on": self.went_on,
            "early": sum(count for at, count in self.refused_at.items() if at < min(self.longest, LONG)),
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        calls, steps = total(states, "calls"), total(states, "steps")
        refused, went_on = total(states, "refused"), total(states, "went_on")
        seen = f"{calls} calls, {steps} steps of the machine, refused in {refused} calls"
        if went_on:
            return Judgement(CONFIRMED, f"{went_on} calls went on after the machine had refused ({seen})", [seen])
        if not calls:
            return Judgement(NOT_EXERCISED, "the function was never called")
        if not refused:
            return Judgement(NOT_EXERCISED, f"the machine never refused a step ({seen})")
        early = total(states, "early")
        if early >= need(finding, "refused", 3):
            return Judgement(REFUTED, f"each time the machine refused, the function took no further step ({seen})")
        said = f"the function took no further step when the machine refused ({seen}"
        return Judgement(
            CLEAN, f"{said}; in {early} of these it takes more at other times, and may have had some left)"
        )
