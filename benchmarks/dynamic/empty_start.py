"""What a Python process with nothing to watch pays for being started in a traced run, and what it leaves there.

    python benchmarks/dynamic/empty_start.py [--pairs 200] [PYTHON …]

Pairs of `python -c pass`, with the run's environment and without. Ends with 1 where one takes 5 ms more, or a file
appears.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from overhead import BLOCKS, HERE

from llmlint.catalogue import Catalogue
from llmlint.findings import Finding
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

MOST = 0.005


def finding(name: str) -> Finding:
    return Finding(
        rule="", name=name, causes=(name,), path="workload.py", line=1, column=1, end_line=1, end_column=1, symbol="",
        severity="P1", confidence="medium", confidence_reason="", message=name, evidence=(),
        runtime=BLOCKS[name].plain(), fingerprint=name,
    )  # fmt: skip


def once(python: str, env: dict[str, str]) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([python, "-c", "pass"], env=env, check=True)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("pythons", nargs="*", default=[sys.executable])
    asked = parser.parse_args()
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        prepare(run, make_plan(map(finding, BLOCKS), Catalogue(()), HERE))
        traced, there = environment(run, base=plain), set(run.iterdir())
        for python in asked.pythons:
            for _ in range(5):
                once(python, plain), once(python, traced)
            pairs = [(once(python, plain), once(python, traced)) for _ in range(asked.pairs)]
            wall, cpu = (statistics.median(with_it[at] - without[at] for without, with_it in pairs) for at in (0, 1))
            left = sorted(file.name for file in set(run.iterdir()) - there)
            version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.strip()
            whole = statistics.median(without[0] for without, _ in pairs)
            print(
                f"{version:16} {1000 * whole:6.1f} ms  more {1000 * wall:5.2f} ms, of the processor {1000 * cpu:5.2f}",
                *left,
            )
            failed = failed or wall > MOST or bool(left)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
