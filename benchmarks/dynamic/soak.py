"""A tracer that is left on: the example engine under load for minutes, traced, beside the same untraced.

    python benchmarks/dynamic/soak.py [--minutes 30] [--every 30]

Prints what the run's folder holds and what both processes have in memory, every so many seconds. Ends with 1 when the
folder grew after the first half of the time, or the traced process by more than the untraced one and `ROOM`: until then
what the probes keep has reached its bounds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from overhead import HERE, of_the_engine

from llmlint.catalogue import load_catalogue
from llmlint.dynamic.read import read_run
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare
from llmlint.runtime.verdicts import with_verdicts

ROOM = 1 << 20
"""Bytes: what allocators give back late is no growth."""
STEP_MS = "2"


class Look(NamedTuple):
    """At one moment: seconds since the start, bytes."""

    at: float
    folder: int
    files: int
    plain: int
    traced: int


def resident(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    line = next((line for line in text.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(line.split()[1]) * 1024


def looks(folder: Path, plain: subprocess.Popen[str], traced: subprocess.Popen[str], every: float) -> Iterator[Look]:
    start = time.monotonic()
    while plain.poll() is None and traced.poll() is None:
        files = [file.stat().st_blocks * 512 for file in folder.iterdir()]
        found = Look(time.monotonic() - start, sum(files), len(files), resident(plain.pid), resident(traced.pid))
        if found.plain and found.traced:
            yield found
        time.sleep(every)


def growth(seen: list[Look]) -> list[str]:
    """What is not as it must be."""
    first, last = next(look for look in seen if look.at >= seen[-1].at / 2), seen[-1]
    wrong = [f"the folder grew from {first.folder} to {last.folder} bytes"] if last.folder > first.folder else []
    more = (last.traced - first.traced) - max(0, last.plain - first.plain)
    return wrong + ([f"the traced process grew by {more} bytes more than the untraced one"] if more > ROOM else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two looks")
    options = parser.parse_args()
    plan = of_the_engine()
    command = [sys.executable, "soak_workload.py", str(options.minutes * 60), STEP_MS]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        prepare(folder, make_plan(plan.findings, load_catalogue(), plan.root))
        plain, traced = (
            subprocess.Popen(command, cwd=HERE, env=env, stdout=subprocess.PIPE, text=True)
            for env in (dict(os.environ), environment(folder))
        )
        seen = []
        print(f"{'seconds':>8} {'folder kB':>10} {'files':>6} {'untraced MB':>12} {'traced MB':>10}")
        for look in looks(folder, plain, traced, options.every):
            seen.append(look)
            memory = f"{look.plain / 2**20:12.1f} {look.traced / 2**20:10.1f}"
            print(f"{look.at:8.0f} {look.folder / 1024:10.0f} {look.files:6} {memory}", flush=True)
        served = [process.communicate()[0].strip() for process in (plain, traced)]
        run = read_run(str(folder))
        verdicts = [one.verdict.status for one in with_verdicts(plan.findings, [run], load_catalogue()) if one.verdict]
    (process,) = run.processes
    print(f"served untraced {served[0]}, traced {served[1]}; lost {process.lost}, faults {process.faults}")
    print(f"verdicts: {', '.join(f'{verdicts.count(one)} {one}' for one in sorted(set(verdicts)))}")
    wrong = growth(seen) + ([f"ended with {plain.returncode}, {traced.returncode}"] * bool(traced.returncode))
    print("nothing grew" if not wrong else "; ".join(wrong))
    sys.exit(int(bool(wrong)))


if __name__ == "__main__":
    main()
