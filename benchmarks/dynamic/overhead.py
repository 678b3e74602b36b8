"""What tracing costs: a scheduler with and without it, in seconds of the processor and in pairs, as the median ratio.

    python benchmarks/dynamic/overhead.py [--pairs 10] [--only engine]

First the example engine, with ten functions watched and with all that its scan asks for. Then a toy with eight
functions watched for four findings: the first figure has nothing behind the scheduler but calls, which no engine comes
near; the second does as much Python a token as a real scheduler, still without a model; the third has a step of two
milliseconds. A shared attribute is used by two threads that do nothing else: at first every use is looked at,
and then stretches of them. Start-up is an empty program from its start to its end. Every row holds the start of Python
and of the tracer, in all threads: neighbours on the machine do not count. The engine's rows say beside it what is left
when the same with one request is taken off both sides: what a service that runs on sees.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from llmlint.catalogue import Catalogue, load_catalogue
from llmlint.findings import Finding
from llmlint.project import Request, scan
from llmlint.runtime.block import Block, Target, Watch, read_block
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

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

SHARED = Block(
    targets=tuple(Target(f"Table.{name}", "scope") for name in ("put", "drop", "size")),
    options={"owner": "Table", "accesses": ["entries"], "locks": ["lock"]},
)


def finding(name: str, block: Block, path: str = "workload.py") -> Finding:
    return Finding(
        rule="", name=name, causes=(name,), path=path, line=1, column=1, end_line=1, end_column=1, symbol="",
        severity="P1", confidence="medium", confidence_reason="", message=name, evidence=(), runtime=block.plain(),
        fingerprint=name,
    )  # fmt: skip


def seconds(command: list[str], env: dict[str, str]) -> float:
    """What the program took of the processor, for itself and in the kernel."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=HERE, env=env, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Plan(NamedTuple):
    """What is watched, and what the findings' paths are relative to."""

    findings: list[Finding]
    root: Path


def of_the_engine() -> Plan:
    """What the scan of the example engine asks to be watched, in its clean variant, where nothing ends early."""
    found = scan(Request((str(ROOT / "examples" / "mini_engine"),))).findings
    text = msgspec.json.encode(found).replace(b"mini_engine/seeded/", b"mini_engine/clean/")
    return Plan(msgspec.json.decode(text, type=list[Finding]), Path.cwd())


def functions_of(findings: Iterable[Finding]) -> int:
    """How many functions are watched."""
    blocks = [read_block(finding.runtime) for finding in findings if finding.runtime]
    return len({(target.path, target.qualname) for block in blocks for target in block.targets})


def up_to(functions: int, plan: Plan) -> Plan:
    """As many findings as fit: a user's usual plan is a few of them."""
    kept: list[Finding] = []
    for finding in plan.findings:
        if functions_of([*kept, finding]) <= functions:
            kept.append(finding)
    return Plan(kept, plan.root)


class Sides(NamedTuple):
    """Seconds without and with the tracer, pair by pair."""

    plain: list[float]
    traced: list[float]

    def medians(self) -> tuple[float, float]:
        return statistics.median(self.plain), statistics.median(self.traced)

    def ratio(self) -> float:
        return statistics.median(traced / plain for plain, traced in zip(*self, strict=True))


def paired(command: list[str], pairs: int, plan: Plan) -> Sides:
    sides = Sides([], [])
    catalogue = load_catalogue() if plan.root != HERE else Catalogue(())
    for pair in range(pairs):
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            prepare(run, make_plan(plan.findings, catalogue, plan.root))
            both = [(sides.plain, dict(os.environ)), (sides.traced, environment(run))]
            for kept, env in both if pair % 2 else reversed(both):
                kept.append(seconds(command, env))
    return sides


def without_start(sides: Sides, pairs: int, command: list[str], plan: Plan) -> str:
    """What tracing costs beyond its start, where the command says how many requests it serves."""
    if "engine_workload.py" not in command:
        return ""
    plain, traced = paired([*command[:2], "1", *command[3:]], pairs, plan).medians()
    started = traced - plain
    of_the_rest = (sides.medians()[1] - traced) / (sides.medians()[0] - plain)
    return f"  its start {started * 1000:5.1f} ms, the rest {of_the_rest:.3f}"


def measured(only: str) -> Iterator[tuple[str, Plan, list[str]]]:
    """What is timed: a label, what is watched, and the command."""
    import_it = "import sys; sys.path.insert(0, ''); import workload"
    toy, engine = Plan([finding(name, block) for name, block in BLOCKS.items()], HERE), of_the_engine()
    sharing = Plan([finding("unlocked-shared-state", SHARED, "sharing_workload.py")], HERE)
    python = sys.executable
    rows = [
        ("engine, no model", up_to(10, engine), [python, "engine_workload.py", "600", "0"]),
        ("engine, no model", engine, [python, "engine_workload.py", "600", "0"]),
        ("engine, a step of 2 ms", up_to(10, engine), [python, "engine_workload.py", "400", "2"]),
        ("engine, a step of 2 ms", engine, [python, "engine_workload.py", "400", "2"]),
        ("calls and nothing else", toy, [python, "-c", f"{import_it}; workload.main(4000, 0, 0)"]),
        ("no model", toy, [python, "-c", f"{import_it}; workload.main(2000, 0, 500)"]),
        ("a step of 2 ms", toy, [python, "-c", f"{import_it}; workload.main(512, 2, 500)"]),
        ("shared attribute, every use", sharing, [python, "sharing_workload.py", "1000"]),
        ("shared attribute, in stretches", sharing, [python, "sharing_workload.py", "100000"]),
        ("start-up", toy, [python, "-c", "pass"]),
        ("start-up with watched modules", toy, [python, "-c", import_it]),
    ]
    yield from (row for row in rows if row[0].startswith(only))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--only", default="", metavar="WORD", help="only the rows that begin so: engine, start-up …")
    options = parser.parse_args()
    for label, plan, command in measured(options.only):
        sides = paired(command, options.pairs, plan)
        plain, traced = sides.medians()
        functions = f"{functions_of(plan.findings):2} functions"
        row = (
            f"{label:30} {functions} {plain * 1000:8.1f} ms  traced {traced * 1000:8.1f} ms  ratio {sides.ratio():.3f}"
        )
        print(row + without_start(sides, options.pairs, command, plan), flush=True)


if __name__ == "__main__":
    main()
