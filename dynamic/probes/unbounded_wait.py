"""LLM204: a wait that goes on although the peer it waits for is gone."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, ClassVar

from ..calls import lines_of, watched_frame
from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, REFUTED, SUSPICIOUS, Judgement, Quick, State, need, total
from ..probe import Probe as Base
from ..read import Process, Run

PENDING = 10
"""Seconds after the loss of a peer after which a wait that has not ended counts as one without end."""
_NOTABLE = 0.5
_KEPT = 16
_SILENT = 2.0
"""A process that gave no sign for so long before the others' last one was gone."""

OPEN, HELD, RETURNED = "open", "open, with a limit of its own", "returned"
_FROM_OUTSIDE = frozenset({"KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError"})
"""Who ends a wait by one of these is not the wait itself."""
ENDED = "its children had ended"
_WAITERS = frozenset(("threading", "queue", "subprocess", "selectors", "concurrent.futures._base", "ssl", "socket"))
"""Modules whose functions wait, beside those of multiprocessing; with `timeout` they wait for so long."""
_LIMITS = ("Timeout", "Empty", "Again")

Loss = tuple[float, str]
"""When a peer was lost, and how."""


class Call:
    """A call of the watched function. Its frame tells where it is, also while a coroutine is suspended."""

    __slots__ = ("frame", "is_limited", "since")

    def __init__(self, frame: FrameType) -> None:
        self.frame: FrameType | None = frame
        self.since = 0.0
        self.is_limited = False


class Wait:
    """A stretch of time in which a call was in the finding's line."""

    __slots__ = ("how", "since", "until")

    def __init__(self, since: float, until: float, how: str) -> None:
        self.since = since
        self.until = until
        self.how = how


class Probe(Base):
    """Notes when the finding's line is entered and how it is left; losses of peers are known when the run is over."""

    exercised: ClassVar[str] = "a peer was lost while the function waited"
    may_refute: ClassVar[bool] = True

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.calls = 0
        self.open: dict[int, Call] = {}
        self.ended: list[Wait] = []
        self.lines: dict[int, range] = {}

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick:
        return Quick(
            lambda values: self._enter(watched_frame()), lambda token, result, error: self._leave(token, error)
        )

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        return self._enter(watched_frame())

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        self._leave(token, error)

    def _enter(self, frame: FrameType) -> Call:
        self.calls += 1
        call = Call(frame)
        self.open[id(call)] = call
        return call

    def _leave(self, call: Any, error: BaseException | None) -> None:
        self.open.pop(id(call), None)
        call.frame = None  # which holds the call as well
        if call.since:
            wait = Wait(call.since, time.monotonic(), RETURNED if error is None else type(error).__name__)
            self._keep(wait)

    def _keep(self, wait: Wait) -> None:
        if wait.how == RETURNED and wait.until - wait.since < _NOTABLE:
            return
        self.ended.append(wait)
        if len(self.ended) > _KEPT:
            self.ended.remove(min(self.ended, key=lambda one: one.until - one.since))

    def look(self, last: bool) -> None:
        now = time.monotonic()
        for call in list(self.open.values()):
            frame = call.frame
            if frame is None or frame.f_lineno not in self._lines(frame):
                call.since = 0.0
            elif not call.since:
                call.since = now
                call.is_limited = has_a_limit(frame)

    def _lines(self, frame: FrameType) -> range:
        found = self.lines.get(id(frame.f_code))
        if found is None:
            found = self.lines[id(frame.f_code)] = lines_of(frame.f_code, self.finding.line)
        return found

    def state(self) -> dict[str, Any]:
        waiting = [(call.since, HELD if call.is_limited else OPEN) for call in list(self.open.values()) if call.since]
        return {
            "calls": self.calls,
            "waits": [
                *([round(since, 3), 0.0, how] for since, how in sorted(waiting)[:_KEPT]),
                *([round(wait.since, 3), round(wait.until, 3), wait.how] for wait in self.ended),
            ],
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        return Judgement(NOT_EXERCISED, "what became of the peers is known when the run is over")

    @classmethod
    def judge_run(cls, finding: Finding, run: Run) -> Judgement:
        waiting = [p for p in run.processes if finding.key in p.states and p.canaries.get(finding.probe)]
        if not total((process.states[finding.key] for process in waiting), "calls"):
            return Judgement(NOT_EXERCISED, "the function was never called")
        patience = need(finding, "pending", PENDING)
        met = [
            (process, wait, loss)
            for process in waiting
            for loss in _losses(run, process)
            for wait in _waits(process.states[finding.key], process)
            if wait.until > loss[0]
        ]
        return _judged(finding, patience, met) if met else _unmet(run, waiting)


def has_a_limit(frame: FrameType) -> bool:
    """Whether what this function waits in was given a time; of a coroutine that is suspended nobody can tell."""
    for inner in sys._current_frames().values():
        within: list[FrameType] = []
        at: FrameType | None = inner
        while at is not None and at is not frame:
            within.append(at)
            at = at.f_back
        if at is frame:
            return any(_is_given_a_time(one) for one in within)
    return False


def _is_given_a_time(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__"))
    if module not in _WAITERS and not module.startswith("multiprocessing."):
        return False
    variables = frame.f_locals
    given = variables.get("timeout")
    if sys.version_info < (3, 13):
        variables.clear()  # else the look leaves a copy behind
    return isinstance(given, (int, float)) and given >= 0


def _judged(finding: Finding, patience: int, met: list[tuple[Process, Wait, Loss]]) -> Judgement:
    stuck = [one for one in met if _is_stuck(one[1], one[2], patience)]
    if stuck:
        evidence = [f"{p.label()} waited on for {_after(wait, loss):.0f} s after {loss[1]}" for p, wait, loss in stuck]
        said = f"{finding.symbol} still waited at line {finding.line} {patience} s after {stuck[0][2][1]}"
        if all(loss[1] == ENDED for _, _, loss in stuck):
            return Judgement(SUSPICIOUS, f"{said}, in good order: it need not have waited for them", evidence[:5])
        return Judgement(CONFIRMED, said, evidence[:5])
    limited = [one for one in met if _has_limit(one[1]) and one[2][1].startswith("stop:")]
    if limited and not any(wait.how == OPEN for _, wait, _ in met):
        _, wait, loss = limited[0]
        return Judgement(REFUTED, f"{wait.how} ended the wait {_after(wait, loss):.1f} s after {loss[1]}")
    _, wait, loss = met[0]
    return Judgement(CLEAN, f"{len(met)} waits ended after {loss[1]}, the first by {wait.how}")


def _unmet(run: Run, waiting: list[Process]) -> Judgement:
    losses = [loss for process in waiting for loss in _losses(run, process)]
    if losses:
        return Judgement(NOT_EXERCISED, f"no call was waiting when a peer was lost ({losses[0][1]})")
    return Judgement(NOT_EXERCISED, "no peer was lost: try --fault kill:CHILD or stop:CHILD")


def _waits(state: State, process: Process) -> Iterator[Wait]:
    for since, until, how in state.get("waits", ()):
        yield Wait(since, until or process.last_alive, how)


def _after(wait: Wait, loss: Loss) -> float:
    return wait.until - max(wait.since, loss[0])


def _is_stuck(wait: Wait, loss: Loss, patience: float) -> bool:
    """An answer that came late after all is none."""
    return wait.how not in (RETURNED, HELD) and not _has_limit(wait) and _after(wait, loss) > patience


def _has_limit(wait: Wait) -> bool:
    return any(word in wait.how for word in _LIMITS)


def _losses(run: Run, process: Process) -> Iterator[Loss]:
    """What this process lost: by a fault of ours, by a crash, or because all its children have ended."""
    workload: Any = run.command.get("workload") or {}
    for said, at in zip(workload.get("faults", ()), workload.get("fault_times", ()), strict=False):
        if "no such" not in said:
            yield at, said
    others = [other for other in run.processes if other is not process]
    for other in others:
        if not other.tail and other.last_alive < process.last_alive - _SILENT:
            yield other.last_alive, f"{other.label()} was gone"
    children = [other for other in others if other.head.get("ppid") == process.pid]
    if children and all(child.tail and child.last_alive < process.last_alive for child in children):
        yield max(child.last_alive for child in children), ENDED
