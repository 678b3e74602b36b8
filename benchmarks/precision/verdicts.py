"""What readers said about findings, kept by fingerprint in a committed file, and the precision that follows."""

from __future__ import annotations

import fcntl
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.precision.targets import HERE, Sighting

VERDICTS = HERE / "verdicts.jsonl"

Answer = Literal["real", "not-real", "cannot-tell"]
ANSWERS: tuple[Answer, ...] = ("real", "not-real", "cannot-tell")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One reader's verdict, with enough of the finding to know it again."""

    fingerprint: str
    target: str
    rule: str
    path: str
    symbol: str
    verdict: Answer
    reason: str

    @property
    def key(self) -> tuple[str, str]:
        return (self.target, self.fingerprint)

    @property
    def order(self) -> tuple[str, str, str, str]:
        return (self.rule, self.target, self.path, self.fingerprint)


class Precision(msgspec.Struct, frozen=True):
    """Findings a reader could not judge are told apart and stand in no share."""

    shown: int
    real: int
    not_real: int
    cannot_tell: int

    @property
    def share(self) -> float | None:
        judged = self.real + self.not_real
        return self.real / judged if judged else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.real, self.real + self.not_real)


def reading_of(sighting: Sighting, verdict: Answer, reason: str) -> Reading:
    finding = sighting.finding
    return Reading(
        fingerprint=finding.fingerprint,
        target=sighting.target,
        rule=finding.rule,
        path=finding.path,
        symbol=finding.symbol,
        verdict=verdict,
        reason=reason,
    )


def load_readings(file: Path = VERDICTS) -> dict[tuple[str, str], Reading]:
    if not file.exists():
        return {}
    lines = file.read_bytes().splitlines()
    readings = (msgspec.json.decode(line, type=Reading) for line in lines if line.strip())
    return {reading.key: reading for reading in readings}


def record(new: Iterable[Reading], file: Path = VERDICTS) -> None:
    """Add readings, replacing earlier ones of the same findings; lines stay sorted, so that branches merge."""
    with _locked(file):
        readings = load_readings(file) | {reading.key: reading for reading in new}
        ordered = sorted(readings.values(), key=lambda reading: reading.order)
        scratch = file.with_suffix(".part")
        scratch.write_bytes(b"".join(msgspec.json.encode(reading) + b"\n" for reading in ordered))
        scratch.replace(file)


def precision(sightings: Iterable[Sighting], readings: Mapping[tuple[str, str], Reading]) -> Precision:
    """Of the findings there are now; a reading of one that is no longer reported counts no more."""
    seen = list(sightings)
    answers = Counter(readings[sighting.key].verdict for sighting in seen if sighting.key in readings)
    return Precision(len(seen), answers["real"], answers["not-real"], answers["cannot-tell"])


def by(
    key: Callable[[Sighting], str], sightings: Sequence[Sighting], readings: Mapping[tuple[str, str], Reading]
) -> dict[str, Precision]:
    groups = sorted({key(sighting) for sighting in sightings})
    return {group: precision((s for s in sightings if key(s) == group), readings) for group in groups}


def wilson(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % interval of a share that also behaves with few trials and near 0 and 1."""
    if not trials:
        return (0.0, 1.0)
    share = successes / trials
    weight = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / weight
    reach = z / weight * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return (max(0.0, centre - reach), min(1.0, centre + reach))


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
