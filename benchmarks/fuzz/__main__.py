"""`python -m benchmarks.fuzz --seconds 600`: goes on where the last run ended, and writes `results/fuzz.md`.

It ends with the time, or when `--inputs` of all targets together are done, whatever comes first.

Input number N of a target is the same on every machine with the same Python, so a failure is told by its number:
`python -m benchmarks.fuzz --target reader --only 12345`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from benchmarks.fuzz.targets import PER_THOUSAND, TARGETS

STATE = Path(platformdirs.user_cache_dir("llmlint-benchmarks"), "fuzz.json")
_RESULT = Path(__file__).parent / "results" / "fuzz.md"
_MOST_CPU = 5.0
_HANGS = 60


def run_one(target: str, number: int) -> str:
    """ "" when all holds, else what went wrong."""
    began = time.process_time()
    try:
        TARGETS[target](random.Random(f"{target}:{number}"))
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {str(error)[:200]}"
    took = time.process_time() - began
    return f"took {took:.1f} s of CPU" if took > _MOST_CPU else ""


def _hang(*_: object) -> None:
    raise TimeoutError(f"no end within {_HANGS} s")


def resumed(file: Path, anew: bool) -> dict[str, Any]:
    """By target: the next number, and what failed before it."""
    state: dict[str, Any] = {name: {"next": 0, "failures": []} for name in TARGETS}
    return state if anew or not file.exists() else state | json.loads(file.read_text())


def keep(file: Path, state: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(state))


class _Task(NamedTuple):
    """The inputs of one target that one process tries: from a number on, up to another or as long as there is time."""

    target: str
    first: int
    last: int
    seconds: float


def _stretch(task: _Task) -> tuple[str, int, list[tuple[int, str]]]:
    signal.signal(signal.SIGALRM, _hang)
    number, failures, end = task.first, [], time.monotonic() + task.seconds
    while number < task.last and time.monotonic() < end:
        signal.alarm(_HANGS)
        wrong = run_one(task.target, number)
        signal.alarm(0)
        if wrong:
            failures.append((number, wrong))
        number += 1
    return task.target, number, failures


def go_on(state: dict[str, Any], targets: list[str], inputs: int, seconds: float, jobs: int) -> None:
    """What failed before is tried again; then every target that is not through gets the same share of the time."""
    for target in targets:
        failed = ((number, run_one(target, number)) for number, _ in state[target]["failures"])
        state[target]["failures"] = [(number, wrong) for number, wrong in failed if wrong]
    goals = {target: inputs * PER_THOUSAND[target] // 1000 for target in targets}
    left = [target for target in targets if state[target]["next"] < goals[target]]
    share = seconds * jobs / max(len(left), 1)
    with multiprocessing.Pool(jobs) as pool:
        tasks = [_Task(target, state[target]["next"], goals[target], share) for target in left]
        for target, number, failures in pool.imap_unordered(_stretch, tasks):
            state[target]["next"] = number
            state[target]["failures"] += failures


def table_of(state: dict[str, Any]) -> str:
    lines = [
        "# Fuzzing",
        "",
        "`python -m benchmarks.fuzz` wrote this. An input counts as failed when it raises what its target does not",
        f"allow, is a fault of a rule or the reader, takes over {_MOST_CPU:g} s of CPU, or does not end in {_HANGS} s.",
        "",
        "| target | what must hold | inputs | failed |",
        "| --- | --- | ---: | ---: |",
    ]
    for name, target in TARGETS.items():
        what = (target.__doc__ or "no exception").strip().split("\n")[0]
        lines.append(f"| {name} | {what} | {state[name]['next']:,} | {len(state[name]['failures'])} |")
    total = sum(state[name]["next"] for name in TARGETS)
    lines += [f"| all | | {total:,} | {sum(len(state[name]['failures']) for name in TARGETS)} |", ""]
    seen = [(name, *failure) for name in TARGETS for failure in state[name]["failures"]]
    lines += [f"- {name} {number}: {wrong}" for name, number, wrong in seen[:40]]
    version = ".".join(map(str, sys.version_info[:3]))
    return "\n".join([*lines, "", f"Python {version}, {sys.platform}."]).replace("\n\n\n", "\n\n") + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="Of all targets together, with those before.")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="Only these.")
    parser.add_argument("--only", type=int, help="One input, by its number; its traceback is shown.")
    parser.add_argument("--state", type=Path, default=STATE)
    parser.add_argument("--anew", action="store_true", help="Forget what was done before.")
    parser.add_argument("--result", type=Path, default=_RESULT, help="Where the table is written.")
    asked = parser.parse_args()
    targets = asked.target or list(TARGETS)
    if asked.only is not None:
        TARGETS[targets[0]](random.Random(f"{targets[0]}:{asked.only}"))
        return
    state = resumed(asked.state, asked.anew)
    go_on(state, targets, asked.inputs, asked.seconds, asked.jobs)
    keep(asked.state, state)
    asked.result.write_text(table_of(state))
    print(table_of(state), end="")
    sys.exit(any(state[name]["failures"] for name in targets))


if __name__ == "__main__":
    main()
