"""`llmlint fleet watch`: what is new is scanned and told of, and nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from serving_code import LEFT, NOOP

from llmlint.cli import main

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install -e '.[dev]'")

from .conftest import MENDED, History  # noqa: E402


def ours(file: Path) -> list[str]:
    return [str(file), "--jobs", "1", "--cache-dir", str(file.parent / "cache")]


def look(file: Path) -> Result:
    command = ["fleet", "watch", *ours(file), "--once", "--progress", "plain"]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def scanned(file: Path, history: History) -> list[int]:
    commits = pq.read_table(file.parent / "fleet-data" / "revisions.parquet").column("commit").to_pylist()
    return [history.commits.index(commit) for commit in commits]


def ends(file: Path) -> dict[str, tuple[str, str]]:
    rows = pq.read_table(file.parent / "fleet-data" / "findings.parquet").to_pylist()
    return {row["path"]: (row["gone"], row["gone_by"]) for row in rows}


def test_the_first_look_is_at_what_the_file_says_and_the_next_at_new_commits_only(
    history: History, fleet_file: Path
) -> None:
    assert look(fleet_file).stdout == "" and scanned(fleet_file, history) == [0, 3, 6]
    history.commit("Words again", serving__words="WORDS = 3\n")
    history.commit("Words at last", serving__words="WORDS = 4\n")
    again = look(fleet_file)
    assert "scanning 0/2 revisions" in again.stderr and "following" not in again.stderr
    assert scanned(fleet_file, history) == [0, 3, 6, 7, 8]
    assert "scanning" not in look(fleet_file).stderr


def test_what_a_commit_brought_and_ended_is_told(history: History, fleet_file: Path) -> None:
    look(fleet_file)
    brought = history.commit("Another pool", serving__third=NOOP)
    ended = history.commit("Fix the third pool\x1b[31m", serving__third=MENDED)
    told = look(fleet_file).stdout.splitlines()
    assert [line.partition(" ")[0] for line in told] == ["engine", "", "engine", ""]
    assert told[0].startswith(f"engine {brought[:10]} 2025-01-08") and "1 new, 0 gone: Another pool" in told[0]
    assert told[1].startswith("  + serving/third.py:") and "LLM802" in told[1]
    assert told[2].startswith(f"engine {ended[:10]}") and "0 new, 1 gone: Fix the third pool\\x1b[31m" in told[2]
    assert told[3].startswith("  - serving/third.py:")
    assert ("fix", ended) in ends(fleet_file).values()


def test_a_look_keeps_the_ends_that_are_known(history: History, fleet_file: Path) -> None:
    look(fleet_file)
    before = ends(fleet_file)
    history.commit("The queue is emptied", serving__scheduler=f"{LEFT}        self.finished.clear()\n")
    look(fleet_file)
    assert ends(fleet_file) == {**before, "serving/scheduler.py": ("changed", history.commits[-1])}


def test_it_looks_until_it_is_told_to_end(history: History, fleet_file: Path) -> None:
    look(fleet_file)
    command = [sys.executable, "-P", "-m", "llmlint", "fleet", "watch", *ours(fleet_file), "--every", "0.01"]
    watching = subprocess.Popen(["timeout", "60", *command], stdout=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    for subject in ("One", "Two"):
        history.commit(subject)
        assert watching.stdout.readline().rstrip().endswith(f": {subject}")
    watching.send_signal(signal.SIGINT)
    watching.communicate()
    assert watching.returncode == 130
