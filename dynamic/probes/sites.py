"""No rule: functions whose calls are counted, so that a run can say what it never reached."""

from __future__ import annotations

from collections.abc import Sequence

from ..plan import Finding, Target
from ..probe import COUNT_ONLY, NOT_EXERCISED, Judgement, Quick, State
from ..probe import Probe as Base


class Probe(Base):
    """The station counts; there is nothing else to do."""

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick:
        return COUNT_ONLY

    @classmethod
    def canary(cls) -> bool:
        return True

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        return Judgement(NOT_EXERCISED, "nothing is judged here")
