"""`python -m benchmarks.robustness`: tries again what was tried to break llmlint, and writes `results/robustness.md`.

One run is of one state of the code. Started again on the same code it goes on where it ended, and tries again what did
not hold; other code is tried from the beginning. Exits with 1 when anything did not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import platformdirs

from benchmarks.robustness.attempts import ROWS
from benchmarks.robustness.defects import Tried, try_defects
from benchmarks.robustness.growth import CASES, Grown, grow
from benchmarks.robustness.rows import DEFECTS

STATES = Path(platformdirs.user_cache_dir("llmlint-benchmarks"), "robustness")
_RESULT = Path(__file__).parent / "results" / "robustness.md"
_ROOT = Path(__file__).resolve().parents[2]
_TRIED = ("src", "rules", "checkers", "dynamic")
"""The folders that the product is made of."""


class Done(msgspec.Struct):
    """By row, by case of growth, and by defect; `seconds` is how long all of it took."""

    rows: dict[str, Tried] = {}
    growth: dict[str, Grown] = {}
    defects: dict[str, Tried] = {}
    seconds: float = 0.0


def code() -> str:
    """Names the state of the code: a commit elsewhere does not change it, and an edit that is not committed does."""
    digest = hashlib.sha256()
    for command in (["ls-tree", "-r", "HEAD"], ["diff", "HEAD"]):
        digest.update(subprocess.run(["git", *command, "--", *_TRIED], cwd=_ROOT, capture_output=True).stdout)
    return digest.hexdigest()[:12]


def go_on(done: Done, asked: argparse.Namespace) -> None:
    """Whatever was not tried yet, and what did not hold."""
    for name, attempt in ROWS.items():
        if _is_left(done.rows.get(name)):
            with _kept(done, asked.state, name):
                done.rows[name] = attempt(asked)
    for case in CASES:
        if _is_left(done.growth.get(case.name)):
            with _kept(done, asked.state, case.name):
                done.growth[case.name] = grow(case)
    left = [defect for defect in DEFECTS if _is_left(done.defects.get(defect.name))]
    if left:
        with _kept(done, asked.state, "tests of the defects"):
            done.defects |= try_defects(left)


def _is_left(before: Tried | Grown | None) -> bool:
    return before is None or bool(before.wrong)


@contextmanager
def _kept(done: Done, state: Path, name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    print(f"{took:5.0f} s  {name}", file=sys.stderr, flush=True)
    done.seconds += took
    state.mkdir(parents=True, exist_ok=True)
    (state / "done.json").write_bytes(msgspec.json.encode(done))


def wrong_in(done: Done) -> list[str]:
    tried = (*done.rows.values(), *done.defects.values())
    return [what for one in (*tried, *done.growth.values()) for what in one.wrong]


def table_of(done: Done, of_code: str) -> str:
    version, minutes = platform.python_version(), done.seconds / 60
    lines = ["# Attempts to break llmlint", ""]
    lines += [f"`python -m benchmarks.robustness` wrote this, after {minutes:.0f} minutes with code {of_code} and"]
    lines += [
        f"Python {version}. The same code has the same name: `python -m benchmarks.robustness --code` tells it.",
        "",
    ]
    lines += ["| attempt | tried | failed |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {tried.tried:,} | {len(tried.wrong)} |" for name, tried in done.rows.items()]
    lines += ["", "## Defects that were found once, and the tests of each", ""]
    lines += ["| defect | what it was | tests | failed |", "| --- | --- | ---: | ---: |"]
    for defect in DEFECTS:
        tried = done.defects.get(defect.name, Tried())
        lines.append(f"| {defect.name} | {defect.what} | {tried.tried} | {len(tried.wrong)} |")
    lines += ["", "## How time grows", ""]
    lines += ["Cold scans with one worker, less the start-up. A power of 1 is in proportion.", ""]
    lines += ["| what | how many | seconds of CPU | MiB | power |", "| --- | --- | --- | --- | ---: |"]
    lines += map(_row_of, done.growth.values())
    lines += ["", *(f"- {what}" for what in wrong_in(done)[:60])]
    return "\n".join(lines).rstrip() + "\n"


def _row_of(grown: Grown) -> str:
    sizes, seconds = " / ".join(f"{n:,}" for n in grown.sizes), " / ".join(f"{s:.2f}" for s in grown.seconds)
    mib = " / ".join(f"{n:.0f}" for n in grown.mib)
    return f"| {grown.case} | {sizes} | {seconds} | {mib} | {grown.power:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="Of all fuzzers together.")
    parser.add_argument("--seconds", type=float, default=100, help="At most, for each row that fuzzes.")
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--interrupts", type=int, default=40, help="And as many that are terminated.")
    parser.add_argument("--rounds", type=int, default=1, help="Of hostile trees.")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--state", type=Path, help="A folder for what is done; one for each state of the code.")
    parser.add_argument("--anew", action="store_true", help="Forget what was done before with this code.")
    parser.add_argument("--code", action="store_true", help="Only tell the name of the code.")
    asked = parser.parse_args()
    of_code = code()
    if asked.code:
        print(of_code)
        return
    asked.state = asked.state or STATES / of_code
    if asked.anew:
        shutil.rmtree(asked.state, ignore_errors=True)
    known = asked.state / "done.json"
    done = msgspec.json.decode(known.read_bytes(), type=Done) if known.exists() else Done()
    go_on(done, asked)
    if code() != of_code:
        sys.exit("the code was changed meanwhile: start again")
    _RESULT.write_text(table_of(done, of_code))
    print(table_of(done, of_code), end="")
    sys.exit(bool(wrong_in(done)))


if __name__ == "__main__":
    main()
