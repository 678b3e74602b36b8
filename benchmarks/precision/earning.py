"""What rules have earned, from what readers said: the rows of `rules/earned.toml` that come from these trees."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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

_ENOUGH_LATELY = 5
"""So many readings on engines that were new lately stand for themselves where they say less: by the others, rules were
mended."""

_Key = tuple[str, str]


def rows_of(sightings: Iterable[Sighting], verdicts: Verdicts, late: Collection[str] = ()) -> list[Readings]:
    """What was read often enough: one row a rule and, where several of its mechanisms spoke, one for each.

    The same finding in two copies of a file is one. `late`: targets that were new to all rules until lately.
    """
    said: dict[_Key, Counter[str]] = {}
    lately: dict[_Key, Counter[str]] = {}
    meant = {(*s.key, Path(s.finding.path).name): s for s in sightings if was_meant_to_show(s)}
    for sighting in meant.values():
        reading = verdicts.of(sighting)
        finding = sighting.finding
        for mechanism in {"", finding.mechanism} if reading is not None else ():
            for counted in (said, lately) if sighting.target in late else (said,):
                counted.setdefault((finding.rule, mechanism), Counter())[reading.verdict if reading else ""] += 1
    for key, counted in lately.items():
        if counted.total() >= _ENOUGH_LATELY and _share(counted) < _share(said[key]):
            said[key] = counted
    source = f"{HERE}, {datetime.now(UTC):%Y-%m-%d}"
    rows = [Readings(rule, c["real"], c["harmless"], c["not-real"], source, m) for (rule, m), c in said.items()]
    return [row for row in rows if row.read >= _FEWEST and _speaks(row, said)]


def _share(counted: Counter[str]) -> float:
    judged = counted["real"] + counted["harmless"] + counted["not-real"]
    return counted["real"] / judged if judged else 0.0


def was_meant_to_show(sighting: Sighting) -> bool:
    """What a checker doubts by itself says nothing of what it is sure of."""
    finding = sighting.finding
    return finding.confidence != "low" or "on engines nobody tuned to" in finding.confidence_reason


def _speaks(row: Readings, said: Mapping[_Key, Counter[str]]) -> bool:
    """Where one mechanism spoke alone, one row tells it all: while it was seldom read that of the mechanism, for nobody
    has read the rule's others, and then that of the rule."""
    mechanisms = [counted for (rule, mechanism), counted in said.items() if rule == row.rule and mechanism]
    if len(mechanisms) > 1 and not row.mechanism:
        return row.read >= _ENOUGH_FOR_OTHERS
    if len(mechanisms) != 1:
        return True
    is_alone = mechanisms[0] == said[row.rule, ""]
    return bool(row.mechanism) == (is_alone and row.read < _ENOUGH_FOR_OTHERS)


def merged(new: Sequence[Readings], file: Path = READINGS_FILE) -> str:
    """The file with the new rows in the place of those that came from here, and of those with fewer readings.

    What was taken back is given again by many readings only.
    """
    text = file.read_text("utf-8")
    head = text[: text.index("[[read]]")]
    known = {(row.rule, row.mechanism): row for row in _rows_in(text)}
    kept = {key: row for key, row in known.items() if not row.source.startswith(HERE) or _is_taken_back(row)}
    told = {(row.rule, row.mechanism): row for row in new if _is_taken_back(row)} | known
    for row in new:
        before = kept.get((row.rule, row.mechanism))
        if before is None or row.read >= min(before.read, 2 * _FEWEST):
            if row.read < _ENOUGH_FOR_OTHERS and not _is_taken_back(row) and _is_taken_back(_told_of(row, told)):
                continue
            kept[row.rule, row.mechanism] = row
    return head + "\n".join(_as_toml(kept[key]) for key in sorted(kept))


def _told_of(row: Readings, told: Mapping[_Key, Readings]) -> Readings | None:
    return told.get((row.rule, row.mechanism)) or told.get((row.rule, ""))


def _is_taken_back(row: Readings | None) -> bool:
    return row is not None and row.most_confident == "low"


def _rows_in(text: str) -> Iterator[Readings]:
    yield from msgspec.convert(tomllib.loads(text).get("read", []), list[Readings])


def _as_toml(row: Readings) -> str:
    mechanism = f'mechanism = "{row.mechanism}"\n' if row.mechanism else ""
    counts = f"real = {row.real}\nharmless = {row.harmless}\nnot_real = {row.not_real}\n"
    return f'[[read]]\nrule = "{row.rule}"\n{mechanism}{counts}source = "{row.source}"\n'
