"""What rules have earned, from what readers said: the rows of `rules/earned.toml` that come from these trees."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.precision.targets import Sighting
from benchmarks.precision.verdicts import Readings as Verdicts
from llmlint.earned import READINGS_FILE, Readings

HERE = "benchmarks/precision, engines that no rule was tuned on"
_FEWEST = 3
"""A row of fewer readings decides nothing, and does not take the place of one with more."""
_ENOUGH_FOR_OTHERS = 8
"""So many readings of one mechanism speak for the whole rule; fewer say nothing of mechanisms that nobody read."""

_Key = tuple[str, str]


def rows_of(sightings: Iterable[Sighting], verdicts: Verdicts) -> list[Readings]:
    """One row a rule and, where several of its mechanisms spoke, one for each that was read often enough. Where one
    spoke alone and seldom, its row speaks for itself and not for the rule: nobody has read the others.

    The same finding in two copies of a file is one.
    """
    said: dict[_Key, Counter[str]] = {}
    meant = {(*s.key, Path(s.finding.path).name): s for s in sightings if _was_meant_to_show(s)}
    for sighting in meant.values():
        reading = verdicts.of(sighting)
        finding = sighting.finding
        for mechanism in {"", finding.mechanism} if reading is not None else ():
            said.setdefault((finding.rule, mechanism), Counter())[reading.verdict if reading else ""] += 1
    source = f"{HERE}, {datetime.now(UTC):%Y-%m-%d}"
    rows = [Readings(rule, c["real"], c["harmless"], c["not-real"], source, m) for (rule, m), c in said.items()]
    told = [row for row in rows if row.read >= _FEWEST and not _is_said_by_one(row, said)]
    rules = Counter(row.rule for row in told)
    return [row for row in told if not row.mechanism or rules[row.rule] == 1 or _is_one_of_several(row, said)]


def _was_meant_to_show(sighting: Sighting) -> bool:
    """What a checker doubts by itself says nothing of what it is sure of."""
    finding = sighting.finding
    return finding.confidence != "low" or "on engines nobody tuned to" in finding.confidence_reason


def _is_one_of_several(row: Readings, said: Iterable[_Key]) -> bool:
    return sum(1 for rule, mechanism in said if rule == row.rule and mechanism) > 1


def _is_said_by_one(row: Readings, said: Mapping[_Key, Counter[str]]) -> bool:
    """Is it the rule's row, and the very readings of its one mechanism that spoke?"""
    readings = {mechanism: sum(count.values()) for (rule, mechanism), count in said.items() if rule == row.rule}
    is_same = len(readings) == 2 and len(set(readings.values())) == 1
    return not row.mechanism and is_same and row.read < _ENOUGH_FOR_OTHERS


def merged(new: Sequence[Readings], file: Path = READINGS_FILE) -> str:
    """The file with the new rows in the place of those that came from here, and of those with fewer readings."""
    text = file.read_text("utf-8")
    head = text[: text.index("[[read]]")]
    kept = {(row.rule, row.mechanism): row for row in _rows_in(text) if not row.source.startswith(HERE)}
    for row in new:
        before = kept.get((row.rule, row.mechanism))
        if before is None or row.read >= min(before.read, 2 * _FEWEST):
            kept[row.rule, row.mechanism] = row
    return head + "\n".join(_as_toml(kept[key]) for key in sorted(kept))


def _rows_in(text: str) -> Iterator[Readings]:
    yield from msgspec.convert(tomllib.loads(text).get("read", []), list[Readings])


def _as_toml(row: Readings) -> str:
    mechanism = f'mechanism = "{row.mechanism}"\n' if row.mechanism else ""
    counts = f"real = {row.real}\nharmless = {row.harmless}\nnot_real = {row.not_real}\n"
    return f'[[read]]\nrule = "{row.rule}"\n{mechanism}{counts}source = "{row.source}"\n'
