"""No rule: memory over time, and which lines hold more of it with each step. `llmlint trace --memory-timeline` asks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

from ..oracles.allocators import loaded_torch, readings
from ..oracles.steps import STEPS
from ..oracles.tensors import History, Ledger, Points, grows
from ..plan import Finding, Target
from ..probe import COUNT_ONLY, NOT_EXERCISED, Judgement, Quick, State
from ..probe import Probe as Base
from ..record import Recorder

FIRST_INTERVAL = 0.02
SHARE = 50
"""A sample is not taken again before so many times what it took: two per cent at the most."""
SAMPLES = 2000
"""After so many samples they are taken half as often: the record grows with the logarithm of the time."""
ALL_STEPS = 8
"""So many steps are all recorded, and one of as many later on: an operation that is recorded takes several times as
long where there is little in it."""


class Probe(Base):
    """Samples at the end of steps, and on the tracer's own thread where no step is named or none ends."""

    everywhere: ClassVar[bool] = True
    libraries: ClassVar[dict[str, tuple[str, ...]]] = {"torch": ()}

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.kind = str(finding.options.get("device", "cuda"))
        self.recorder: Recorder | None = None
        self.due_at = 0.0
        self.samples = 0
        self.points = Points()
        self.sizes: dict[str, dict[str, int]] = {}
        self.history: History | None = None
        self.ledger: Ledger | None = None

    def attach(self, recorder: Recorder) -> None:
        self.recorder = recorder
        if self._step_begins not in STEPS.begins:
            STEPS.begins.append(self._step_begins)
            STEPS.ends.append(self._step_ends)

    def forked(self) -> None:
        super().forked()
        STEPS.forget()

    def detached(self) -> None:
        if self._step_begins in STEPS.begins:
            STEPS.begins.remove(self._step_begins)
            STEPS.ends.remove(self._step_ends)
        if self.history is not None:
            self.history.stop()

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick:
        return STEPS.quick(target) or COUNT_ONLY

    @property
    def interval(self) -> float:
        return FIRST_INTERVAL * float(2 ** (self.samples // SAMPLES))

    # ------------------------------------------------------------ steps

    def _step_begins(self) -> None:
        torch = loaded_torch()
        if torch is None or not is_recorded(STEPS.count):
            return
        if History.can_be_kept(torch, self.kind):
            self.history = self.history or History(torch, self.kind)
            return
        self.ledger = self.ledger or Ledger(torch, (self.kind, "cpu"))
        self.ledger.begin()

    def _step_ends(self) -> None:
        if self.ledger is not None:
            self.ledger.end()
        if is_recorded(STEPS.count - 1):
            self._take_point()
        if time.monotonic() >= self.due_at:
            self.sample(quiet=True)

    def _take_point(self) -> None:
        if not self.points.is_due(STEPS.count):
            return
        if self.history is not None:
            held, self.sizes = self.history.look()
        elif self.ledger is not None:
            held, self.sizes = self.ledger.held(), self.ledger.sizes()
        else:
            return
        self.points.add(STEPS.count, held)

    # ------------------------------------------------------------ samples

    def look(self, last: bool) -> None:
        if last or (time.monotonic() >= self.due_at and not STEPS.under_way):
            self.sample(quiet=False)

    def sample(self, quiet: bool) -> None:
        if self.recorder is None:
            return
        began = time.thread_time()
        now = time.monotonic()
        self.samples += 1
        for reading in readings(loaded_torch(), self.kind, quiet):
            self.recorder.write("memory", at=round(now, 4), step=STEPS.count, **reading.plain())
        taken = time.thread_time() - began
        self.own_looks += taken if quiet else 0.0
        self.due_at = now + max(self.interval, SHARE * taken)

    def state(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "steps": STEPS.count,
            "unheard": STEPS.failed,
            "held": self.points.by_site(),
            "sizes": self.sizes,
            "unfollowed": self.ledger.unfollowed if self.ledger is not None else 0,
        }

    @classmethod
    def canary(cls) -> bool:
        """A heap that is read before and after it got larger, and a site that holds one thing more with each step."""
        before = {one.place: one for one in readings(None, "cuda", True)}
        held = bytearray(1 << 22)
        after = {one.place: one for one in readings(None, "cuda", True)}
        points = Points()
        for step in range(1, 100):
            if points.is_due(step):
                points.add(step, {"leaks": (step, 8 * step), "stays": (4, 32)})
        found = points.by_site()
        told = [site for site in found if grows(found[site])]
        grew = after["host"].allocated - before["host"].allocated >= len(held)
        return told == ["leaks"] and (grew or after["host"].allocated < 0)

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        return Judgement(NOT_EXERCISED, "memory is drawn, not judged")


def is_recorded(step: int) -> bool:
    return step < ALL_STEPS or step % ALL_STEPS == 0
