"""What readings promised of the projects that were read next, and what was right there: how much may be shown.

Each commit of the verdicts is one round of reading. What was read in it for the first time is judged by what had been
read in the rounds before, as `llmlint.earned` would have judged it then.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec

from benchmarks.precision.earning import COUNTED, OF_A_PROJECT, rows_of
from benchmarks.precision.report import table
from benchmarks.precision.verdicts import Reading
from llmlint.earned import Readings, kind_of, worth

_FIRST_ROUNDS = 20
"""With fewer rounds before it nothing is foretold: the first were of one kind of engine."""
_STEP = 0.05
_HALVES = ("right in the earlier half", "in the later", "together")
_THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)


class Foretold(msgspec.Struct, frozen=True):
    """One reading: how often its like had been right before it was read, and whether it was."""

    promised: float
    was_right: bool
    counts: float
    """One, or less where one project repeats what it does: no more than `OF_A_PROJECT` together."""
    late: bool
    """In the later half of the rounds."""


def rounds_of(file: Path) -> dict[tuple[str, str], int]:
    """In which commit of the file each finding was read first."""
    listed = _git(file.parent, "log", "--reverse", "--format=%H", "--", file.name).split()
    first: dict[tuple[str, str], int] = {}
    for number, commit in enumerate(listed):
        for line in _git(file.parent, "show", f"{commit}:./{file.name}").splitlines():
            first.setdefault(msgspec.json.decode(line, type=Reading).key, number)
    return first


def _git(folder: Path, *asked: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *asked], check=True, capture_output=True, text=True).stdout


def foretold(
    readings: Iterable[Reading],
    rounds: dict[tuple[str, str], int],
    unseen: Collection[str],
    first_rounds: int = _FIRST_ROUNDS,
) -> list[Foretold]:
    """Of all that was read on engines nobody tuned to after the first rounds."""

    def round_of(reading: Reading) -> int:
        return rounds.get(reading.key, -1)

    told = sorted((r for r in readings if r.target in unseen and _counts(r)), key=round_of)
    middle = (first_rounds + max(rounds.values(), default=0)) / 2
    before: list[Reading] = []
    found: list[Foretold] = []
    for number, group in groupby(told, round_of):
        new = list(group)
        if number >= first_rounds:
            found += _judged(new, before, unseen, number > middle)
        before += new
    return found


def _counts(reading: Reading) -> bool:
    return not reading.doubted and reading.verdict in COUNTED


def _judged(
    new: Sequence[Reading], before: Sequence[Reading], unseen: Collection[str], late: bool
) -> Iterator[Foretold]:
    said = {(row.rule, row.language, row.mechanism): row for row in rows_of(before, unseen)}
    alike = Counter((reading.target, *_key(reading)) for reading in new)
    for reading in new:
        rule, language, mechanism = key = _key(reading)
        row = said.get(key) or Readings(rule, language, mechanism=mechanism)
        counts = min(1.0, OF_A_PROJECT / alike[(reading.target, *key)])
        yield Foretold(worth(row, said), reading.verdict == "real", counts, late)


def _key(reading: Reading) -> tuple[str, str, str]:
    return (reading.rule, kind_of(reading.path), reading.mechanism)


def as_markdown(found: Sequence[Foretold]) -> str:
    steps = sorted({_step(one.promised) for one in found})
    promised = (
        (f"{step:.2f} to {step + _STEP:.2f}", [f for f in found if _step(f.promised) == step]) for step in steps
    )
    shown = ((f"{least:.2f}", [one for one in found if one.promised >= least]) for least in _THRESHOLDS)
    return f"""# What readings promise, and what is right where it is read next

Written by `python -m benchmarks.precision foretold --page`. Each commit of the verdicts is a round of reading; what was
read first in it is judged by the rounds before it, as `llmlint.earned` would have, and counted by how often its like
had been right: *promised*. What one project repeats counts four times at most. The rounds are halved: a choice made by
the earlier half can be tried on the later.

{table(("promised", *_HALVES), (_row(name, rows) for name, rows in promised))}

What would have been shown, by the least that is promised:

{table(("shown from", *_HALVES), (_row(name, rows) for name, rows in shown))}
"""


def _step(promised: float) -> float:
    return int(promised / _STEP + 1e-9) * _STEP


def _row(name: str, rows: Sequence[Foretold]) -> Sequence[str]:
    halves = ([row for row in rows if not row.late], [row for row in rows if row.late], rows)
    return [name, *map(_share, halves)]


def _share(rows: Sequence[Foretold]) -> str:
    right, read = sum(row.counts for row in rows if row.was_right), sum(row.counts for row in rows)
    return f"{right:.0f} of {read:.0f}, {100 * right / read:.0f} %" if rows else "-"
