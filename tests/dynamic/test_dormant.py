"""A dormant run: nothing is watched until somebody asks, then for a time, and then the program is what it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from test_command_line import llmlint
from tracing import NO_PAGES, PROGRAMS, finding, python_called, run_program, verdicts

from llmlint.dynamic.read import Run, read_run
from llmlint.findings import Finding
from llmlint.runtime.attaching import give_order, script_for
from llmlint.runtime.block import Block, Target, Watch
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import let_sleep, prepare

LIFE = (
    Target("Lasting.add", "enter", entity="request_id"),
    Target("Lasting.finish", "leave", entity="request_id", via="finish"),
    Target("Lasting.abort", "leave", entity="request_id", via="abort"),
)
WATCHES = "Lasting.add:enter, finish:leave, abort:leave"
SAME = "was watched: True the same again: True"


@contextmanager
def service(folder: Path, *options: str, bugs: str = "abort", **env: str) -> Iterator[subprocess.Popen[str]]:
    """The lasting program under `llmlint trace --dormant`, ready."""
    command = ["trace", "--dormant", "--watch", WATCHES, "--container", "progress", "--root", str(PROGRAMS)]
    program = [sys.executable, str(PROGRAMS / "last.py"), *env.pop("arguments", "").split()]
    with subprocess.Popen(
        [sys.executable, "-m", "llmlint", *command, *options, "--out", str(folder / "run"), "--", *program],
        env={**os.environ, "BUGS": bugs, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output


def records(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "run").glob("p-*.jsonl"))


def own_findings(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "run" / "findings.json").read_text())["findings"]
    return found


def the_child_of(process: subprocess.Popen[str]) -> int:
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


def test_it_sleeps_is_attached_to_and_is_what_it_was(tmp_path: Path) -> None:
    with service(tmp_path) as process:
        time.sleep(0.6)
        assert records(tmp_path) == []
        done = llmlint(tmp_path, "attach", "run", "--for", "3s", "--budget", "50%")
        assert done.returncode == 0, done.stderr
        assert "was watched for" in done.stdout and "run/findings.json: verdicts: 1 confirmed\n" in done.stdout
        assert ended(process) == f"handler of SIGUSR2: default\n{SAME}\n"
    verdict = own_findings(tmp_path)[0]["verdict"]
    assert verdict["status"] == "confirmed", verdict
    assert not (tmp_path / "run" / "order.json").exists()


def test_one_process_is_attached_to_twice(tmp_path: Path) -> None:
    with service(tmp_path, bugs="") as process:
        child = str(the_child_of(process))
        for _ in range(2):
            done = llmlint(tmp_path, "attach", child, "--for", "1.5s", "--budget", "50%")
            assert done.returncode == 0, done.stderr
        assert ended(process).endswith(f"{SAME}\n")
    assert len(records(tmp_path)) == 2
    verdict = own_findings(tmp_path)[0]["verdict"]
    assert verdict["status"] == "exercised-clean", verdict
    assert "was watched for a time only" in verdict["summary"]


def test_a_signal_wakes_it(tmp_path: Path) -> None:
    with service(tmp_path, "--wake-signal", "SIGUSR2", "--for", "1s") as process:
        os.kill(the_child_of(process), signal.SIGUSR2)
        until = time.monotonic() + 30
        while not (run := read_run(str(tmp_path / "run"))).processes or not run.processes[0].ended_cleanly:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert run.processes[0].attached.startswith("signal ")
        assert ended(process) == f"handler of SIGUSR2: _heard\n{SAME}\n"


def test_a_handler_of_the_program_stays(tmp_path: Path) -> None:
    with service(tmp_path, "--wake-signal", "SIGUSR2", arguments="own-handler") as process:
        os.kill(the_child_of(process), signal.SIGUSR2)
        time.sleep(1.2)
        assert records(tmp_path) == []
        assert ended(process) == "handler of SIGUSR2: <lambda>\nwas watched: False the same again: True\n"


def test_a_signal_that_somebody_else_has_is_not_taken(tmp_path: Path) -> None:
    """The command starts with SIGUSR2 ignored, as its parent had it."""
    before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    try:
        done, run = dormant(tmp_path, "-c", "import signal; print(signal.getsignal(signal.SIGUSR2).name)")
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert done.stdout == "SIG_IGN\n"
    assert run.processes == []


def dormant(
    folder: Path, *arguments: str, findings: list[Finding] | None = None, order: dict[str, Any] | None = None,
    env: dict[str, str] | None = None, python: str = sys.executable,
) -> tuple[subprocess.CompletedProcess[str], Run]:  # fmt: skip
    """A program that begins asleep; with an order that stands from its start."""
    folder.mkdir(exist_ok=True)
    usual = {"signal": "SIGUSR2", "seconds": 60, "budget": 0.5, "once": False}
    (folder / "dormant.json").write_text(json.dumps(usual))
    if order is not None:
        (folder / "order.json").write_text(
            json.dumps({"order": "x", "pids": [], "seconds": 60, "budget": 0.5, **order})
        )
    return run_program(folder, findings or [LEAK], *arguments, env=env, python=python)


LEAK = finding("request-state-leak", Block(targets=LIFE, watch=(Watch("progress", owner="Lasting"),)), "lasting.py")
HOT = finding(
    "unbounded-cache",
    Block(targets=(Target("Lasting.hot", "insert", entity="key"),), watch=(Watch("running", owner="Lasting"),)),
    "lasting.py",
)
FOR_A_WHILE = (
    "import lasting, time\n"
    "until, scheduler, number = time.monotonic() + 3, lasting.Lasting(), 0\n"
    "while time.monotonic() < until:\n"
    "    lasting.run(scheduler, number)\n"
    "    number += 1\n"
    "    time.sleep(0.001)\n"
)


def test_a_child_of_a_watched_program_is_watched_from_its_start(tmp_path: Path) -> None:
    done, run = dormant(tmp_path, "-c", FOR_A_WHILE, order={}, env={"BUGS": "abort"})
    assert (done.returncode, done.stderr) == (0, "")
    assert verdicts([LEAK], run)[0].status == "confirmed"


def test_an_order_that_is_over_or_for_others_wakes_nobody(tmp_path: Path) -> None:
    for number, order in enumerate(({"seconds": 0}, {"pids": [1]})):
        _, run = dormant(tmp_path / str(number), "-c", "import lasting", order=order)
        assert run.processes == []


def test_the_costliest_is_left_out_to_keep_the_budget_and_the_verdict_says_so(tmp_path: Path) -> None:
    env = {"BUGS": "abort", "HOT": "400"}
    _, run = dormant(tmp_path, "-c", FOR_A_WHILE, findings=[LEAK, HOT], order={"budget": 0.05}, env=env)
    leak, hot = verdicts([LEAK, HOT], run)
    assert list(run.processes[0].shed) == [HOT.fingerprint], run.processes[0].cost
    assert "of a core, more than its budget" in hot.summary
    assert leak.status == "confirmed", leak
    assert run.processes[0].faults == 0


def test_what_needs_the_time_before_is_suspicious_at_most(tmp_path: Path) -> None:
    reset = finding(
        "unbounded-cache",
        Block(
            targets=(Target("Lasting.add", "insert", entity="request_id"),),
            watch=(Watch("progress", owner="Lasting"),),
            needs={"bound": 64},
        ),
        "lasting.py",
    )
    keeps = FOR_A_WHILE.replace("lasting.run(scheduler, number)", "scheduler.add(str(number))")
    _, run = dormant(tmp_path, "-c", keeps, findings=[reset], order={})
    found = verdicts([reset], run)[0]
    assert (found.status, found.summary.count("what was before it was attached to is not known")) == ("suspicious", 1)


def python_of(version: str) -> str:
    return python_called(version) or pytest.skip(f"needs Python {version}")


@pytest.mark.parametrize("version", ["3.10", "3.12", "3.13", "3.14"])
def test_every_python_gives_functions_their_own_code_back(version: str, tmp_path: Path) -> None:
    """Told by itself, when it has looked at what they were."""
    order = json.dumps({"order": "x", "pids": [], "seconds": 2, "budget": 0.5})
    program = f"""import lasting, os
before = [one.__code__ for one in lasting.FUNCTIONS], lasting.surroundings()
open(os.path.join(os.environ["LLMLINT_TRACE"], "order.json"), "w").write({order!r})
{FOR_A_WHILE.replace("+ 3", "+ 4")}
print(all(one.__code__ is code for one, code in zip(lasting.FUNCTIONS, before[0])), lasting.surroundings() == before[1])
"""
    done, run = dormant(tmp_path, "-c", program, env={"BUGS": "abort"}, python=python_of(version))
    assert (done.stdout, done.stderr) == ("True True\n", "")
    assert run.processes[0].ended_cleanly and run.processes[0].faults == 0
    assert verdicts([LEAK], run)[0].status == "confirmed"


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_a_fork_is_no_fork_in_a_process_with_threads(version: str, tmp_path: Path) -> None:
    forks = (
        "import os, sys\nfor _ in range(3):\n    pid = os.fork()\n    if not pid: os._exit(0)\n    os.waitpid(pid, 0)\n"
    )
    done, _ = dormant(tmp_path, "-W", "error", "-c", f"{forks}print('forked')", python=python_of(version))
    assert (done.stdout, done.stderr) == ("forked\n", "")


def test_a_process_of_no_dormant_run_is_told_what_it_takes(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        done = llmlint(tmp_path, "attach", str(process.pid))
        process.communicate()
    assert done.returncode == 2
    needed = "--findings or --watch is needed" if sys.version_info >= (3, 14) else "takes Python 3.14 on both sides"
    assert needed in done.stderr and done.stderr.count("\n") == 1


SENT = """
import os, sys, time
import lasting
scheduler, codes, number = lasting.Lasting(), [one.__code__ for one in lasting.FUNCTIONS], 0
threads = len(os.listdir("/proc/self/task"))
exec(open(sys.argv[1]).read())
until = time.monotonic() + 30
while time.monotonic() < until and (number < 100 or len(os.listdir("/proc/self/task")) > threads):
    lasting.run(scheduler, number)
    number += 1
    time.sleep(0.005)
print(len(os.listdir("/proc/self/task")) == threads, [one.__code__ for one in lasting.FUNCTIONS] == codes)
"""


def test_what_is_sent_into_a_process_that_nobody_prepared_watches_once_and_is_gone(tmp_path: Path) -> None:
    """The script that Python 3.14 runs there; run here by the program itself."""
    folder = tmp_path / "run"
    prepare(folder, make_plan([LEAK], NO_PAGES, PROGRAMS))
    let_sleep(folder, "", 0.0, 0.0, once=True)
    give_order(folder, 2.0, 0.5)
    (tmp_path / "sent.py").write_text(script_for(folder))
    program = [sys.executable, "-c", SENT, str(tmp_path / "sent.py")]
    env = {**os.environ, "BUGS": "abort", "LLMLINT_TICK": "0.02"}
    done = subprocess.run(program, cwd=PROGRAMS, env=env, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("True True\n", "")
    assert verdicts([LEAK], read_run(str(folder)))[0].status == "confirmed"
