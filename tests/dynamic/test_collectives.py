"""Logs of ranks, compared when the run is over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from tracing import NO_PAGES, PROGRAMS, finding, run_program, verdict, verdicts

from llmlint.dynamic.oracles.time_limits import limit_of
from llmlint.dynamic.read import Run, read_run
from llmlint.findings import Verdict
from llmlint.runtime.block import Block, Target
from llmlint.runtime.plan import make_plan
from llmlint.runtime.stress import Workload, run_workload
from llmlint.runtime.trace import environment, prepare, run_traced

CALLS = tuple(Target(f"Communicator.{name}", "collective", entity="group") for name in ("all_reduce", "barrier"))
STEP = Block(targets=(Target("step", "scope"), *CALLS))
DIVERGENT = finding("rank-divergent-collective", STEP, path="ranks.py", symbol="step")


def test_a_collective_that_one_rank_skips_is_confirmed_with_both_call_sites(tmp_path: Path) -> None:
    found = verdict(tmp_path, DIVERGENT, "launch.py", bugs="skip")
    assert found.status == "confirmed", found
    assert "call 7" in found.summary
    assert "rank 0 called all_reduce at" in found.summary
    assert "rank 1 called barrier at" in found.summary
    assert "ranks.py:" in found.summary


def test_ranks_that_agree_are_exercised_clean_and_never_refuted(tmp_path: Path) -> None:
    found = verdict(tmp_path, DIVERGENT, "launch.py")
    assert found.status == "exercised-clean", found


def test_one_rank_alone_exercises_nothing(tmp_path: Path) -> None:
    _, run = run_program(tmp_path, [DIVERGENT], "rank.py", "0", env={"RANK": "0"})
    found = verdicts([DIVERGENT], run)[0]
    assert (found.status, found.summary) == ("not-exercised", "the function ran on 1 ranks")


def test_a_divergence_elsewhere_is_not_this_findings(tmp_path: Path) -> None:
    elsewhere = finding("rank-divergent-collective", Block(targets=(Target("run_rank", "scope"),)), path="other.py")
    _, run = run_program(tmp_path, [DIVERGENT, elsewhere], "launch.py", bugs="skip")
    assert [found.status for found in verdicts([DIVERGENT, elsewhere], run)] == ["confirmed", "not-exercised"]


def test_a_call_that_never_comes_back_after_its_peer_was_killed_is_confirmed(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    block = Block(targets=(Target("step", "scope"), *CALLS), needs={"pending": 1})
    waits = finding("collective-no-timeout", block, path="ranks.py", symbol="step")
    prepare(tmp_path, make_plan([waits], NO_PAGES, PROGRAMS))
    monkeypatch.setenv("BUGS", "wait")
    monkeypatch.setenv("LLMLINT_TICK", "0.05")
    monkeypatch.chdir(PROGRAMS)
    workload = Workload.of("", "", 1, 6.0, ["kill:rank.py 1"])
    run_traced([sys.executable, "launch.py"], tmp_path, meanwhile=lambda process: run_workload(workload, process))
    found = verdicts([waits], read_run(str(tmp_path)))[0]
    assert found.status == "confirmed", found
    assert "kill:rank.py 1" in found.summary
    assert "barrier" in found.evidence[0]


def test_the_workload_goes_into_the_account_of_the_run(tmp_path: Path) -> None:
    prepare(tmp_path, make_plan([DIVERGENT], NO_PAGES, PROGRAMS))
    workload = Workload.of("", "", 1, 0.5, ["kill:nobody"])
    command = [sys.executable, "-c", "import time; time.sleep(30)"]
    assert run_traced(command, tmp_path, meanwhile=lambda process: run_workload(workload, process)) != 0
    account = json.loads((tmp_path / "run.json").read_text())
    assert account["workload"]["faults"] == ["kill:nobody: no such child"]
    assert account["asked_to_end"]


PARALLEL = Block(targets=(Target("Parallel.step", "collective"),))
TORCH_DIVERGENT = finding("rank-divergent-collective", PARALLEL, path="torch_ranks.py", symbol="Parallel.step")
GROUP = Block(targets=(Target("Parallel.__init__", "group"),))
NO_TIMEOUT = finding("collective-no-timeout", GROUP, path="torch_ranks.py", symbol="Parallel.__init__")


def on_torch(folder: Path, bugs: str) -> list[Verdict]:
    """With the functions of torch.distributed bound by name before they are watched, as projects do."""
    findings = [TORCH_DIVERGENT, NO_TIMEOUT]
    code = "import sys; sys.path[:0] = ['.', 'library']; import torch_ranks; torch_ranks.launch()"
    library = f".{os.pathsep}library"
    prepare(folder, make_plan(findings, NO_PAGES, PROGRAMS))
    env = environment(folder, base={**os.environ, "PYTHONPATH": library, "BUGS": bugs})
    done = subprocess.run([sys.executable, "-c", code], cwd=PROGRAMS, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return verdicts(findings, read_run(str(folder)))


def test_calls_of_torch_are_logged_by_group_with_shapes(tmp_path: Path) -> None:
    divergent, _ = on_torch(tmp_path, "skip")
    assert divergent.status == "confirmed", divergent
    assert "group ranks [0, 1] part at call 7" in divergent.summary
    assert "all_reduce(float32[4, 8]) at" in divergent.summary


def test_a_member_that_never_calls_its_group_parts_from_the_others_at_the_first_call(tmp_path: Path) -> None:
    divergent, _ = on_torch(tmp_path, "silent")
    assert divergent.status == "confirmed", divergent
    assert "part at call 1: rank 0 called all_reduce" in divergent.summary
    assert "rank 1 made no such call" in divergent.summary


def test_a_group_that_was_given_a_timeout_refutes_the_finding(tmp_path: Path) -> None:
    _, timeout = on_torch(tmp_path, "")
    assert (timeout.status, timeout.summary) == ("refuted", "every group made here has a time limit (0:00:30)")


def test_a_group_without_one_asks_for_a_fault(tmp_path: Path) -> None:
    divergent, timeout = on_torch(tmp_path, "forever")
    assert divergent.status == "exercised-clean"
    assert timeout.status == "not-exercised"
    assert "try --fault" in timeout.summary


# ------------------------------------------------------------ limits in force, on gloo itself

LIMITED = finding("collective-no-timeout", GROUP, path="limited_ranks.py", symbol="Parallel.__init__")


def on_gloo(folder: Path, bugs: str, **env: str) -> tuple[Verdict, Run]:
    pytest.importorskip("torch")
    code = "import limited_ranks; limited_ranks.launch()"
    done, run = run_program(folder, [LIMITED], "-c", code, bugs=bugs, env=env)
    assert done.returncode == 0, done.stderr
    return verdicts([LIMITED], run)[0], run


def test_the_limit_of_each_group_stands_in_the_run(tmp_path: Path) -> None:
    _, run = on_gloo(tmp_path, "given")
    ranks = [process for process in run.processes if process.rank is not None]
    assert [process.rank for process in ranks] in ([0, 1], [1, 0])
    for process in ranks:
        world, group = process.limits
        assert (world["name"], group["name"]) == ("world", "ranks [0, 1] (1)")
        assert world["limits"] == [{"backend": "gloo", "seconds": 60.0, "why": ""}]
        assert group["limits"] == [{"backend": "gloo", "seconds": 30.0, "why": ""}]


def test_a_limit_that_was_given_or_set_later_refutes_the_finding_with_its_number(tmp_path: Path) -> None:
    for bugs, seconds in (("given", "30"), ("later", "20")):
        found, _ = on_gloo(tmp_path / bugs, bugs)
        said = f"every group made here has a time limit (gloo: {seconds} s)"
        assert (found.status, found.summary) == ("refuted", said)


def test_a_call_that_nothing_would_end_in_time_is_confirmed_without_a_fault(tmp_path: Path) -> None:
    found, _ = on_gloo(tmp_path, "days")
    assert found.status == "confirmed", found
    assert found.summary.startswith("6 calls had no time limit in force: its limit is 400 days")
    assert "all_reduce at" in found.evidence[0] and "limited_ranks.py:" in found.evidence[0]


def test_the_back_ends_own_limit_is_told_and_asks_for_a_fault(tmp_path: Path) -> None:
    found, _ = on_gloo(tmp_path, "")
    assert found.status == "not-exercised"
    assert "where the back end gives up by itself (gloo: 1800 s)" in found.summary


def test_a_limit_is_found_behind_the_wrapper_that_torch_debugs_with(tmp_path: Path) -> None:
    found, _ = on_gloo(tmp_path, "given", TORCH_DISTRIBUTED_DEBUG="DETAIL")
    assert found.summary == "every group made here has a time limit (gloo: 30 s)"


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 600.0),
        ({"TORCH_NCCL_ASYNC_ERROR_HANDLING": "3"}, 600.0),
        ({"TORCH_NCCL_ASYNC_ERROR_HANDLING": "0"}, None),
        ({"NCCL_ASYNC_ERROR_HANDLING": "0"}, None),
        ({"TORCH_NCCL_ASYNC_ERROR_HANDLING": "1", "NCCL_ASYNC_ERROR_HANDLING": "0"}, 600.0),
        ({"TORCH_NCCL_ASYNC_ERROR_HANDLING": "0", "TORCH_NCCL_BLOCKING_WAIT": "1"}, 600.0),
        ({"TORCH_NCCL_ASYNC_ERROR_HANDLING": "0", "TORCH_NCCL_BLOCKING_WAIT": "0"}, None),
        ({"TORCH_NCCL_ASYNC_ERROR_HANDLING": "0", "TORCH_NCCL_DESYNC_DEBUG": "true"}, 600.0),
        ({"TORCH_NCCL_ASYNC_ERROR_HANDLING": "0", "TORCH_DISTRIBUTED_DEBUG": "DETAIL"}, 600.0),
        ({"TORCH_NCCL_ENABLE_MONITORING": "0"}, 600.0),
    ],
)
def test_what_the_environment_switches_off_is_no_limit_of_nccl(environ: dict[str, str], seconds: float | None) -> None:
    """After torch's ProcessGroupNCCL: not yet run on a GPU."""
    limit = limit_of("nccl", timedelta(minutes=10), environ)
    assert limit is not None and limit["seconds"] == seconds
    assert bool(limit["why"]) == (seconds is None)


def test_of_other_back_ends_nothing_is_said() -> None:
    assert limit_of("mpi", timedelta(minutes=10), {}) is None
