"""Graphs that go on with what was bound anew, by torch's own class for graphs; what a driver does is left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tracing import NO_PAGES, PROGRAMS, finding, verdicts

from llmlint.dynamic.patching import load_probe
from llmlint.dynamic.read import read_run
from llmlint.findings import Verdict
from llmlint.runtime.block import Block, Target, Watch
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

STALE = finding(
    "graph-unsafe-op",
    Block(
        targets=(Target("Runner.record", "save"), Target("Runner.run", "scope")),
        watch=(Watch("hidden", owner="Runner"),),
    ),
    "graphs_of_a_device.py",
    "Runner.run",
)


def judged(folder: Path, bugs: str, what: str = "record") -> Verdict:
    pytest.importorskip("torch")
    prepare(folder, make_plan([STALE], NO_PAGES, PROGRAMS))
    env = environment(folder, base={**os.environ, "BUGS": bugs, "LLMLINT_TICK": "0.02"})
    program = [sys.executable, "graphs_of_a_device_main.py", what]
    done = subprocess.run(program, cwd=PROGRAMS, env=env, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    return verdicts([STALE], read_run(str(folder)))[0]


def test_the_canary_is_heard_without_torch() -> None:
    assert load_probe("graph-unsafe-op").canary()  # type: ignore[attr-defined]


def test_a_replay_after_the_attribute_was_bound_anew_is_confirmed(tmp_path: Path) -> None:
    found = judged(tmp_path / "run", "stale")
    assert found.status == "confirmed", found
    assert "hidden (5 times)" in found.summary


def test_a_replay_after_the_same_memory_was_filled_is_none(tmp_path: Path) -> None:
    found = judged(tmp_path / "run", "")
    assert found.status == "exercised-clean", found


def test_where_no_graph_is_recorded_nothing_is_said(tmp_path: Path) -> None:
    found = judged(tmp_path / "run", "stale", "nothing")
    assert found.status == "not-exercised", found
