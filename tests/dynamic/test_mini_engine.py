"""The whole loop on the example engine: scanned, traced, confirmed; the demo is the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
OF_THE_DEVICE = {f"mini_engine/seeded/{part}.py" for part in ("staging", "readout", "head", "recent", "masks")}
"""Their bugs show on a GPU alone."""
ENGINE = [sys.executable, "-m", "mini_engine", "drive"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """What the demo printed, and the folder of its runs; it judges itself by its exit status."""
    out = tmp_path_factory.mktemp("demo")
    command = [sys.executable, str(EXAMPLES / "demo.py"), "--device", "none", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    yield done.stdout, out


def verdicts(out: Path, variant: str) -> dict[str, str]:
    findings: list[dict[str, Any]] = json.loads((out / f"{variant}-verdicts.json").read_text())["findings"]
    return {finding["path"]: finding["verdict"]["status"] for finding in findings}


def test_a_scan_finds_the_seeded_bugs_and_nothing_in_the_clean_variant(demo: tuple[str, Path]) -> None:
    found = json.loads((demo[1] / "findings.json").read_text())["findings"]
    assert len({finding["path"] for finding in found}) == 19
    assert [finding["path"] for finding in found if "/seeded/" not in finding["path"]] == []


@pytest.mark.parametrize(
    ("part", "rule"),
    [
        ("staging", "LLM301"),
        ("readout", "LLM602"),
        ("head", "LLM305"),
        ("recent", "LLM105"),
        ("masks", "LLM607"),
    ],
)
def test_the_scan_finds_each_bug_of_the_device_by_its_rule_alone(demo: tuple[str, Path], part: str, rule: str) -> None:
    found = json.loads((demo[1] / "findings.json").read_text())["findings"]
    assert [f["rule"] for f in found if f["path"] == f"mini_engine/seeded/{part}.py"] == [rule]


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
def test_on_a_cpu_the_bugs_of_the_device_change_no_answer() -> None:
    arguments = ["--device", "cpu", "--only", "look_at_images"]
    said = [drive(bugs, arguments) for bugs in ("", "staging,readout,head,recent,masks")]
    clean, seeded = (text.splitlines()[1:] for text in said)
    assert clean == seeded != []


def test_every_seeded_bug_that_ran_is_confirmed_and_none_is_refuted(demo: tuple[str, Path]) -> None:
    seeded = verdicts(demo[1], "seeded")
    needs_torch = {"mini_engine/seeded/group.py", "mini_engine/seeded/write_back.py"}
    did_not_run = (set() if find_spec("torch") else needs_torch) | OF_THE_DEVICE
    ran = {path: seeded[path] for path in seeded if path not in did_not_run}
    assert set(ran.values()) == {"confirmed"}, ran
    assert "refuted" not in seeded.values()


def test_nothing_is_confirmed_in_the_clean_variant(demo: tuple[str, Path]) -> None:
    assert "confirmed" not in verdicts(demo[1], "clean").values()


def test_without_torch_the_demo_says_what_did_not_run(demo: tuple[str, Path]) -> None:
    said = "its part needs torch, which is not installed" in demo[0]
    assert said == (find_spec("torch") is None)


# At exit Python may unlink a semaphore and be gone before its tracker hears of it, which then warns of a leak.
TRACKER_IS_LATE = "ignore::UserWarning:multiprocessing.resource_tracker"


def drive(bugs: str, arguments: Sequence[str] = ("--device", "none")) -> str:
    command = [*ENGINE, *arguments, "--bugs", bugs]
    environment = {**os.environ, "PYTHONWARNINGS": TRACKER_IS_LATE}
    done = subprocess.run(command, cwd=EXAMPLES, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_clean_engine_serves_what_it_promises() -> None:
    said = drive("")
    assert "24 of 24 were refused" in said
    assert "80 integers came back whole" in said
    assert "12 different answers" in said
    assert "42 requests survived" in said


@pytest.mark.parametrize(
    ("bug", "symptom"),
    [
        ("matching", "18 of 24 were refused"),
        ("tool_calls", "0 integers came back whole"),
        ("prefix_key", "\nThe same question about twelve images, each asked twice. 1 different answers"),
    ],
)
def test_a_bug_that_is_switched_on_shows(bug: str, symptom: str) -> None:
    assert symptom in drive(bug)


def test_the_engine_knows_nothing_of_llmlint() -> None:
    sources = [file.read_text() for file in (EXAMPLES / "mini_engine").rglob("*.py")]
    assert [text for text in sources if "llmlint" in text.replace("# llmlint: ignore", "")] == []


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
def test_two_ranks_say_the_same_as_one() -> None:
    command = [sys.executable, "-m", "mini_engine", "drive", "--device", "cpu", "--only", "look_at_images"]
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}
    one, two = (
        subprocess.run([*command, "--ranks", ranks], cwd=EXAMPLES, env=env, capture_output=True, text=True, timeout=100)
        for ranks in "12"
    )
    assert one.stdout.splitlines()[1:] == two.stdout.splitlines()[1:] != []
