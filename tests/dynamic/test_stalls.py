"""Event loops that stand still, and those that only seem to."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from types import FrameType

import pytest
from tracing import PROGRAMS, finding, verdict

from llmlint.dynamic import canaries
from llmlint.dynamic.oracles.stalls import WATCHDOG, Line, Loop, Watchdog
from llmlint.dynamic.probes.blocking_in_async import Probe
from llmlint.findings import Finding
from llmlint.runtime.block import Block, Target

LINES = (PROGRAMS / "looping.py").read_text().splitlines()


def blocking(function: str, line: str, *callers: str) -> Finding:
    """A finding at the first line with this text."""
    at = next(number for number, text in enumerate(LINES, 1) if line in text)
    targets = tuple(Target(name, "scope") for name in (function, *callers))
    block = Block(targets=targets, needs={"calls": 4})
    return finding("blocking-in-async", block, path="looping.py", symbol=function, line=at)


def test_a_call_that_keeps_the_loop_is_confirmed_with_the_stack_it_stood_in(tmp_path: Path) -> None:
    one = blocking("answer", "tokens = tokenise(prompt)")
    found = verdict(tmp_path, one, "looping.py", bugs="tokenise")
    assert found.status == "confirmed", found
    assert f"at line {one.line} of answer" in found.summary
    assert "tokenise < " in found.evidence[0]
    assert f"looping.py:{one.line} answer" in found.evidence[0]


def test_a_plain_function_is_confirmed_where_a_coroutine_calls_it(tmp_path: Path) -> None:
    found = verdict(tmp_path, blocking("tokenise", "time.sleep(0.15)", "answer"), "looping.py", bugs="tokenise")
    assert found.status == "confirmed", found


def test_work_that_is_handed_to_a_thread_keeps_no_loop(tmp_path: Path) -> None:
    found = verdict(tmp_path, blocking("answer", "asyncio.to_thread"), "looping.py")
    assert found.status == "exercised-clean", found
    assert found.summary.startswith("4 calls on an event loop")


def test_what_always_runs_in_other_threads_refutes_that_it_runs_on_the_loop(tmp_path: Path) -> None:
    found = verdict(tmp_path, blocking("tokenise", "time.sleep(0.15)", "answer"), "looping.py")
    assert found.status == "refuted", found


def test_running_off_the_loop_refutes_nothing_while_its_coroutines_never_ran(tmp_path: Path) -> None:
    found = verdict(tmp_path, blocking("tokenise", "time.sleep(0.15)", "nobody"), "looping.py")
    assert found.status == "not-exercised", found


def test_a_long_await_is_no_stall(tmp_path: Path) -> None:
    found = verdict(tmp_path, blocking("wait_long", "await asyncio.sleep("), "looping.py")
    assert found.status == "exercised-clean", found


def test_many_short_calls_with_awaits_between_them_are_no_stall(tmp_path: Path) -> None:
    found = verdict(tmp_path, blocking("count_up", "len(hash_of(prompt))"), "looping.py")
    assert found.status == "exercised-clean", found


def test_a_loop_that_stands_still_while_the_canary_sings_is_not_taken_for_the_canarys() -> None:
    is_told, may_go_on = threading.Event(), threading.Event()

    async def stand_still() -> None:
        here = WATCHDOG.enter(asyncio.get_running_loop())
        may_go_on.wait(10)
        WATCHDOG.leave(here)

    begins = stand_still.__code__.co_firstlineno
    line = Line(range(begins, begins + 4), 0.01, lambda milliseconds, stack: is_told.set())
    WATCHDOG.watch(stand_still.__code__, line)
    program = threading.Thread(target=lambda: asyncio.run(stand_still()))
    program.start()
    try:
        assert is_told.wait(10)
        assert canaries.run({"blocking-in-async": Probe}) == {"blocking-in-async": ""}
    finally:
        may_go_on.set()
        program.join()
        WATCHDOG.forget(line)


def test_a_thread_that_comes_while_the_watchdog_looks_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on no stack that was taken before; only the next look tells whether it is gone."""
    watchdog, late, as_they_are = Watchdog(), -1, sys._current_frames

    def frames() -> dict[int, FrameType]:
        taken = as_they_are()
        watchdog.loops[late] = Loop(object())
        return taken

    watchdog.loops[threading.get_ident()] = here = Loop(object())
    here.calls = 1
    monkeypatch.setattr(sys, "_current_frames", frames)
    watchdog.look()
    assert late in watchdog.loops
    monkeypatch.undo()
    watchdog.look()
    assert late not in watchdog.loops
