"""What a scan costs before it reads anything: `python -m benchmarks.speed.startup`.

Prints the least of so many runs on an empty folder, in the processor's seconds and by the clock, beside Python's own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time

_RUNS = 20


def main() -> None:
    with tempfile.TemporaryDirectory() as empty:
        for name, command in {
            "python": ["-c", "pass"],
            "llmlint --version": ["-m", "llmlint", "--version"],
            "llmlint scan, an empty folder": ["-m", "llmlint", "scan", empty],
        }.items():
            runs = [_seconds([sys.executable, "-P", *command]) for _ in range(_RUNS)]
            worked, waited = (min(column) for column in zip(*runs, strict=True))
            print(f"{name:<32} {worked:.3f} s of the processor, {waited:.3f} s by the clock")


def _seconds(command: list[str]) -> tuple[float, float]:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    waited, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, waited


if __name__ == "__main__":
    main()
