"""Waits for a peer that is killed or stopped meanwhile."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tracing import NO_PAGES, PROGRAMS, finding, run_program, verdicts

from llmlint.dynamic.read import read_run
from llmlint.findings import Finding, Verdict
from llmlint.runtime.block import Block, Target
from llmlint.runtime.plan import make_plan
from llmlint.runtime.stress import Workload, run_workload
from llmlint.runtime.trace import prepare, run_traced

LINES = (PROGRAMS / "waiting.py").read_text().splitlines()
CHILD = "spawn_main"


def waits(function: str, line: str) -> Finding:
    at = next(number for number, text in enumerate(LINES, 1) if line in text)
    block = Block(targets=(Target(function, "wait"),), needs={"pending": 1})
    return finding("unbounded-wait", block, path="waiting.py", symbol=function, line=at)


FOR_EVER = waits("wait_for_ever", "return reader.recv()")
LOOKING = waits("wait_and_look", "reader.poll(0.2)")
LIMITED = waits("wait_with_limit", "answers.get(")


def under(fault: str, one: Finding, folder: Path, bugs: str, patch: pytest.MonkeyPatch) -> Verdict:
    prepare(folder, make_plan([one], NO_PAGES, PROGRAMS))
    patch.setenv("BUGS", bugs)
    patch.setenv("LLMLINT_TICK", "0.05")
    patch.chdir(PROGRAMS)
    workload = Workload.of("", "", 1, 6.0, [fault])
    run_traced([sys.executable, "waiting.py"], folder, meanwhile=lambda process: run_workload(workload, process))
    return verdicts([one], read_run(str(folder)))[0]


@pytest.mark.parametrize("fault", ["kill", "stop"])
def test_a_wait_that_outlasts_its_peer_is_confirmed(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = under(f"{fault}:{CHILD}", FOR_EVER, tmp_path, "recv", monkeypatch)
    assert found.status == "confirmed", found
    assert f"wait_for_ever still waited at line {FOR_EVER.line} 1 s after {fault}:{CHILD}" in found.summary


def test_a_wait_that_notices_the_loss_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = under(f"kill:{CHILD}", LOOKING, tmp_path, "", monkeypatch)
    assert found.status == "exercised-clean", found
    assert "the first by RuntimeError" in found.summary


def test_a_time_limit_would_refute_if_all_processes_that_know_the_function_ended_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = under(f"stop:{CHILD}", LIMITED, tmp_path, "limit", monkeypatch)
    assert found.status == "exercised-clean", found
    assert found.summary.startswith("Empty ended the wait")
    assert "no refutation, because process" in found.summary


def test_with_no_peer_lost_it_asks_for_a_fault(tmp_path: Path) -> None:
    _, run = run_program(tmp_path, [LIMITED], "waiting.py", bugs="limit")
    found = verdicts([LIMITED], run)[0]
    assert found.status == "not-exercised"
    assert "try --fault kill:CHILD" in found.summary
