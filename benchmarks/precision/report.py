"""The tables of precision as read, for the terminal and as a page, with a list of what is new to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import llmlint
from benchmarks.precision.targets import Sighting, Target, by_default
from benchmarks.precision.verdicts import Precision, Readings, by, precision

Tables = dict[str, dict[str, Precision]]

COLUMNS = ("findings", "new", "real", "harmless", "not", "?")


def tables_of(sightings: Sequence[Sighting], readings: Readings) -> Tables:
    """By rule, by confidence and by both: what is called sure ought to be right more often than what is not."""
    shown = [sighting for sighting in sightings if by_default(sighting)]
    return {
        "shown by default": {"all": precision(shown, readings)},
        "rule": by(lambda sighting: sighting.finding.rule, shown, readings),
        "confidence": by(lambda sighting: sighting.finding.confidence, sightings, readings),
        "severity": by(lambda sighting: sighting.finding.severity, shown, readings),
        "rule and confidence": by(lambda s: f"{s.finding.rule} {s.finding.confidence}", shown, readings),
        "mechanism": by(lambda s: f"{s.finding.rule} {s.finding.mechanism}", shown, readings),
        "target": by(lambda sighting: sighting.target, shown, readings),
    }


def as_text(tables: Tables) -> str:
    lines = []
    for title, rows in tables.items():
        wide = max(24, *(len(name) + 2 for name in rows)) if rows else 24
        lines.append(f"{title:{wide}} " + " ".join(f"{column:>8}" for column in COLUMNS) + "  precision (95 %)")
        for name, row in rows.items():
            lines.append(f"  {name:{wide - 2}} " + " ".join(f"{cell:8}" for cell in _cells(row)) + f"  {_share(row)}")
    return "\n".join(lines)


def as_markdown(
    tables: Tables, sightings: Iterable[Sighting], readings: Readings, scanned: Mapping[str, Target]
) -> str:
    trees = ((name, target.package or f"{target.repository} {target.commit[:12]}") for name, target in scanned.items())
    new = (s for s in sightings if by_default(s) and readings.of(s) is None)
    blocks = [
        "# Precision, as read",
        "Written by `python -m benchmarks.precision report --page`. *real*: it can occur and does harm; *harmless*: "
        "true, and nobody would act on it; *not*: false; *?*: could not be told; *new*: nobody has read it yet. The "
        "share is that of the real ones among those that could be told.",
        f"llmlint {llmlint.__version__}, {datetime.now(UTC):%Y-%m-%d}.",
        table(("target", "tree"), trees),
    ]
    for title, rows in tables.items():
        head = (title, *COLUMNS, "precision (95 %)")
        blocks += [
            f"## {title.capitalize()}",
            table(head, ((n, *_cells(row), _share(row)) for n, row in rows.items())),
        ]
    blocks += ["## New to read", table(("rule", "confidence", "target", "place", "fingerprint"), map(_place, new))]
    return "\n\n".join(blocks) + "\n"


def _place(sighting: Sighting) -> tuple[str, ...]:
    finding = sighting.finding
    return finding.rule, finding.confidence, sighting.target, f"{finding.path}:{finding.line}", finding.fingerprint


def _cells(row: Precision) -> tuple[int, ...]:
    return row.shown, row.unread, row.real, row.harmless, row.not_real, row.cannot_tell


def _share(row: Precision) -> str:
    low, high = row.interval
    return "not read" if row.share is None else f"{row.share:.0%} ({low:.0%} to {high:.0%})"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
