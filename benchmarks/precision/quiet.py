"""What stands behind each mechanism that is shown by default: its noise on unseen engines, and its real bugs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from benchmarks.precision.noise import Noise, noise_of
from benchmarks.precision.report import table
from benchmarks.precision.targets import HERE, Sighting
from benchmarks.precision.verdicts import Reading, Readings
from llmlint.earned import readings as earned

SCOREBOARD = HERE.parents[1] / "docs" / "scoreboard.md"
_FOUND = re.compile(r"^\| (?P<project>[a-z]+)-\d+ \| [\w-]+ \| (?P<rule>LLM\d+) (?P<mechanism>[\w.]+) \|", re.M)


class Standing(msgspec.Struct, frozen=True):
    """Of one mechanism: `bugs` are those that readers called real anywhere, and the known ones of the manifest."""

    rule: str
    mechanism: str
    noise: Noise
    bugs: int
    projects: int


def shown() -> list[tuple[str, str]]:
    """Rule and mechanism of all that readings let be shown."""
    rows = earned().values()
    return sorted({(row.rule, row.mechanism) for row in rows if row.mechanism and row.most_confident != "low"})


def standings(
    alarms: Sequence[Sighting], lines: Mapping[str, int], readings: Readings, scoreboard: str
) -> Iterator[Standing]:
    for rule, mechanism in shown():
        its = [a for a in alarms if (a.finding.rule, a.finding.mechanism) == (rule, mechanism)]
        bugs = [*_read_as_real(readings.known.values(), rule, mechanism), *_known(scoreboard, rule, mechanism)]
        yield Standing(rule, mechanism, noise_of(its, lines, readings), len(bugs), len(set(bugs)))


def _read_as_real(readings: Iterable[Reading], rule: str, mechanism: str) -> Iterator[str]:
    """The project of each."""
    for reading in readings:
        if (reading.rule, reading.mechanism, reading.verdict) == (rule, mechanism, "real"):
            yield reading.target


def _known(scoreboard: str, rule: str, mechanism: str) -> Iterator[str]:
    """The project of each known bug that is found and shown."""
    for row in _FOUND.finditer(scoreboard):
        if (row["rule"], row["mechanism"]) == (rule, mechanism):
            yield row["project"].replace("llamacpp", "llama.cpp")


def as_markdown(rows: Iterable[Standing], lines: Mapping[str, int]) -> str:
    return f"""# What is shown by default, one mechanism at a time

Written by `python -m benchmarks.precision quiet --page`, over {len(lines)} projects that no rule was tuned on, of
{sum(lines.values()):,} lines: {", ".join(sorted(lines))}.

*alarms* are meant to be shown; false are those read as harmless or wrong, with as large a share of what nobody has
read, or all of it where few were read. *Real bugs* were read as real in any project at any time, or are known ones of
the manifest; *projects* are those they are of.

{table(_HEAD, map(_cells, rows))}
"""


_HEAD = (
    "rule",
    "mechanism",
    "alarms",
    "real",
    "harmless",
    "not",
    "?",
    "new",
    "false per 1,000",
    "real bugs",
    "projects",
)


def _cells(row: Standing) -> Sequence[object]:
    read = row.noise.read
    counts = (read.shown, read.real, read.harmless, read.not_real, read.cannot_tell, read.unread)
    return [row.rule, row.mechanism, *counts, f"{row.noise.false_alarms:.4f}", row.bugs, row.projects]
