"""The prospective benchmark counts each finding once, and the revisions benchmark compares what it measured."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from serving_code import UNSAID

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install -e '.[dev]'")

from benchmarks.prospective.__main__ import by_rule, main, row, share, told
from benchmarks.revisions.__main__ import measured

MENDED = UNSAID.replace('"no block', 'f"no block')
THROUGH_FLOAT = """def parsed(raw, kind):
    if kind != "number":
        return raw
    number = float(raw)
    return int(number) if number.is_integer() else number
"""
STATES = (
    ("2025-01-10", "Begun", {"pool.py": UNSAID, "numbers_read.py": THROUGH_FLOAT}),
    ("2025-02-10", "Fix the pool", {"pool.py": MENDED}),
    ("2025-03-10", "Another", {"other.py": UNSAID.replace("Pool", "Other")}),
    ("2025-04-10", "The end", {}),
)


@pytest.fixture
def clones(tmp_path: Path) -> Path:
    """A clone of vLLM that is none."""
    clone = tmp_path / "clones" / "vllm"
    (clone / "vllm").mkdir(parents=True)
    git(clone, "init", "--quiet")
    for day, subject, files in STATES:
        for name, content in files.items():
            (clone / "vllm" / name).write_text(content)
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "--allow-empty", "-m", subject, day=f"{day}T12:00:00+00:00")
    return clone.parent


def git(folder: Path, *arguments: str, day: str = "") -> None:
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dated = {"GIT_COMMITTER_DATE": day, "GIT_AUTHOR_DATE": day} if day else {}
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, env={**os.environ, **who, **dated})


def test_a_year_is_scanned_and_told_by_what_became_of_its_findings(clones: Path, tmp_path: Path) -> None:
    arguments = ["--histories", str(clones), "--work", str(tmp_path / "work"), "--projects", "vllm"]
    done = CliRunner().invoke(main, [*arguments, "--until", "2025-04-20", "--months", "3"], catch_exceptions=False)
    assert done.exit_code == 0
    year = told(tmp_path / "work" / "vllm-data")
    assert [revision.date[:7] for revision in year.revisions] == ["2025-01", "2025-02", "2025-03"]
    assert row("first", year.first).ends == {"fix": 1, "changed": 0, "removed": 0, "": 1}
    assert row("later", year.later).ends == {"fix": 0, "changed": 0, "removed": 0, "": 1}
    assert [one.name for one in by_rule(year.first)] == ["LLM401 float-serialised-int", "LLM910 text-without-values"]
    assert "| vllm | 2 | 1 (50 %, 9 to 91) | 0 | 0 | 1 (50 %, 9 to 91) |" in done.stdout


def test_without_following_what_went_is_counted_and_nothing_is_called_a_fix(clones: Path, tmp_path: Path) -> None:
    arguments = ["--histories", str(clones), "--work", str(tmp_path / "work"), "--projects", "vllm", "--no-follow"]
    done = CliRunner().invoke(main, [*arguments, "--until", "2025-04-20", "--months", "3"], catch_exceptions=False)
    assert "| | findings | gone, their function there | with their code | still there |" in done.stdout
    assert "| vllm | 2 | 1 (50 %, 9 to 91) | 0 | 1 (50 %, 9 to 91) |" in done.stdout
    assert "fix" not in done.stdout


def test_a_share_of_nothing_is_not_told() -> None:
    assert share(0, 0) == ""


def test_fleet_and_cold_scans_show_the_same_at_each_revision(clones: Path) -> None:
    figures = measured(clones / "vllm", ("vllm",), "2025-12-31", count=4, cold=2)
    assert (figures.revisions, figures.changes, figures.same, len(figures.cold)) == (4, 2, 2, 2)
    assert figures.fleet > 0 and figures.ratio > 0
