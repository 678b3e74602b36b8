"""The benchmark of the device without one: the scan's half holds, and what needs a GPU says that it did not run."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.gpu.run import most

ROOT = Path(__file__).resolve().parent.parent.parent
DRY = [sys.executable, "-m", "benchmarks.gpu.run", "--device", "cpu"]


@pytest.mark.skipif(find_spec("torch") is not None, reason="is about a machine without torch")
def test_without_torch_the_scan_alone_is_run_and_the_rest_says_so(tmp_path: Path) -> None:
    done = subprocess.run([*DRY, "--results", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stderr) == (0, "")
    assert "torch is not installed" in done.stdout.splitlines()[0]
    account = json.loads((tmp_path / "cpu.json").read_text())
    assert {row["bug"]: row["scan"] for row in account["bugs"]} == dict.fromkeys(
        ("staging", "readout", "head", "recent", "masks"), "found"
    )
    assert {row["shows"] for row in account["bugs"]} == {"skipped: torch is not installed"}
    page = (tmp_path / "cpu.md").read_text()
    assert "Not yet run on a GPU" in page and "ratio" not in page


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
@pytest.mark.parametrize("bugs", ["", "staging,readout,head,recent,masks"])
def test_the_engine_answers_the_same_on_a_cpu_with_every_bug_of_the_device(bugs: str) -> None:
    program = [sys.executable, str(ROOT / "benchmarks" / "gpu" / "engine_program.py"), "--requests", "6"]
    said = subprocess.run([*program, "--longest", "64", "--bugs", bugs], capture_output=True, text=True, check=True)
    answered = json.loads(said.stdout)
    assert answered["steps"] >= 24 and set(answered) == {"answers", "steps", "seconds"}


def test_what_only_wraps_places_may_cost_less_than_what_watches_each_wait_or_allocation() -> None:
    assert {most(name) for name in ("--syncs", "--memory-timeline", "LLM602", "LLM301")} == {1.10}
    assert most("LLM105") == 1.02


def test_no_page_speaks_of_a_gpu_that_it_did_not_run_on() -> None:
    for file in (ROOT / "benchmarks" / "gpu" / "results").glob("*.json"):
        versions = json.loads(file.read_text())["versions"]
        page = file.with_suffix(".md").read_text()
        assert bool(versions.get("device")) != ("Not yet run on a GPU" in page)
