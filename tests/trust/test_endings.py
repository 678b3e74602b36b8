"""A scan that is ended ends at once, says so in its exit code, and leaves nobody behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import COMMAND

SLOW = "def f(x):\n" + "    x = x.get([y for y in x if y], {'a': 1}[x])\n" * 400


@pytest.fixture
def large(tree: Path) -> Path:
    """A tree whose scan takes some seconds with two workers."""
    for number in range(40):
        (tree / f"slow_{number}.py").write_text(SLOW + f"NUMBER = {number}\n")
    return tree


@pytest.fixture
def running(large: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [*COMMAND, "scan", ".", "-j2", "--no-cache", "--quiet"]
    process = subprocess.Popen(
        command, cwd=large, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=_hears_interrupts
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _hears_interrupts() -> None:
    """Also where these tests run in the background of a shell."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def children_of(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in found]


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        found = children_of(process.pid)
        if len(found) == 2:
            return found
        time.sleep(0.01)
    pytest.fail("no workers were started")


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 30
    while any(map(lives, pids)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("whom", ["the process", "its group"])
def test_a_signal_ends_the_scan_with_its_code(
    running: subprocess.Popen[bytes], number: signal.Signals, code: int, whom: str
) -> None:
    workers = workers_of(running)
    if whom == "the process":
        running.send_signal(number)
    else:  # as a terminal does on Ctrl-C
        os.killpg(running.pid, number)
    assert running.wait(60) == code
    assert running.stderr is not None
    assert running.stderr.read() == b""
    assert gone(workers)


def test_workers_die_with_a_parent_that_was_killed(running: subprocess.Popen[bytes]) -> None:
    workers = workers_of(running)
    running.kill()
    running.wait()
    assert gone(workers)


def test_a_scan_started_with_interrupts_ignored_goes_on_ignoring_them(large: Path) -> None:
    shell = f"trap '' INT; exec {' '.join(COMMAND)} scan . -j2 --no-cache --quiet"
    process = subprocess.Popen(["sh", "-c", shell], cwd=large, start_new_session=True)
    workers_of(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 1


def test_a_reader_that_goes_away_is_no_finding_and_no_fault(large: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "explain", "LLM801"], cwd=large, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 128 + signal.SIGPIPE


def test_a_full_disk_for_the_report_is_a_fault_and_not_a_finding(large: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "scan", "pool.py", "--isolated"], cwd=large, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 3
    assert b"No space left on device" in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("scan", "pool.py", "no-such-file.py", "--isolated"), 2),
        (("scan", "--no-such-flag"), 2),
        (
            ("trace", "--watch", "Nobody.add:enter", "--out", "run", "--", sys.executable, "-c", "raise SystemExit(7)"),
            7,
        ),
    ],
    ids=("a file that is not there", "wrong use", "a command that runs untraced"),
)
def test_what_standard_error_has_no_room_for_costs_nothing_else(
    large: Path, arguments: tuple[str, ...], code: int
) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, *arguments], cwd=large, stdout=subprocess.PIPE, stderr=full)
    assert done.returncode == code
    assert (b"LLM802" in done.stdout) == ("pool.py" in arguments)


def test_help_that_finds_no_room_is_no_finding(large: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, "--help"], cwd=large, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("scan pool.py --isolated --output json:report.json", 1),
        ("scan slow_1.py --isolated", 0),
        ("baseline write pool.py", 0),
        ("--help", 0),
        ("no-such-command", 2),
    ],
)
def test_closed_streams_are_said_nothing_and_cost_nothing(tree: Path, arguments: str, code: int, closed: str) -> None:
    (tree / "slow_1.py").write_text("")
    shell = f"exec {' '.join(COMMAND)} {arguments} {closed}"
    done = subprocess.run(["sh", "-c", shell], cwd=tree, capture_output=True)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    for written in tree.glob("*.json"):
        assert "LLM802" in written.read_text()
    assert len(list(tree.glob("*.json"))) == ("report.json" in arguments) + ("baseline" in arguments)


@pytest.mark.parametrize("arguments", ["lsp", "scan - --stdin-filename a.py"])
def test_standard_input_that_is_closed_has_nothing_to_say(tree: Path, arguments: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {' '.join(COMMAND)} {arguments} <&-"], cwd=tree, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
