"""Whether watching keeps to its budget: the example engine under load, attached to from its start, beside it untraced.

    python benchmarks/dynamic/budget.py [--seconds 30] [--budgets 0.5 2 5]

Prints what a request takes of the processor on either side, what that is as a share of a core, and what was left out to
keep the budget. The start of the tracer (imports, code made anew, canaries) is taken off, by what it told.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from overhead import HERE, Plan, of_the_engine

from llmlint.catalogue import load_catalogue
from llmlint.dynamic.read import read_run
from llmlint.runtime.attaching import give_order
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, let_sleep, prepare

IMPORTS = 0.03
"""Seconds that a program which has not imported anything itself takes for the tracer's imports; see overhead.md."""


class Side(NamedTuple):
    """What one of two programs did that run at the same time."""

    requests: int
    seconds: float
    """Of the processor."""


def side_by_side(seconds: float, step_ms: str, environments: Iterable[dict[str, str]]) -> list[Side]:
    """At the same time: what else the machine does then falls on both."""
    command = [sys.executable, "soak_workload.py", str(seconds), step_ms]
    running = [subprocess.Popen(command, cwd=HERE, env=env, stdout=subprocess.PIPE) for env in environments]
    found = []
    for process in running:
        assert process.stdout is not None
        requests = int(process.stdout.read())
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0
        process.returncode = 0
        found.append(Side(requests, used.ru_utime + used.ru_stime))
    return found


def row(seconds: float, step_ms: str, percent: float, plan: Plan) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        prepare(folder, make_plan(plan.findings, load_catalogue(), plan.root))
        let_sleep(folder, "", seconds, percent / 100)
        give_order(folder, 10 * seconds, percent / 100)
        (plain, plain_seconds), (traced, traced_seconds) = side_by_side(
            seconds, step_ms, (dict(os.environ), environment(folder))
        )
        (process,) = read_run(str(folder)).processes
    cost = process.cost
    more = traced_seconds - cost["starting"] - IMPORTS - plain_seconds * traced / plain
    told = cost["own"] + sum(cost["findings"].values())
    names = {finding.fingerprint: finding.rule for finding in plan.findings}
    shed = ", ".join(f"{names[key]} after {one['after']:.1f} s" for key, one in process.shed.items()) or "nobody"
    each = f"{1e6 * plain_seconds / plain:6.0f} {1e6 * traced_seconds / traced:6.0f}"
    return f"{step_ms:>4} {percent:7} {each} {100 * more / seconds:12.2f} {100 * told / seconds:10.2f}  {shed}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--budgets", type=float, nargs="+", default=[0.5, 2.0, 5.0], help="per cent of a core")
    options = parser.parse_args()
    plan = of_the_engine()
    print("step  budget  untraced traced   per cent of a core    left out")
    print("  ms       %    microseconds/request  by system  by meter")
    for step_ms in ("2", "0"):
        for percent in options.budgets:
            print(row(options.seconds, step_ms, percent, plan), flush=True)


if __name__ == "__main__":
    main()
