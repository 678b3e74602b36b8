"""Findings to report: a small project with a real bug, and the outside tools that judge what we write."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from serving_code import ALL_SHOWN

from llmlint.catalogue import load_catalogue
from llmlint.findings import Finding, Step
from llmlint.scan import Counts, ScanResult

REPOSITORY = Path(__file__).parents[2]
NODE_MODULES = REPOSITORY / "node_modules"

SCHEDULER = '''"""Hands requests to the engine."""


class Scheduler:
    def __init__(self):
        self.waiting = []
        self.running = {}
        self.prefix_hits = {}

    def add(self, request):
        self.waiting.append(request)
        self.running[request.request_id] = request
        self.prefix_hits[request.request_id] = 0

    def reset(self):
        self.waiting.clear()
        self.running.clear()

    def finish(self, request):
        self.waiting.remove(request)
        self.running.pop(request.request_id, None)
        self.prefix_hits.pop(request.request_id, None)
'''
"""`reset` leaves `prefix_hits`."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where every tool is promised to be there (`.ci/run` does), a test skipped for want of one has failed."""
    report = yield
    if report.skipped and os.environ.get("LLMLINT_ALL_TOOLS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though every tool should be here: {report.longrepr}"
    return report


def llmlint(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The real command, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    return subprocess.run(
        [sys.executable, "-m", "llmlint", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A git repository whose package lies one folder down."""
    folder = tmp_path / "serving"
    (folder / "engine").mkdir(parents=True)
    (folder / "engine" / "scheduler.py").write_text(SCHEDULER)
    (folder / "llmlint.toml").write_text(ALL_SHOWN)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def finding(number: int = 0, **changes: object) -> Finding:
    given = {
        "rule": "LLM801",
        "name": "restore-leaves-state",
        "causes": ("restore-leaves-state",),
        "path": "engine/scheduler.py",
        "line": 15,
        "column": 5,
        "end_line": 15,
        "end_column": 14,
        "symbol": "Scheduler.reset",
        "severity": "P1",
        "confidence": "high",
        "confidence_reason": "2 siblings are cleared here",
        "message": "reset clears self.waiting but leaves self.prefix_hits",
        "evidence": (Step("engine/scheduler.py", 16, "cleared"), Step("engine/scheduler.py", 13, "filled")),
        "fingerprint": f"{number:020x}",
        "fix": "clear self.prefix_hits too",
        **changes,
    }
    return Finding(**given)  # type: ignore[arg-type]


def result_of(*findings: Finding) -> ScanResult:
    return ScanResult(list(findings), Counts(scanned=1, lines=17), rules=tuple(load_catalogue()))


def needs_npm(package: str) -> Path:
    """A package's folder; where it is not installed the test is skipped and says what to do."""
    folder = NODE_MODULES / package
    if not folder.is_dir():
        pytest.skip(f"{package} is not installed: run `make tools` (npm install {package})")
    return folder
