"""What lies in a run's folder and did not come of the run makes no verdict; processes get what they need."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llmlint.dynamic.read import Process, read_run
from llmlint.runtime.trace import environment, prepare, run_traced

from .conftest import llmlint

WATCHED = ("--watch", "Engine.add:enter, finish:leave", "--container", "running")
ENGINE = """
class Engine:
    def __init__(self):
        self.running = {}

    def add(self, request_id):
        self.running[request_id] = 1

    def finish(self, request_id):
        if LEAKS:
            return
        self.running.pop(request_id)
"""
PLAY = "import engine, time; it = engine.Engine(); [(it.add(n), it.finish(n)) for n in range(80)]; time.sleep(1)"


@pytest.fixture
def traced(tree: Path) -> Callable[..., Path]:
    """Traces the engine, which leaks or does not; the folder of the run."""
    (tree / "engine.py").write_text(ENGINE)

    def run(name: str, leaks: bool) -> Path:
        play = f"import builtins; builtins.LEAKS = {leaks}; {PLAY}"
        done = llmlint(tree, "trace", *WATCHED, "--out", name, "--", sys.executable, "-c", play, LLMLINT_TICK="0.05")
        assert done.returncode == 0, done.stderr
        return tree / name

    return run


def verdict(run: Path, of: Path) -> tuple[str, str]:
    """What a run says of what another was asked."""
    done = llmlint(
        run.parent, "confirm", str(of / "findings.json"), str(run), "--format", "json", "-q", "--output", "json:v.json"
    )
    assert done.returncode in (0, 1), done.stderr
    told = json.loads((run.parent / "v.json").read_text())["findings"][0]["verdict"]
    return told["status"], told["summary"]


def test_the_record_of_another_run_makes_no_verdict(traced: Callable[..., Path]) -> None:
    clean, leaking = traced("clean", leaks=False), traced("leaking", leaks=True)
    assert verdict(leaking, leaking)[0] == "confirmed"
    before = verdict(clean, clean)[0]
    assert before in ("refuted", "exercised-clean")
    for file in leaking.glob("p-*"):
        shutil.copy(file, clean)
    status, summary = verdict(clean, clean)
    assert status == "exercised-clean"
    assert "1 record in its folder did not come of this run and counted for nothing" in summary


def test_a_state_of_another_run_under_the_name_of_this_ones_counts_for_nothing(traced: Callable[..., Path]) -> None:
    clean, leaking = traced("clean", leaks=False), traced("leaking", leaks=True)
    (theirs,), (ours,) = leaking.glob("*.state"), clean.glob("*.state")
    shutil.copyfile(theirs, ours)
    assert verdict(clean, clean)[0] == "not-exercised"


def test_links_and_files_of_others_are_no_records(traced: Callable[..., Path], tmp_path: Path) -> None:
    run = traced("run", leaks=True)
    (lines,) = run.glob("p-*.jsonl")
    moved = tmp_path / lines.name
    lines.rename(moved)
    lines.symlink_to(moved)
    assert ([], 1) == (read_run(str(run)).processes, read_run(str(run)).strangers)
    lines.unlink()
    os.link(moved, lines)
    assert ([], 1) == (read_run(str(run)).processes, read_run(str(run)).strangers)
    lines.unlink()
    moved.rename(lines)
    if os.geteuid() == 0:  # nobody else can give a file away
        os.chown(lines, 12345, -1)
        assert ([], 1) == (read_run(str(run)).processes, read_run(str(run)).strangers)
        os.chown(lines, os.geteuid(), -1)
    assert len(read_run(str(run)).processes) == 1


def test_a_record_under_the_name_of_another_process_is_not_believed() -> None:
    process = Process("p-17-4711")
    process.take({"kind": "head", "pid": 18, "run": "word"})
    assert not process.is_of("word")
    process.take({"kind": "head", "pid": 17, "run": "word"})
    assert process.is_of("word") and not process.is_of("another")


def test_nothing_is_traced_into_a_folder_that_anybody_may_write_into(tree: Path) -> None:
    (tree / "engine.py").write_text(ENGINE)
    (tree / "open").mkdir()
    (tree / "open").chmod(0o777)
    done = llmlint(tree, "trace", *WATCHED, "--out", "open", "--", sys.executable, "-c", "print('runs')")
    assert (done.returncode, done.stdout) == (0, "runs\n")
    assert "runs untraced: open: anybody may write into it" in done.stderr
    assert list((tree / "open").iterdir()) == []


PYTHON_ENTRY = {"key": "k", "probe": "request-state-leak", "path": "engine.py", "rule": "", "symbol": ""}
C_ENTRY = {"targets": [{"qualname": "lend", "role": "acquire", "entity": "return"}]}


@pytest.mark.parametrize(
    ("plan", "given"),
    [
        ({}, set()),
        ({"findings": [PYTHON_ENTRY]}, {"PYTHONPATH", "LLMLINT_TRACE"}),
        ({"native": [C_ENTRY]}, {"LD_PRELOAD", "ASAN_OPTIONS", "LLMLINT_TRACE"}),
    ],
)
def test_processes_get_what_the_plan_needs_and_no_more(
    tmp_path: Path, plan: dict[str, object], given: set[str]
) -> None:
    if "native" in plan and shutil.which("cc") is None:
        pytest.skip("needs cc")
    prepare(tmp_path / "run", {"schema": 1, **plan})
    found = environment(tmp_path / "run", base={"PATH": "/usr/bin"})
    assert set(found) - {"PATH"} == given
    secret = (tmp_path / "run" / "secret").read_text()
    assert secret not in "".join(found.values())


def test_what_ids_are_hashed_with_is_gone_when_the_command_has_ended(tmp_path: Path) -> None:
    run = tmp_path / "run"
    prepare(run, {"schema": 1, "findings": [PYTHON_ENTRY]})
    look = "import os, sys; print(oct(os.stat(sys.argv[1]).st_mode & 0o777), file=open(sys.argv[2], 'w'))"
    assert run_traced([sys.executable, "-c", look, str(run / "secret"), str(tmp_path / "seen")], run) == 0
    assert (tmp_path / "seen").read_text() == "0o600\n"
    assert not (run / "secret").exists()
    assert {stat.S_IMODE(file.stat().st_mode) & 0o077 for file in run.iterdir()} == {0}
