"""Whatever tracing lacks, the command runs as it does untraced, and one line on stderr says what is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tracing import PROGRAMS, python_called

WATCH = ("--watch", "Scheduler.add:enter, finish:leave, abort:leave", "--container", "progress")
NOT_IN_ALL = "llmlint: the command is not traced in all its processes: "
UNTRACED = "llmlint: the command runs untraced: "


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """A folder with a program that serves, prints and exits with 3."""
    folder = tmp_path / "engine"
    folder.mkdir()
    for name in ("engine.py", "main.py"):
        shutil.copy(PROGRAMS / name, folder)
    return folder


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={request.param}", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("needs a disk of its own")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def served(engine: Path, out: Path, *command: str) -> tuple[list[str], str]:
    """What `llmlint trace` said, and the summary of the one verdict; the command must do what it does by itself."""
    env = {**os.environ, "BUGS": "", "PYTHONDONTWRITEBYTECODE": "1"}
    alone = subprocess.run(command, cwd=engine, env=env, capture_output=True, text=True, timeout=60)
    done = subprocess.run(
        [sys.executable, "-m", "llmlint", "trace", *WATCH, "--out", str(out), "--", *command],
        cwd=engine, env=env, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, alone.stderr) == (alone.returncode, alone.stdout, ""), done.stderr
    findings = out / "findings.json"
    said = [line for line in done.stderr.splitlines() if not line.startswith(f"llmlint: {findings}: verdicts:")]
    if not findings.exists():
        return said, ""
    return said, json.loads(findings.read_text())["findings"][0]["verdict"]["summary"]


MAIN = (sys.executable, "main.py")


@pytest.mark.parametrize("small_disk", ["4k", "8k"], indirect=True)
def test_a_disk_that_is_full_at_the_start(small_disk: Path, engine: Path) -> None:
    out = small_disk / "run"
    assert served(engine, out, *MAIN) == ([f"{UNTRACED}{out}: No space left on device"], "")
    assert list(out.iterdir()) == [], "a later run may be made there"


@pytest.mark.parametrize("small_disk", ["16k"], indirect=True)
def test_a_disk_that_takes_the_plan_and_nothing_of_the_processes(small_disk: Path, engine: Path) -> None:
    out = small_disk / "run"
    said, summary = served(engine, out, *MAIN)
    assert said == [f"{NOT_IN_ALL}1 of them could write down nothing in {out} (is the disk full?)"]
    assert "1 of the traced processes could write down nothing" in summary


@pytest.mark.parametrize("small_disk", ["48k"], indirect=True)
def test_a_disk_that_takes_some_of_it_refutes_nothing(small_disk: Path, engine: Path) -> None:
    said, summary = served(engine, small_disk / "run", *MAIN)
    assert said == []
    assert "no refutation" in summary and "lost 1 record" in summary


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8", "3.9"])
def test_an_old_interpreter(version: str, engine: Path, tmp_path: Path) -> None:
    python = python_called(version) or pytest.skip(f"needs Python {version}")
    said, summary = served(engine, tmp_path / "run", "sh", "-c", f"{python} -c 'print(1)'; {python} -c 'print(2)'")
    (line,) = said
    assert line.startswith(f"{NOT_IN_ALL}Python {version}.") and "is too old to be traced" in line
    assert "is too old to be traced" in summary
    assert len(list((tmp_path / "run").glob("failed-*"))) == 1, "however many processes there are"


@pytest.mark.parametrize("out", ["/dev/null/run", "/proc/run", "file/run"])
def test_no_folder_can_be_made(out: str, engine: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (line,), _ = served(engine, tmp_path / out, *MAIN)
    assert line.startswith(f"{UNTRACED}{tmp_path / out}: ")


@pytest.mark.parametrize("gone", ['-r "$LLMLINT_TRACE"', '"$LLMLINT_TRACE/plan.json"'])
def test_what_goes_before_the_program_comes_to_it(gone: str, engine: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    script = f'[ -z "$LLMLINT_TRACE" ] || rm {gone}; exec {sys.executable} main.py'
    (line,), _ = served(engine, out, "sh", "-c", script)
    assert line.startswith(NOT_IN_ALL) and "No such file or directory" in line


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs to be another user")
def test_a_process_of_another_user(engine: Path, tmp_path: Path) -> None:
    python = next((one for one in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(one).exists()), None)
    command = ("setpriv", "--reuid", "65534", "--clear-groups", str(python), "-c", "import time; time.sleep(2)")
    if python is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs a Python for everybody")
    (line,), _ = served(engine, tmp_path / "run", *command)
    assert line.startswith(NOT_IN_ALL) and line.endswith(f"runs as another user, who can't read {tmp_path / 'run'}")
