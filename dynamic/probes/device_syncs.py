"""No rule: every line at which the host waits for the device. `llmlint trace --syncs` asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..oracles.device_waits import SyncUser
from ..oracles.steps import STEPS
from ..oracles.syncs import SYNCS
from ..plan import Finding, Target
from ..probe import COUNT_ONLY, NOT_EXERCISED, Judgement, Quick, State


class Probe(SyncUser):
    """Watches the process; `--step` says which waits are in a step."""

    everywhere: ClassVar[bool] = True

    def forked(self) -> None:
        super().forked()
        STEPS.forget()

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick:
        return STEPS.quick(target) or COUNT_ONLY

    def state(self) -> dict[str, Any]:
        return {
            "steps": STEPS.count,
            "unheard": STEPS.failed,
            "waits": SYNCS.state(),
            "left_out": SYNCS.left_out,
            "device_seen": int(SYNCS.device_seen),
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        return Judgement(NOT_EXERCISED, "waits are told of line by line, not judged")
