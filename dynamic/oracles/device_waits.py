"""Whether the line of a finding waits for the device, call after call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..calls import lines_of, watched_frame
from ..plan import Finding, Target
from ..probe import (
    CLEAN,
    CONFIRMED,
    NOT_EXERCISED,
    REFUTED,
    SUSPICIOUS,
    Judgement,
    Probe,
    Quick,
    State,
    need,
    total,
)
from ..record import Recorder
from .allocators import loaded_torch
from .syncs import SYNCS, UNPINNED, WAIT, Line, sees_a_wait
from .tensors import qualname_of

WAITS = 8
"""So many waits, in as many calls, are no matter of a first step."""
RARE = 4
"""Calls for one that waits, from which on waiting is no matter of each step."""
HOST = 100
"""So many calls of the line for tensors of the host, and none for one of the device, and the finding is wrong."""


class SyncUser(Probe):
    """Has the waits of the process counted for as long as it watches."""

    libraries: ClassVar[dict[str, tuple[str, ...]]] = {"torch": ()}

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.begun = False

    def attach(self, recorder: Recorder) -> None:
        self._begin()

    def meet(self, library: str) -> None:
        self._begin()

    def _begin(self) -> None:
        torch = loaded_torch()
        if torch is not None and not self.begun:
            self.begun = True
            SYNCS.begin(torch, str(self.finding.options.get("device", "cuda")))

    def forked(self) -> None:
        begun = self.begun
        super().forked()
        self.begun = begun
        SYNCS.forget()

    def detached(self) -> None:
        if self.begun:
            self.begun = False
            SYNCS.end()

    def look(self, last: bool) -> None:
        torch = loaded_torch()
        if torch is not None:
            SYNCS.listen(torch)

    @classmethod
    def canary(cls) -> bool:
        return sees_a_wait()


class DeviceWaits(SyncUser):
    """The finding's own function is `scope`: its calls are counted, and what its line asks of tensors."""

    exercised: ClassVar[str] = "the line ran with tensors of the device"
    may_refute: ClassVar[bool] = True
    attached: ClassVar[str] = CONFIRMED
    seen_as: ClassVar[str] = "waits"
    """What of a line counts as the bug: `waits` or `unpinned`."""
    said: ClassVar[str] = "the host waited for the device"

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.calls = 0
        self.line: Line | None = None

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick:
        is_known = False

        def before(values: tuple[object, ...]) -> None:
            nonlocal is_known
            if not is_known:
                is_known = True
                code = watched_frame().f_code
                self.line = self.line or Line(lines_of(code, self.finding.line))
                SYNCS.watch(code, self.line)
            self.calls += 1

        return Quick(before, lambda token, result, error: None)

    def called(self, target: Target, subject: object, roots: Any) -> object:
        self.quick(target, ()).before(())
        return None

    def _line(self) -> Line | None:
        """What was seen at the line; where its function could not be watched, what the whole process's account has."""
        if self.line is not None or not SYNCS.sites:
            return self.line
        found = Line(range(self.finding.line, max(self.finding.line, self.finding.end_line) + 1))
        for (code, number, *_), wait in list(SYNCS.sites.items()):
            is_here = (
                number in found.lines and qualname_of(code).rpartition(".")[2] == self.finding.symbol.rpartition(".")[2]
            )
            if is_here and code.co_filename.endswith(f"/{self.finding.path}"):
                found.waits += wait.count if wait.kind == WAIT else 0
                found.unpinned += wait.count if wait.kind == UNPINNED else 0
                found.seconds += wait.seconds
        self.calls = max(self.calls, found.waits, found.unpinned)
        return found

    def state(self) -> dict[str, Any]:
        line = self._line()
        return {
            "calls": self.calls,
            "waits": line.waits if line is not None else 0,
            "unpinned": line.unpinned if line is not None else 0,
            "on_host": line.on_host if line is not None else 0,
            "microseconds": int(1e6 * line.seconds) if line is not None else 0,
            "device_seen": int(SYNCS.device_seen),
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        calls, seen, on_host = total(states, "calls"), total(states, cls.seen_as), total(states, "on_host")
        enough = need(finding, "waits", WAITS)
        milliseconds = total(states, "microseconds") / 1000
        told = f"{cls.said} {seen} times at line {finding.line} in {calls} calls of {finding.symbol}"
        if seen >= enough and calls > RARE * seen:
            return Judgement(SUSPICIOUS, f"{told}: in few of them, which need be no part of each step")
        if seen >= enough and calls >= enough:
            return Judgement(CONFIRMED, f"{told}, {milliseconds:.1f} ms in all")
        if seen:
            return Judgement(CLEAN, f"{told}: too few to be a part of each step ({enough} would confirm)")
        if not calls:
            return Judgement(NOT_EXERCISED, "the function was never called")
        if not total(states, "device_seen"):
            return Judgement(NOT_EXERCISED, f"no tensor of the device came by ({calls} calls)")
        if on_host >= need(finding, "on_host", HOST):
            return Judgement(REFUTED, f"all of the {on_host} tensors at the line were on the host ({calls} calls)")
        return Judgement(CLEAN, f"{calls} calls, and no wait at the line ({on_host} tensors there were on the host)")
