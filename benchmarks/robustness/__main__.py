"""`python -m benchmarks.robustness`: tries again what was tried to break llmlint, and writes `results/robustness.md`.

What takes long goes on where `benchmarks.fuzz`, `benchmarks.harm` and this one ended; with `--anew` all begins anew.
Exits with 1 when anything did not hold.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import platformdirs

from benchmarks.determinism import __main__ as determinism
from benchmarks.fuzz import __main__ as fuzz
from benchmarks.fuzz.targets import TARGETS
from benchmarks.harm import __main__ as harm
from benchmarks.harm import faults
from benchmarks.hostile import __main__ as hostile
from benchmarks.robustness.defects import Tried, try_defects
from benchmarks.robustness.growth import CASES, Grown, grow
from benchmarks.robustness.rows import DEFECTS

STATE = Path(platformdirs.user_cache_dir("llmlint-benchmarks"), "robustness.json")
_RESULT = Path(__file__).parent / "results" / "robustness.md"
_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class Done(msgspec.Struct):
    """By row, by case of growth, and by defect."""

    rows: dict[str, Tried] = {}
    growth: list[Grown] = []
    defects: dict[str, Tried] = {}


def _fuzz(targets: list[str], asked: argparse.Namespace) -> Tried:
    state = fuzz.resumed(asked.fuzz_state, asked.anew)
    fuzz.go_on(state, targets, asked.inputs, asked.seconds, asked.jobs)
    fuzz.keep(asked.fuzz_state, state)
    wrong = [f"{name} {number}: {what}" for name in targets for number, what in state[name]["failures"]]
    return Tried(sum(state[name]["next"] for name in targets), wrong)


def _library(asked: argparse.Namespace) -> Tried:
    """Every file of Python's own library: none is a fault, and one file that cannot be read costs no other."""
    library = Path(sysconfig.get_paths()["stdlib"])
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(library, Path(folder, "lib"), ignore=shutil.ignore_patterns("site-packages", "__pycache__"))
        files = sum(1 for _ in Path(folder, "lib").rglob("*.py"))
        command = [sys.executable, "-P", "-m", "llmlint", "scan", "lib", "--no-cache", f"-j{asked.jobs}"]
        done = subprocess.run([*command, "--format", "concise"], cwd=folder, capture_output=True, text=True)
    wrong = [line for line in done.stderr.splitlines() if "fault" in line or "Traceback" in line or "failed" in line]
    return Tried(files, wrong + [f"exit code {done.returncode}"] * (done.returncode not in (0, 1, 3)))


def _faults(commands: list[str], asked: argparse.Namespace) -> Tried:
    done = harm.resumed(asked.harm_state, asked.anew)
    harm.fail_calls(done, asked.harm_state, commands, asked.jobs)
    tallies = [done.failed[command] for command in commands]
    return Tried(sum(tally.tried for tally in tallies), [what for tally in tallies for what in tally.wrong])


def _endings(number: signal.Signals, asked: argparse.Namespace) -> Tried:
    done = harm.resumed(asked.harm_state, asked.anew)
    harm.end_scans(done, asked.harm_state, {number: asked.kills if number == signal.SIGKILL else asked.interrupts})
    return Tried(done.ended[number.name].ended, done.ended[number.name].wrong)


def _determinism(asked: argparse.Namespace) -> Tried:
    rows, missing = determinism.compare_all([_EXAMPLES], determinism.PYTHONS, seed=0)
    return Tried(
        sum(row.scans for row in rows), [what for row in rows for what in row.wrong] + [f"no {p}" for p in missing]
    )


def _hostile(asked: argparse.Namespace) -> Tried:
    done = [hostile.attempt(*one, list(hostile.COMMANDS)) for one in hostile.names_of(asked.rounds)]
    return Tried(sum(one.commands for one in done), [what for one in done for what in one.wrong])


_OF_CODE = ["reader", "records", "comments"]
_OF_TREES = [name for name in TARGETS if name not in (*_OF_CODE, "program")]
_WRITING = [command for command in faults.COMMANDS if command not in ("cache", "trace")]

ROWS: dict[str, Callable[[argparse.Namespace], Tried]] = {
    "fuzz: readers, rules of a file, records, comments (inputs)": partial(_fuzz, _OF_CODE),
    "fuzz: whole programs in all formats (inputs)": partial(_fuzz, ["program"]),
    "fuzz: settings, patterns, baselines, damaged caches (inputs)": partial(_fuzz, _OF_TREES),
    "Python's own library with its tests, in one scan (files)": _library,
    "system calls failed: what commands write (calls)": partial(_faults, _WRITING),
    "system calls failed: the cache (calls)": partial(_faults, ["cache"]),
    "system calls failed: traced commands (calls)": partial(_faults, ["trace"]),
    "the same bytes, with every Python and in every way (scans)": _determinism,
    "hostile trees (commands)": _hostile,
    "live scans killed, the next one compared (kills)": partial(_endings, signal.SIGKILL),
    "live scans interrupted": partial(_endings, signal.SIGINT),
    "live scans terminated": partial(_endings, signal.SIGTERM),
}


def go_on(done: Done, asked: argparse.Namespace) -> None:
    for name, attempt in ROWS.items():
        if name not in done.rows:
            done.rows[name] = attempt(asked)
            _keep(done, asked.state)
    for case in CASES[len(done.growth) :]:
        done.growth.append(grow(case))
        _keep(done, asked.state)
    if not done.defects:
        done.defects = try_defects(DEFECTS)
        _keep(done, asked.state)


def _keep(done: Done, state: Path) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_bytes(msgspec.json.encode(done))


def wrong_in(done: Done) -> list[str]:
    tried = (*done.rows.values(), *done.defects.values())
    return [what for one in (*tried, *done.growth) for what in one.wrong]


def table_of(done: Done) -> str:
    lines = ["# Attempts to break llmlint", "", "`python -m benchmarks.robustness` wrote this.", ""]
    lines += ["| attempt | tried | failed |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {tried.tried:,} | {len(tried.wrong)} |" for name, tried in done.rows.items()]
    lines += ["", "## Defects that were found once, and the tests of each", ""]
    lines += ["| defect | what it was | tests | failed |", "| --- | --- | ---: | ---: |"]
    for defect in DEFECTS:
        tried = done.defects.get(defect.name, Tried())
        lines.append(f"| {defect.name} | {defect.what} | {tried.tried} | {len(tried.wrong)} |")
    lines += [
        "",
        "## How time grows",
        "",
        "Cold scans with one worker, less the start-up. A power of 1 is in proportion.",
    ]
    lines += ["", "| what | how many | seconds of CPU | MiB | power |", "| --- | --- | --- | --- | ---: |"]
    for one in done.growth:
        sizes, mib = " / ".join(f"{n:,}" for n in one.sizes), " / ".join(f"{n:.0f}" for n in one.mib)
        lines.append(
            f"| {one.case} | {sizes} | {' / '.join(f'{s:.2f}' for s in one.seconds)} | {mib} | {one.power:.1f} |"
        )
    lines += ["", *(f"- {what}" for what in wrong_in(done)[:60])]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="Of all fuzzers together.")
    parser.add_argument("--seconds", type=float, default=600, help="At most, for each row that fuzzes.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--interrupts", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3, help="Of hostile trees.")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--state", type=Path, default=STATE)
    parser.add_argument("--fuzz-state", type=Path, default=fuzz.STATE)
    parser.add_argument("--harm-state", type=Path, default=harm.STATE)
    parser.add_argument("--anew", action="store_true", help="Forget what was done before.")
    asked = parser.parse_args()
    if asked.anew:
        for state in (asked.state, asked.fuzz_state, asked.harm_state):
            state.unlink(missing_ok=True)
        asked.anew = False
    known = asked.state.exists()
    done = msgspec.json.decode(asked.state.read_bytes(), type=Done) if known else Done()
    go_on(done, asked)
    _RESULT.write_text(table_of(done))
    print(table_of(done), end="")
    sys.exit(bool(wrong_in(done)))


if __name__ == "__main__":
    main()
