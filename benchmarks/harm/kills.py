"""Live scans are killed at random moments; the next one must say what an undisturbed one says, and nobody be left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.hostile.trees import POOL

_FILES, _IN_EACH = 60, 8


class Tally(msgspec.Struct):
    """What became of the scans that were ended."""

    ended: int = 0
    over_before: int = 0
    findings: int = 0
    slowest: float = 0.0
    wrong: list[str] = []

    def add(self, more: Tally) -> None:
        self.ended += more.ended
        self.over_before += more.over_before
        self.findings = more.findings
        self.slowest = max(self.slowest, more.slowest)
        self.wrong += more.wrong


def kill_many(times: int, number: signal.Signals, seed: int) -> Tally:
    """`number`: SIGKILL goes to the parent alone; SIGINT and SIGTERM must be answered within a second."""
    rng, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory() as folder:
        tree, cache = _tree(Path(folder)), Path(folder, "cache")
        began = time.monotonic()
        clean = _scan(tree, Path(folder, "other"))
        whole = time.monotonic() - began
        tally.findings = clean.count(b"\n")
        while tally.ended < times and tally.over_before < times + 10:
            process = _started(tree, cache)
            time.sleep(rng.uniform(0.05, whole))
            _end(process, number, tally)
            if (tally.ended + tally.over_before) % 10 == 0:
                if _scan(tree, cache) != clean:
                    tally.wrong.append(f"other findings after {tally.ended}")
                for file in cache.rglob("*.sqlite3*"):
                    file.unlink(missing_ok=True)
    return tally


def _end(process: subprocess.Popen[bytes], number: signal.Signals, tally: Tally) -> None:
    children = _children(process.pid)
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate()
    took = time.monotonic() - began
    if process.returncode == 1 and out:
        tally.over_before += 1
        return
    tally.ended += 1
    tally.slowest = max(tally.slowest, took)
    allowed = (-number,) if number == signal.SIGKILL else (128 + number, -number)
    if process.returncode not in allowed:
        tally.wrong.append(f"exit code {process.returncode}: {err[-200:]!r}")
    time.sleep(0.05)
    tally.wrong += [f"a worker of {process.pid} lives on" for child in children if _lives_long(child)]


def _lives_long(pid: int) -> bool:
    end = time.monotonic() + 2
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return False
        except OSError:
            return False
        time.sleep(0.02)
    return True


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _started(tree: Path, cache: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "llmlint", "scan", ".", "-j2", "--format", "concise"]
    env = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    return subprocess.Popen(
        command, cwd=tree, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_hears_interrupts
    )


def _hears_interrupts() -> None:
    """Also where this runs in the background of a shell, which has what it starts there ignore them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _scan(tree: Path, cache: Path) -> bytes:
    return _started(tree, cache).communicate()[0]


def _tree(folder: Path) -> Path:
    tree = folder / "tree"
    (tree / ".git").mkdir(parents=True)
    for file in range(_FILES):
        text = "".join(f"{POOL.replace('Pool', f'Pool{file}_{number}')}\n\n" for number in range(_IN_EACH))
        (tree / f"pool_{file}.py").write_text(text)
    return tree
