"""What rules have earned, from what readers said on engines that no rule was tuned on: `rules/earned.toml`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from benchmarks.precision.targets import Sighting
from benchmarks.precision.verdicts import Reading
from benchmarks.precision.verdicts import Readings as Said
from llmlint.earned import FEW, READINGS_FILE, Readings, kind_of, limited, was_limited

COUNTED = ("real", "harmless", "not-real")
OF_A_PROJECT = 4
"""So many readings of one mechanism count in one project: its people repeat what they do, right or wrong."""


def rows_of(readings: Iterable[Reading], unseen: Collection[str]) -> list[Readings]:
    """All that was read there of what a checker means to show, also of findings that are no longer reported: what was
    wrong in one way will be wrong in another on the next engine. What the checker itself doubts is not shown, and says
    nothing of what is.

    A mechanism that hardly speaks there is judged by what it says at home as well; a rule never is."""
    by_project: dict[tuple[str, str, str, str], Counter[str]] = {}
    for reading in readings:
        if not reading.doubted and reading.verdict in COUNTED:
            key = (reading.target, reading.rule, kind_of(reading.path), reading.mechanism)
            by_project.setdefault(key, Counter())[reading.verdict] += 1
    said: dict[tuple[str, str, str], Counter[str]] = {}
    at_home: dict[tuple[str, str, str], Counter[str]] = {}
    for (target, rule, kind, mechanism), counts in by_project.items():
        if target in unseen:
            for name in {"", mechanism}:
                said.setdefault((rule, kind, name), Counter()).update(_few_of(counts))
        elif mechanism:
            at_home.setdefault((rule, kind, mechanism), Counter()).update(_few_of(counts))
    rows = {key: _row(key, counts) for key, counts in said.items()}
    for key, counts in at_home.items():
        if key not in rows or rows[key].read < FEW:
            rows[key] = _row(key, counts + said.get(key, Counter()), at_home=True)
    return [row for _, row in sorted(rows.items()) if row.read]


def _few_of(counts: Counter[str]) -> Counter[str]:
    """The same shares, of no more readings than count."""
    read = counts.total()
    if read <= OF_A_PROJECT:
        return counts
    shares = {verdict: OF_A_PROJECT * counts[verdict] / read for verdict in COUNTED}
    few = Counter({verdict: int(share) for verdict, share in shares.items()})
    left = sorted(COUNTED, key=lambda verdict: few[verdict] - shares[verdict])
    few.update(left[: OF_A_PROJECT - few.total()])
    return few


def renewed(said: Said, sightings: Iterable[Sighting]) -> list[Reading]:
    """Readings as a scan has their findings now: by which mechanism, and whether their checker doubts each of them."""
    seen: dict[tuple[str, str], list[Sighting]] = {}
    for sighting in sightings:
        reading = said.of(sighting)
        if reading is not None:
            seen.setdefault(reading.key, []).append(sighting)
    return [_renewed(said.known[key], alike) for key, alike in seen.items()]


def _renewed(reading: Reading, alike: list[Sighting]) -> Reading:
    doubted = not any(map(was_meant_to_show, alike))
    return msgspec.structs.replace(reading, mechanism=alike[0].finding.mechanism, doubted=doubted)


def _row(key: tuple[str, str, str], said: Counter[str], at_home: bool = False) -> Readings:
    rule, kind, mechanism = key
    return Readings(rule, kind, said["real"], said["harmless"], said["not-real"], mechanism, at_home)


def was_meant_to_show(sighting: Sighting) -> bool:
    """Did the checker mean it, whatever readings have made of it?"""
    return sighting.finding.confidence != "low" or was_limited(sighting.finding)


def judged_anew(sighting: Sighting) -> Sighting:
    """By the readings there are now, where those of its scan were others. How sure its checker was of what they lowered
    is not kept: medium."""
    finding = sighting.finding
    if was_limited(finding):
        finding = msgspec.structs.replace(finding, confidence="medium", confidence_reason="")
    return msgspec.structs.replace(sighting, finding=limited(finding))


def as_toml(rows: Iterable[Readings], file: Path = READINGS_FILE) -> str:
    """The file's head, and these rows."""
    text = file.read_text("utf-8")
    return text[: text.index("[[read]]")] + "\n".join(map(_row_as_toml, rows))


def _row_as_toml(row: Readings) -> str:
    counts = f"real = {row.real}\nharmless = {row.harmless}\nnot_real = {row.not_real}\n"
    mechanism = f'mechanism = "{row.mechanism}"\n' if row.mechanism else ""
    home = "at_home = true\n" if row.at_home else ""
    return f'[[read]]\nrule = "{row.rule}"\nlanguage = "{row.language}"\n{mechanism}{counts}{home}'
