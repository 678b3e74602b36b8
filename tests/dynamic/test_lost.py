"""Nothing is lost silently: what a run could not keep, or did not live to see, stands in the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_unchanged import LEAK
from tracing import finding, run_program, verdicts

from llmlint.dynamic.record import MAX_BYTES, MOST_PROCESSES
from llmlint.findings import Verdict
from llmlint.runtime.block import Block, Target

SERVED = "import engine, os, resource, signal, subprocess, time\nengine.serve()\n"


def served(folder: Path, code: str) -> Verdict:
    done, run = run_program(folder, [LEAK], "-c", SERVED + code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "served 80\n", "")
    return verdicts([LEAK], run)[0]


def test_nothing_lost_is_a_refutation(tmp_path: Path) -> None:
    assert served(tmp_path, "").status == "refuted"


def test_records_past_their_bound(tmp_path: Path) -> None:
    """A miss for each function that is not there, with the whole name of the finding: more than is kept."""
    many = tuple(Target(f"Scheduler.{'none' * 12}{number}", "enter", entity="request_id") for number in range(500))
    absent = finding("request-state-leak", Block(targets=many))
    assert len(many) * len(absent.fingerprint) > MAX_BYTES
    done, run = run_program(tmp_path, [LEAK, absent], "-c", SERVED)
    assert done.stderr == ""
    (process,) = run.processes
    assert process.ended_cleanly and process.lost > 0
    assert sum(file.stat().st_size for file in tmp_path.glob("p-*.jsonl")) <= MAX_BYTES
    found = verdicts([LEAK], run)[0]
    assert found.status == "exercised-clean"
    assert f"lost {process.lost} record" in found.summary


def test_a_disk_that_fills_up_on_the_way(tmp_path: Path) -> None:
    """Even that the process ended could not be written down in words."""
    full = "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\nfor _ in range(3): subprocess.run(['true'])\n"
    found = served(tmp_path, full)
    assert found.status in ("exercised-clean", "not-exercised")
    assert "lost " in found.summary and "did not end" not in found.summary


def test_a_child_that_was_killed(tmp_path: Path) -> None:
    killed = """
pid = os.fork()
if not pid:
    engine.Scheduler().add('a'); time.sleep(60)
time.sleep(0.5); os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
"""
    found = served(tmp_path, killed)
    assert found.status == "exercised-clean"
    assert found.summary.count("did not end by itself") == 1


CROWD = """
import engine
s = engine.Scheduler()
s.pool.free = list(range(500_000))
for number in range(%d):
    s.add(f"w{number}")
for number in range(200):
    s.add(f"a{number}"); s.finish(f"a{number}")
    s.add(f"b{number}"); s.abort([f"b{number}"])
"""


@pytest.mark.parametrize(("crowd", "dropped"), [(1_000, False), (200_200, True)])
def test_more_ids_at_once_than_are_followed(crowd: int, dropped: bool, tmp_path: Path) -> None:
    done, run = run_program(tmp_path, [LEAK], "-c", CROWD % crowd)
    assert done.returncode == 0, done.stderr
    (found,) = verdicts([LEAK], run)
    assert found.status != "refuted" or not dropped
    assert ("comings and goings were not followed" in found.summary) == dropped, found


PEAK = """
import time
for number in range(200_200):
    s.finish(f"w{number}")
time.sleep(1)
for number in range(200):
    s.add(f"c{number}"); s.abort([f"c{number}"])
"""


def test_a_crowd_that_went_is_no_reason_to_follow_nobody_any_more(tmp_path: Path) -> None:
    done, run = run_program(tmp_path, [LEAK], "-c", CROWD % 200_200 + PEAK, bugs="abort")
    assert done.returncode == 0, done.stderr
    (process,) = run.processes
    assert process.states[LEAK.fingerprint]["left"]["progress"] >= 150, process.states
    assert verdicts([LEAK], run)[0].status == "confirmed"


def test_more_processes_than_leave_records(tmp_path: Path) -> None:
    """A service that makes a worker anew every few seconds for weeks."""
    for number in range(3 * MOST_PROCESSES):
        (tmp_path / f"p-0-{number}.state").touch()
    there = {file.name for file in tmp_path.iterdir()}
    found = served(tmp_path, "")
    assert {file.name for file in tmp_path.glob("p-*")} == there
    assert found.status == "not-exercised"
    assert "the run has the records of 4,096 processes, and takes no more" in found.summary
