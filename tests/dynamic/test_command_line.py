"""`trace` and `confirm` as a user types them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from tracing import PROGRAMS

RESETS = """
class Cache:
    def __init__(self):
        self.first, self.second, self.third, self.fourth = {}, {}, {}, {}

    def add(self, key):
        self.first[key] = self.second[key] = self.third[key] = self.fourth[key] = 1

    def drop(self, key):
        self.first.pop(key, None)
        self.second.pop(key, None)
        self.third.pop(key, None)
        self.fourth.pop(key, None)

    def reset(self):
        self.first.clear()
        self.second.clear()
        self.third.clear()
"""

DRIVER = """
import resets
cache = resets.Cache()
for number in range(5):
    cache.add(number)
    cache.reset()
print("done")
raise SystemExit(7)
"""


def llmlint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llmlint", *arguments], cwd=folder, capture_output=True, text=True, timeout=120
    )


def test_scan_trace_and_confirm_write_a_verdict_onto_the_finding(tmp_path: Path) -> None:
    (tmp_path / "resets.py").write_text(RESETS)
    (tmp_path / "driver.py").write_text(DRIVER)
    scanned = llmlint(tmp_path, "scan", ".", "--no-cache", "--min-confidence", "low", "--output", "json:findings.json")
    assert scanned.returncode == 1, scanned.stderr
    traced = llmlint(
        tmp_path, "trace", "--findings", "findings.json", "--out", "run", "--", sys.executable, "driver.py"
    )
    assert (traced.returncode, traced.stdout) == (7, "done\n"), traced.stderr
    confirmed = llmlint(tmp_path, "confirm", "findings.json", "run", "--format", "json", "--write")
    assert confirmed.returncode == 0, confirmed.stderr
    finding = next(one for one in json.loads(confirmed.stdout)["findings"] if one["name"] == "restore-leaves-state")
    assert finding["verdict"]["status"] == "confirmed"
    assert finding["confidence"] == "certain"
    assert "driver.py" in finding["verdict"]["reproduce"]
    assert json.loads((tmp_path / "findings.json").read_text())["findings"] == json.loads(confirmed.stdout)["findings"]


def test_the_command_runs_on_when_trace_itself_is_killed_and_the_verdict_says_so(tmp_path: Path) -> None:
    (tmp_path / "resets.py").write_text(RESETS)
    (tmp_path / "driver.py").write_text(
        "import pathlib, sys, time\npathlib.Path('started').touch()\nsys.stdin.read()\n"
        "import resets\ncache = resets.Cache()\ncache.add(1)\nif len(sys.argv) > 1:\n    cache.reset()\n"
        "pathlib.Path('done').touch()\n"
    )
    llmlint(tmp_path, "scan", ".", "--no-cache", "--min-confidence", "low", "--output", "json:findings.json")
    command = ["trace", "--findings", "findings.json", "--out", "run", "--", sys.executable, "driver.py"]
    with subprocess.Popen([sys.executable, "-m", "llmlint", *command], cwd=tmp_path, stdin=subprocess.PIPE) as trace:
        wait_for(tmp_path / "started")
        trace.kill()
    wait_for(tmp_path / "done")  # its input ended with the pipe
    confirmed = llmlint(tmp_path, "confirm", "findings.json", "run", "--format", "json")
    finding = next(one for one in json.loads(confirmed.stdout)["findings"] if one["name"] == "restore-leaves-state")
    assert finding["verdict"]["status"] == "not-exercised"
    assert "llmlint trace was gone before the command ended" in finding["verdict"]["summary"]
    assert "driver.py" in finding["verdict"]["reproduce"]


def wait_for(file: Path) -> None:
    patience = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < patience, f"{file.name} never came"
        time.sleep(0.02)


def test_verify_is_the_three_in_one_and_fails_when_a_bug_is_confirmed(tmp_path: Path) -> None:
    """Also one that reading alone is not sure enough of to show."""
    (tmp_path / "resets.py").write_text(RESETS)
    (tmp_path / "driver.py").write_text(DRIVER)
    assert "restore-leaves-state" not in llmlint(tmp_path, "scan", ".", "--no-cache").stdout
    done = llmlint(tmp_path, "verify", ".", "--", sys.executable, "driver.py")
    assert done.returncode == 1, done.stderr
    assert "verdicts: 1 confirmed" in done.stdout


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    (tmp_path / "findings.json").write_text(llmlint(PROGRAMS, "scan", ".", "--no-cache", "--format", "json").stdout)
    command = (
        "trace",
        "--findings",
        "findings.json",
        "--out",
        "run",
        "--",
        sys.executable,
        "-c",
        "raise SystemExit(3)",
    )
    assert llmlint(tmp_path, *command).returncode == 3
    again = llmlint(tmp_path, *command)
    assert (again.returncode, again.stderr) == (3, "llmlint: the command runs untraced: run: it holds a run already\n")


def test_whatever_tracing_lacks_the_command_runs_and_one_line_says_what(tmp_path: Path) -> None:
    (tmp_path / "findings.json").write_text(llmlint(PROGRAMS, "scan", ".", "--no-cache", "--format", "json").stdout)
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "file").touch()
    for findings, out, said in (
        ("findings.json", "/dev/full/run", "/dev/full/run: Not a directory"),
        ("findings.json", "file/run", "file/run: Not a directory"),
        ("none.json", "run", "cannot read none.json: No such file or directory"),
        ("broken.json", "run", "broken.json is no report of `scan --format json`: Input data was truncated"),
    ):
        command = ("--findings", findings, "--out", out, "--", sys.executable, "-c", "print('served')")
        done = llmlint(tmp_path, "trace", *command)
        assert (done.returncode, done.stdout) == (0, "served\n")
        assert done.stderr == f"llmlint: the command runs untraced: {said}\n"


def test_confirm_refuses_what_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "findings.json").write_text(llmlint(PROGRAMS, "scan", ".", "--no-cache", "--format", "json").stdout)
    done = llmlint(tmp_path, "confirm", "findings.json", ".")
    assert done.returncode == 2
    assert "is not a folder of `llmlint trace`" in done.stderr


def test_confirm_writes_verdicts_into_the_baseline_and_a_later_run_takes_none_back(tmp_path: Path) -> None:
    (tmp_path / "resets.py").write_text(RESETS)
    (tmp_path / "driver.py").write_text(DRIVER)
    llmlint(tmp_path, "scan", ".", "--no-cache", "--min-confidence", "low", "--output", "json:findings.json")
    assert llmlint(tmp_path, "baseline", "write", ".", "--min-confidence", "low").returncode == 0
    for run, program in (("run", "driver.py"), ("idle", "-c")):
        command = [sys.executable, program, *(["pass"] if program == "-c" else [])]
        llmlint(tmp_path, "trace", "--findings", "findings.json", "--out", run, "--", *command)
        confirmed = llmlint(tmp_path, "confirm", "findings.json", run, "-q", "--baseline", "llmlint-baseline.json")
        assert confirmed.returncode == 0, confirmed.stderr
    entries = json.loads((tmp_path / "llmlint-baseline.json").read_text())["findings"]
    assert [entry["verdict"]["status"] for entry in entries if entry["rule"] == "LLM801"] == ["confirmed"]


def test_a_baseline_that_cannot_be_read_is_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "resets.py").write_text(RESETS)
    (tmp_path / "broken.json").write_text("{")
    llmlint(tmp_path, "scan", ".", "--no-cache", "--min-confidence", "low", "--output", "json:findings.json")
    llmlint(tmp_path, "trace", "--findings", "findings.json", "--out", "run", "--", sys.executable, "-c", "pass")
    confirmed = llmlint(tmp_path, "confirm", "findings.json", "run", "-q", "--baseline", "broken.json")
    assert confirmed.returncode == 2
    assert confirmed.stderr.startswith("llmlint: broken.json: not a baseline")
    assert (tmp_path / "broken.json").read_text() == "{"


def test_coverage_names_the_functions_that_rules_are_about_and_the_run_never_reached(tmp_path: Path) -> None:
    (tmp_path / "resets.py").write_text(RESETS)
    (tmp_path / "driver.py").write_text(DRIVER)
    (tmp_path / "idle.py").write_text("def flush(cache):\n    cache.clear()\n")
    llmlint(tmp_path, "scan", ".", "--no-cache", "--min-confidence", "low", "--output", "json:findings.json")
    command = (sys.executable, "driver.py")
    traced = llmlint(tmp_path, "trace", "--findings", "findings.json", "--sites", ".", "--out", "run", "--", *command)
    assert (traced.returncode, traced.stdout) == (7, "done\n"), traced.stderr
    said = llmlint(tmp_path, "confirm", "findings.json", "run", "-q", "--coverage").stdout
    assert "never called: Cache.drop" in said
    assert "never called: Cache.reset" not in said
    assert "never imported: idle.py (1 functions to watch)" in said
