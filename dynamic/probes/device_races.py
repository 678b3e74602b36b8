"""No rule: accesses of one memory that nothing orders, in steps. `llmlint trace --races` asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..oracles.device_races import RACES, RaceUser
from ..oracles.steps import STEPS
from ..plan import Finding, Target
from ..probe import COUNT_ONLY, NOT_EXERCISED, Judgement, Quick, State
from ..record import Recorder


class Probe(RaceUser):
    """All steps are watched: what one leaves behind, the next may run into."""

    everywhere: ClassVar[bool] = True

    def attach(self, recorder: Recorder) -> None:
        super().attach(recorder)
        if self._begins not in STEPS.begins:
            STEPS.begins.append(self._begins)
            STEPS.ends.append(self._ends)

    def _begins(self) -> None:
        races = self.races()
        if races is not None:
            races.begin()

    def _ends(self) -> None:
        for races in RACES:
            races.end()

    def forked(self) -> None:
        super().forked()
        STEPS.forget()

    def detached(self) -> None:
        if self._begins in STEPS.begins:
            STEPS.begins.remove(self._begins)
            STEPS.ends.remove(self._ends)
        super().detached()

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick:
        return STEPS.quick(target) or COUNT_ONLY

    def state(self) -> dict[str, Any]:
        return {
            "steps": STEPS.count,
            "unheard": STEPS.failed,
            "operations": sum(races.streams.operations for races in RACES),
            "failed": sum(races.modes.failed for races in RACES),
            "races": [race for races in RACES for race in races.state()],
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        return Judgement(NOT_EXERCISED, "races are told of line by line, not judged")
