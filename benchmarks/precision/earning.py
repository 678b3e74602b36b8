"""What rules have earned, from what readers said on engines that no rule was tuned on: `rules/earned.toml`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

from benchmarks.precision.targets import Sighting
from benchmarks.precision.verdicts import Reading
from llmlint.earned import FEW, READINGS_FILE, Readings, kind_of, was_limited


def rows_of(readings: Iterable[Reading], unseen: Collection[str]) -> list[Readings]:
    """All that was ever read there, also of findings that are no longer reported: what was wrong in one way will be
    wrong in another on the next engine. Counted by what is still reported, a rule looks as good as it was mended.

    A mechanism that hardly speaks there is judged by what it says at home as well; a rule never is."""
    said: dict[tuple[str, str, str], Counter[str]] = {}
    at_home: dict[tuple[str, str, str], Counter[str]] = {}
    for reading in readings:
        kind = kind_of(reading.path)
        if reading.target in unseen:
            for mechanism in {"", reading.mechanism}:
                said.setdefault((reading.rule, kind, mechanism), Counter())[reading.verdict] += 1
        elif reading.mechanism:
            at_home.setdefault((reading.rule, kind, reading.mechanism), Counter())[reading.verdict] += 1
    rows = {key: _row(key, counts) for key, counts in said.items()}
    for key, counts in at_home.items():
        if key not in rows or rows[key].read < FEW:
            rows[key] = _row(key, counts + said.get(key, Counter()), at_home=True)
    return [row for _, row in sorted(rows.items()) if row.read]


def _row(key: tuple[str, str, str], said: Counter[str], at_home: bool = False) -> Readings:
    rule, kind, mechanism = key
    return Readings(rule, kind, said["real"], said["harmless"], said["not-real"], mechanism, at_home)


def was_meant_to_show(sighting: Sighting) -> bool:
    """Did the checker mean it, whatever readings have made of it?"""
    return sighting.finding.confidence != "low" or was_limited(sighting.finding)


def as_toml(rows: Iterable[Readings], file: Path = READINGS_FILE) -> str:
    """The file's head, and these rows."""
    text = file.read_text("utf-8")
    return text[: text.index("[[read]]")] + "\n".join(map(_row_as_toml, rows))


def _row_as_toml(row: Readings) -> str:
    counts = f"real = {row.real}\nharmless = {row.harmless}\nnot_real = {row.not_real}\n"
    mechanism = f'mechanism = "{row.mechanism}"\n' if row.mechanism else ""
    home = "at_home = true\n" if row.at_home else ""
    return f'[[read]]\nrule = "{row.rule}"\nlanguage = "{row.language}"\n{mechanism}{counts}{home}'
