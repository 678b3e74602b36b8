"""What readers said about findings, kept by fingerprint in a committed file, and the precision that follows."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.precision.targets import HERE, Sighting
from llmlint.study.wilson import wilson

VERDICTS = HERE / "verdicts.jsonl"
SECOND = HERE / "second_reading.jsonl"

Answer = Literal["real", "harmless", "not-real", "cannot-tell"]
ANSWERS: tuple[Answer, ...] = ("real", "harmless", "not-real", "cannot-tell")


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reader's verdict, with enough of the finding to know it again."""

    fingerprint: str
    target: str
    rule: str
    path: str
    line: int = 0
    symbol: str = ""
    mechanism: str = ""
    verdict: Answer
    reason: str = ""
    doubted: bool = False
    """Whether the checker itself tells it with low confidence, by the last scan."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.target, self.fingerprint)

    @property
    def order(self) -> tuple[str, str, str, str]:
        return (self.rule, self.target, self.path, self.fingerprint)


class Readings:
    """What was said of findings, by fingerprint; where a place is noted as well, also by rule and place.

    A pinned tree stands still: a finding of the same rule at the same line is the same, whatever words it is told in.
    """

    def __init__(self, readings: Iterable[Reading]) -> None:
        self.known = {reading.key: reading for reading in readings}
        self._by_place = {
            (reading.target, reading.rule, reading.path, reading.line): reading
            for reading in self.known.values()
            if reading.line
        }

    def of(self, sighting: Sighting) -> Reading | None:
        finding = sighting.finding
        place = (sighting.target, finding.rule, finding.path, finding.line)
        return self.known.get(sighting.key) or self._by_place.get(place)


class Precision(msgspec.Struct, frozen=True):
    """A true finding that nobody would act on is no real one. Those that could not be judged stand in no share."""

    shown: int
    real: int
    harmless: int
    not_real: int
    cannot_tell: int

    @property
    def judged(self) -> int:
        return self.real + self.harmless + self.not_real

    @property
    def unread(self) -> int:
        return self.shown - self.judged - self.cannot_tell

    @property
    def share(self) -> float | None:
        return self.real / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.real, self.judged)


def reading_of(sighting: Sighting, verdict: Answer, reason: str) -> Reading:
    finding = sighting.finding
    return Reading(
        fingerprint=finding.fingerprint,
        target=sighting.target,
        rule=finding.rule,
        path=finding.path,
        symbol=finding.symbol,
        mechanism=finding.mechanism,
        line=finding.line,
        verdict=verdict,
        reason=reason,
    )


def load_readings(*files: Path) -> Readings:
    """Of all files; where two speak of one finding, the later file has the last word."""
    return Readings(reading for file in files if file.exists() for reading in _read(file))


def _read(file: Path) -> Iterator[Reading]:
    for line in file.read_bytes().splitlines():
        if line.strip():
            yield msgspec.json.decode(line, type=Reading)


def record(new: Iterable[Reading], file: Path = VERDICTS) -> None:
    """Add readings, replacing earlier ones of the same findings; lines stay sorted, so that branches merge."""
    with _locked(file):
        readings = load_readings(file).known | {reading.key: reading for reading in new}
        ordered = sorted(readings.values(), key=lambda reading: reading.order)
        scratch = file.with_suffix(".part")
        scratch.write_bytes(b"".join(msgspec.json.encode(reading) + b"\n" for reading in ordered))
        scratch.replace(file)


def precision(sightings: Iterable[Sighting], readings: Readings) -> Precision:
    """Of the findings there are now; a reading of one that is no longer reported counts no more."""
    read = [readings.of(sighting) for sighting in sightings]
    said = Counter(reading.verdict for reading in read if reading)
    return Precision(len(read), said["real"], said["harmless"], said["not-real"], said["cannot-tell"])


def by(key: Callable[[Sighting], str], sightings: Sequence[Sighting], readings: Readings) -> dict[str, Precision]:
    groups = sorted({key(sighting) for sighting in sightings})
    return {group: precision((s for s in sightings if key(s) == group), readings) for group in groups}


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
