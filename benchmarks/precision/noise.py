"""How much noise one rule makes: alarms per 1,000 lines of the engines at hand, and how many of them are false as read.

An alarm is what the rule's checker means to show; that readings made it low since is left aside, as they are what is
asked for here. Until enough were read, what nobody has read counts as false: a rule is quiet when that is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from benchmarks.precision.earning import was_meant_to_show
from benchmarks.precision.targets import LastScan, Sighting
from benchmarks.precision.verdicts import Precision, Readings, precision

MOST = 0.05
"""A rule with more false alarms per 1,000 lines is not on by default."""
ENOUGH = 10
"""So many readings speak for the alarms that nobody has read."""


_WIDTHS = (10, 7, 10, 5, 9, 4, 3, 4, 16)


class Noise(msgspec.Struct, frozen=True):
    """The alarms of one rule in so many lines, and what was read of them."""

    lines: int
    read: Precision

    @property
    def alarms(self) -> float:
        """Per 1,000 lines."""
        return self._per_thousand(self.read.shown)

    @property
    def false_alarms(self) -> float:
        """Per 1,000 lines: those read as wrong, and as large a share of the others once enough were read."""
        wrong, unread = self.read.harmless + self.read.not_real, self.read.unread
        share = wrong / self.read.judged if self.read.judged >= ENOUGH else 1.0
        return self._per_thousand(wrong + share * unread)

    @property
    def is_quiet(self) -> bool:
        return self.false_alarms <= MOST

    def _per_thousand(self, count: float) -> float:
        return 1000 * count / self.lines if self.lines else 0.0


def alarms_of(sightings: Iterable[Sighting]) -> list[Sighting]:
    return [sighting for sighting in sightings if was_meant_to_show(sighting)]


def noise_of(alarms: Sequence[Sighting], lines: Mapping[str, int], readings: Readings) -> Noise:
    """Over the targets that `lines` names."""
    return Noise(sum(lines.values()), precision((a for a in alarms if a.target in lines), readings))


def as_text(rows: Mapping[str, Noise]) -> str:
    wide = max(len(name) for name in rows)
    columns = ("lines", "alarms", "per 1,000", "real", "harmless", "not", "?", "new", "false per 1,000")
    head = " ".join(["".ljust(wide), *(title.rjust(width) for title, width in zip(columns, _WIDTHS, strict=True))])
    return "\n".join([head, *(_row(name.ljust(wide), noise) for name, noise in rows.items())])


def _row(name: str, noise: Noise) -> str:
    read = noise.read
    counts = (read.real, read.harmless, read.not_real, read.cannot_tell, read.unread)
    cells = (f"{noise.lines:,}", read.shown, f"{noise.alarms:.4f}", *counts, f"{noise.false_alarms:.4f}")
    return " ".join([name, *(str(cell).rjust(width) for cell, width in zip(cells, _WIDTHS, strict=True))])


def verdict(rule: str, noise: Noise) -> str:
    told = f"{rule}: {noise.false_alarms:.4f} false alarms per 1,000 lines"
    guessed = noise.read.unread and noise.read.judged < ENOUGH
    told += f", {noise.read.unread} that nobody has read among them" if guessed else " as read"
    return f"{told}: {'quiet enough to be' if noise.is_quiet else f'above {MOST}, not to be'} on by default"


def with_rule(last: LastScan | None, new: LastScan, rule: str) -> LastScan:
    """The findings of the last scan, those of the rule in the targets that were scanned anew taken from there."""
    if last is None:
        return new
    kept = (s for s in last.sightings if s.target not in new.trees or s.finding.rule != rule)
    return LastScan({**last.trees, **new.trees}, (*kept, *new.sightings))
