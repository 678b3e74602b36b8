"""The rows: each tries one kind of harm and tells how often, and what did not hold."""

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

from benchmarks.determinism import __main__ as determinism
from benchmarks.fuzz import __main__ as fuzz
from benchmarks.fuzz.targets import TARGETS
from benchmarks.harm import __main__ as harm
from benchmarks.harm import faults
from benchmarks.hostile import __main__ as hostile
from benchmarks.robustness.defects import Tried

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def _fuzz(targets: list[str], asked: argparse.Namespace) -> Tried:
    state = fuzz.resumed(asked.state / "fuzz.json", False)
    fuzz.go_on(state, targets, asked.inputs, asked.seconds, asked.jobs)
    fuzz.keep(asked.state / "fuzz.json", state)
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
    done = harm.resumed(asked.state / "harm.json", False)
    harm.fail_calls(done, asked.state / "harm.json", commands, asked.jobs)
    tallies = [done.failed[command] for command in commands]
    return Tried(sum(tally.tried for tally in tallies), [what for tally in tallies for what in tally.wrong])


def _endings(number: signal.Signals, asked: argparse.Namespace) -> Tried:
    done = harm.resumed(asked.state / "harm.json", False)
    times = asked.kills if number == signal.SIGKILL else asked.interrupts
    harm.end_scans(done, asked.state / "harm.json", {number: times})
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
