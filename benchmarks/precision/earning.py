"""What rules have earned, from what readers said on engines that no rule was tuned on: `rules/earned.toml`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

from benchmarks.precision.targets import Sighting
from benchmarks.precision.verdicts import Reading
from llmlint.earned import READINGS_FILE, Readings, kind_of


def rows_of(readings: Iterable[Reading], unseen: Collection[str]) -> list[Readings]:
    """All that was ever read there, also of findings that are no longer reported: what was wrong in one way will be
    wrong in another on the next engine. Counted by what is still reported, a rule looks as good as it was mended."""
    said: dict[tuple[str, str, str], Counter[str]] = {}
    for reading in readings:
        for mechanism in {"", reading.mechanism} if reading.target in unseen else ():
            said.setdefault((reading.rule, kind_of(reading.path), mechanism), Counter())[reading.verdict] += 1
    rows = [Readings(r, k, c["real"], c["harmless"], c["not-real"], m) for (r, k, m), c in sorted(said.items())]
    return [row for row in rows if row.read]


def was_meant_to_show(sighting: Sighting) -> bool:
    """Did the checker mean it, whatever readings have made of it?"""
    finding = sighting.finding
    return finding.confidence != "low" or "on engines nobody tuned to" in finding.confidence_reason


def as_toml(rows: Iterable[Readings], file: Path = READINGS_FILE) -> str:
    """The file's head, and these rows."""
    text = file.read_text("utf-8")
    return text[: text.index("[[read]]")] + "\n".join(map(_row, rows))


def _row(row: Readings) -> str:
    counts = f"real = {row.real}\nharmless = {row.harmless}\nnot_real = {row.not_real}\n"
    mechanism = f'mechanism = "{row.mechanism}"\n' if row.mechanism else ""
    return f'[[read]]\nrule = "{row.rule}"\nlanguage = "{row.language}"\n{mechanism}{counts}'
