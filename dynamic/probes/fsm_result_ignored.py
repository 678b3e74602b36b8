"""LLM501: a state machine refused a step, and the function that took it went on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..calls import here
from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, REFUTED, Judgement, Quick, State, need, total
from ..probe import Probe as Base


class Steps:
    """A call of the finding's function: the machine that refused last in it, if any."""

    __slots__ = ("refused", "went_on")

    def __init__(self) -> None:
        self.refused = 0
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
            if result is False:
                steps.refused = machine

    def _end(self, token: Any, result: object, error: BaseException | None) -> None:
        place = here()
        stack = self.open.get(place, [])
        if token not in stack:
            return
        stack.remove(token)
        if not stack:
            self.open.pop(place, None)
        self.refused += token.refused > 0
        self.went_on += token.went_on

    def state(self) -> dict[str, Any]:
        return {"calls": self.calls, "steps": self.steps, "refused": self.refused, "went_on": self.went_on}

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
        if refused >= need(finding, "refused", 3):
            return Judgement(REFUTED, f"each time the machine refused, the function took no further step ({seen})")
        return Judgement(CLEAN, f"the function took no further step when the machine refused ({seen})")
