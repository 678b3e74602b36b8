"""LLM202: the event loop stands still because a coroutine is in a call that blocks."""

from __future__ import annotations

from collections.abc import Sequence
from types import CodeType
from typing import Any, ClassVar

from ..calls import lines_of, watched_frame
from ..oracles.stalls import WATCHDOG, Line, Loop, running_loop
from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, REFUTED, SUSPICIOUS, Judgement, Quick, State, need, samples, total
from ..probe import Probe as Base

STALL_MS = 50
OFTEN = 20
"""So many calls off the loop, and none on it, and the finding is wrong about where the function runs."""


class Probe(Base):
    """The finding's own function is watched by the watchdog; of its other functions it is counted where they run.

    With `options.anywhere` all lines of a coroutine are asked about, of which nobody has said that any blocks.
    """

    exercised: ClassVar[str] = "the function ran on a thread with a running event loop"
    may_refute: ClassVar[bool] = True
    attached: ClassVar[str] = CONFIRMED

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.on_loop = 0
        self.off_loop = 0
        self.callers_on_loop = 0
        self.stalls: dict[str, float] = {}
        self.begun: set[int] = set()
        """How many calls had begun when the loop stood still: what a first call sets up, later ones do not."""
        self.line: Line | None = None

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick:
        """Made anew for each function that the target stands for, so its frame is looked for once."""
        is_known = False

        def before(values: tuple[object, ...]) -> object:
            nonlocal is_known
            if not is_known:
                is_known = True
                return self.called(target, None, None)
            return self._enter(target)

        def after(token: Any, result: Any, error: BaseException | None) -> None:
            if token is not None:  # of several watchers' tokens, this one's may be
                WATCHDOG.leave(token)

        return Quick(before, after)

    def detached(self) -> None:
        if self.line is not None:
            WATCHDOG.forget(self.line)

    def called(self, target: Target, subject: object, roots: Roots | None) -> object:
        if self._is_own(target):
            self._watch(watched_frame().f_code)
        return self._enter(target)

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if isinstance(token, Loop):
            WATCHDOG.leave(token)

    def _is_own(self, target: Target) -> bool:
        """Is it the function in which the finding's line stands?"""
        return target.qualname == self.finding.symbol and target.path == self.finding.path

    def _enter(self, target: Target) -> Loop | None:
        loop = running_loop()
        if not self._is_own(target):
            self.callers_on_loop += loop is not None
            return None
        if loop is None:
            self.off_loop += 1
            return None
        self.on_loop += 1
        return WATCHDOG.enter(loop)

    def _watch(self, code: CodeType) -> None:
        if self.line is None:
            stall = need(self.finding, "stall_ms", STALL_MS) / 1000
            own = bool(self.finding.options.get("anywhere"))
            lines = range(self.finding.line, self.finding.end_line + 1) if own else lines_of(code, self.finding.line)
            self.line = Line(lines, stall, self._noted, own)
        WATCHDOG.watch(code, self.line)

    def _noted(self, milliseconds: float, stack: list[str]) -> None:
        what = " < ".join(stack)
        if len(self.begun) < OFTEN:
            self.begun.add(self.on_loop)
        if what in self.stalls or len(self.stalls) < 8:
            self.stalls[what] = max(milliseconds, self.stalls.get(what, 0.0))

    def state(self) -> dict[str, Any]:
        longest = sorted(self.stalls.items(), key=lambda one: -one[1])
        return {
            "on_loop": self.on_loop,
            "off_loop": self.off_loop,
            "callers_on_loop": self.callers_on_loop,
            "seen": self.line.seen if self.line is not None else 0,
            "stalled": self.line.stalls if self.line is not None else 0,
            "calls": len(self.begun),
            "longest": int(longest[0][1]) if longest else 0,
            "stalls": [f"{int(milliseconds)} ms in {stack}" for stack, milliseconds in longest],
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        on_loop, off_loop = total(states, "on_loop"), total(states, "off_loop")
        longest = max((int(state.get("longest", 0)) for state in states), default=0)
        if longest:
            where = "in" if finding.options.get("anywhere") else f"at line {finding.line} of"
            said = f"the event loop stood still for {longest} ms {where} {finding.symbol}"
            stood, enough = total(states, "calls"), need(finding, "stalls", 1)
            if stood < enough:
                said = f"{said}, in {stood} calls ({enough} are needed: what a first call sets up, later ones do not)"
                return Judgement(SUSPICIOUS, said, samples(states, "stalls"))
            return Judgement(CONFIRMED, said, samples(states, "stalls"))
        often = need(finding, "calls", OFTEN)
        if not on_loop and off_loop >= often and total(states, "callers_on_loop") >= often:
            return Judgement(REFUTED, f"all of its {off_loop} calls were made off the loop, in other threads")
        if not on_loop:
            return Judgement(NOT_EXERCISED, f"no call was made on an event loop ({off_loop} off it)")
        what = "it" if finding.options.get("anywhere") else "the line"
        caught = f"{what} was caught {total(states, 'seen')} times"
        limit = need(finding, "stall_ms", STALL_MS)
        return Judgement(CLEAN, f"{on_loop} calls on an event loop, none of which kept it for {limit} ms ({caught})")
