"""What tracing costs: a scheduler with and without it, in pairs, as the median of the ratios.

    python benchmarks/dynamic/overhead.py [--pairs 10]

Eight functions are watched for four findings. The first figure has nothing behind the scheduler but calls, which no
engine comes near; the second does as much Python a token as a real scheduler, still without a model; the third has a
step of two milliseconds. Start-up is the time to an empty program's end.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from llmlint.catalogue import Catalogue
from llmlint.findings import Finding
from llmlint.runtime.block import Block, Target, Watch
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

HERE = Path(__file__).parent

LIFE = (
    Target("Scheduler.add", "enter", entity="request_id"),
    Target("Scheduler.finish", "leave", entity="request_id", via="finish"),
    Target("Scheduler.abort", "leave", entity="request_ids[]", via="abort"),
)
BLOCKS = {
    "request-state-leak": Block(targets=LIFE, watch=(Watch("tokens", owner="Scheduler"),)),
    "unbounded-cache": Block(
        targets=(Target("Scheduler.admit", "insert", entity="request_id"),),
        watch=(Watch("blocks", owner="Scheduler"),),
    ),
    "leak-on-error-path": Block(
        targets=(
            Target("Scheduler.admit", "scope"),
            Target("Scheduler.allocate", "acquire", entity="return"),
            Target("Scheduler.release", "release", entity="block"),
        )
    ),
    "restore-leaves-state": Block(
        targets=(Target("Scheduler.reset", "reset"),), watch=(Watch("waiting", owner="Scheduler"),)
    ),
}


def finding(name: str, block: Block) -> Finding:
    return Finding(
        rule="", name=name, causes=(name,), path="workload.py", line=1, column=1, end_line=1, end_column=1, symbol="",
        severity="P1", confidence="medium", confidence_reason="", message=name, evidence=(), runtime=block.plain(),
        fingerprint=name,
    )  # fmt: skip


def seconds(command: list[str], env: dict[str, str]) -> float:
    """What the program says it took; a program that says nothing is timed from outside."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=HERE, env=env, capture_output=True, text=True, check=True)
    return float(done.stdout) if done.stdout.strip() else time.perf_counter() - start


def paired(command: list[str], pairs: int, findings: list[Finding]) -> tuple[float, float, float]:
    """Median seconds without and with the tracer, and the median of the pairs' ratios."""
    plain: list[float] = []
    traced: list[float] = []
    for pair in range(pairs):
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            prepare(run, make_plan(findings, Catalogue(()), HERE))
            sides = [(plain, dict(os.environ)), (traced, environment(run))]
            for kept, env in sides if pair % 2 else reversed(sides):
                kept.append(seconds(command, env))
    ratios = [with_it / without for without, with_it in zip(plain, traced, strict=True)]
    return statistics.median(plain), statistics.median(traced), statistics.median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10)
    pairs = parser.parse_args().pairs
    findings = [finding(name, block) for name, block in BLOCKS.items()]
    import_it = "import sys; sys.path.insert(0, ''); import workload"
    for label, command in (
        ("calls and nothing else", [sys.executable, "-c", f"{import_it}; workload.main(4000, 0, 0)"]),
        ("no model", [sys.executable, "-c", f"{import_it}; workload.main(2000, 0, 500)"]),
        ("a step of 2 ms", [sys.executable, "-c", f"{import_it}; workload.main(512, 2, 500)"]),
        ("start-up", [sys.executable, "-c", "pass"]),
        ("start-up with watched modules", [sys.executable, "-c", import_it]),
    ):
        plain, traced, ratio = paired(command, pairs, findings)
        print(f"{label:32} {plain * 1000:8.1f} ms  traced {traced * 1000:8.1f} ms  ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
