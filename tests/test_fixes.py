"""`scan --fix`: what it writes, what it leaves alone, and that a fixed file is found in order."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"

SCHEDULER = '''"""A scheduler."""


class Scheduler:
    def __init__(self):
        self.waiting = []
        self.running = {}
        self.preempted = []
        self.skipped = []
        self.tables = {}  # by request

    def add(self, request):
        self.waiting.append(request)
        self.preempted.append(request)
        self.skipped.append(request)
        self.running[request.request_id] = request
        self.tables[request.request_id] = 0

    def finish(self, request):
        self.waiting.remove(request)
        self.preempted.remove(request)
        self.skipped.remove(request)
        self.running.pop(request.request_id)
        self.tables.pop(request.request_id)

    def reset(self):
        # what clients wait for goes first
        self.waiting.clear()
        self.preempted.clear()
        self.skipped.clear()
        self.running.clear()   # two  spaces   too many
'''

GROUPS = '''import torch.distributed as dist


def make_groups(ranks):
    """Both kinds."""
    fast = dist.new_group(ranks)
    slow = dist.new_group(
        ranks,
        backend="gloo",  # on the host
    )
    return fast, slow
'''

MEMO = """import functools


class Request:
    @functools.lru_cache(maxsize=None)
    def tokens(self, text):
        return text.split()


@functools.cache
def compile_schema(schema):
    return len(schema)
"""

ARGUMENT = """def argument(value: int | float) -> str:
    return f"<{value:g}>"  # as text
"""


def scan(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llmlint", "scan", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def rules_found(folder: Path) -> list[str]:
    report = json.loads(scan(folder, ".", "--format", "json", "--exit-zero").stdout)
    return sorted(finding["rule"] for finding in report["findings"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.llmlint]\nmin-confidence = "low"\n')
    return tmp_path


def test_a_forgotten_container_is_cleared_beside_its_siblings_and_nothing_else_changes(folder: Path) -> None:
    (folder / "scheduler.py").write_text(SCHEDULER)
    assert rules_found(folder) == ["LLM801"]
    run = scan(folder, "scheduler.py", "--fix", "--unsafe-fixes")
    assert run.returncode == 0
    assert "1 finding is fixed" in run.stderr
    fixed = (folder / "scheduler.py").read_text()
    added = [line for line in fixed.splitlines() if line not in SCHEDULER.splitlines()]
    assert added == ["        self.tables.clear()"]
    assert fixed.replace("        self.tables.clear()\n", "") == SCHEDULER
    assert rules_found(folder) == []


def test_calls_without_a_limit_get_one_and_its_import(folder: Path) -> None:
    (folder / "groups.py").write_text(GROUPS)
    assert rules_found(folder) == ["LLM701"]
    assert "1 more with --unsafe-fixes" in scan(folder, "groups.py", "--fix").stderr
    assert (folder / "groups.py").read_text() == GROUPS
    scan(folder, "groups.py", "--fix", "--unsafe-fixes")
    fixed = (folder / "groups.py").read_text()
    assert "dist.new_group(ranks, timeout=timedelta(minutes=10))" in fixed
    assert '        backend="gloo",  # on the host\n' in fixed
    assert "from datetime import timedelta" in fixed
    ast.parse(fixed)
    assert rules_found(folder) == []


def test_a_memo_gets_a_bound(folder: Path) -> None:
    (folder / "memo.py").write_text(MEMO)
    before = rules_found(folder)
    assert before and set(before) == {"LLM101"}
    scan(folder, "memo.py", "--unsafe-fixes")
    fixed = (folder / "memo.py").read_text()
    assert "@functools.lru_cache(maxsize=1024)\ndef compile_schema" in fixed
    assert len(rules_found(folder)) < len(before)


def test_a_format_that_cuts_digits_is_dropped(folder: Path) -> None:
    (folder / "argument.py").write_text(ARGUMENT)
    scan(folder, "argument.py", "--fix")
    assert (folder / "argument.py").read_text() == ARGUMENT.replace(":g", "")
    assert rules_found(folder) == []


def test_a_patch_is_printed_and_nothing_is_written(folder: Path) -> None:
    (folder / "scheduler.py").write_text(SCHEDULER)
    run = scan(folder, "scheduler.py", "--diff-fixes", "--unsafe-fixes")
    assert run.returncode == 1
    assert "+        self.tables.clear()\n" in run.stdout
    assert (folder / "scheduler.py").read_text() == SCHEDULER
    patched = subprocess.run(
        ["git", "apply"], cwd=folder, input=run.stdout, text=True, capture_output=True, check=False
    )
    assert patched.returncode == 0, patched.stderr
    assert rules_found(folder) == []


def test_a_fix_that_would_not_end_the_finding_is_not_made(folder: Path) -> None:
    """The class's container begins in a way that may have no `clear`."""
    (folder / "scheduler.py").write_text(SCHEDULER.replace("self.tables = {}  # by request", "self.tables = make({})"))
    text = (folder / "scheduler.py").read_text()
    scan(folder, "scheduler.py", "--fix", "--unsafe-fixes")
    assert (folder / "scheduler.py").read_text() == text


def test_what_a_comment_or_a_baseline_accepts_is_not_fixed(folder: Path) -> None:
    accepted = SCHEDULER.replace("def reset(self):", "def reset(self):  # llmlint: ignore[LLM801] tables are kept")
    (folder / "scheduler.py").write_text(accepted)
    scan(folder, "scheduler.py", "--fix", "--unsafe-fixes")
    assert (folder / "scheduler.py").read_text() == accepted
