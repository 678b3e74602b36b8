"""From what each revision shows to the life of each finding: which sighting is the same finding a revision later."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from llmlint.baseline import match
from llmlint.fleet.dataset import Life, Revision, Sighting

Shown = tuple[Revision, Sequence[Sighting]]
"""A revision, and what it shows."""


class _Thread:
    """The sightings of one finding."""

    def __init__(self, number: int, sighting: Sighting) -> None:
        self.first = self.last = sighting
        self.born = self.seen = number
        self.count = 0
        self.gaps = 0

    def add(self, number: int, sighting: Sighting) -> None:
        self.gaps += number - self.seen > 1
        self.last, self.seen = sighting, number
        self.count += 1


class Ended(msgspec.Struct, frozen=True):
    """A finding that the revision `after` does not show any more."""

    life: Life
    sighting: Sighting
    after: str


def lives_of(project: str, shown: Sequence[Shown]) -> tuple[list[Life], list[Ended]]:
    """The findings that are there at the newest revision, and those that are not."""
    threads: list[_Thread] = []
    for number, (_, sightings) in enumerate(shown):
        threads.sort(key=lambda thread: -thread.seen)  # what was there a revision ago goes before what was long away
        known = _same(threads, sightings, number)
        for new, sighting in enumerate(sightings):
            if new not in known:
                known[new] = _Thread(number, sighting)
                threads.append(known[new])
            known[new].add(number, sighting)
    newest = len(shown) - 1
    threads.sort(key=lambda thread: (thread.born, thread.first.path, thread.first.line, thread.first.fingerprint))
    there = [_life(project, thread) for thread in threads if thread.seen == newest]
    ended = [
        Ended(_life(project, thread), thread.last, shown[thread.seen + 1][0].commit)
        for thread in threads
        if thread.seen < newest
    ]
    return there, ended


def _same(threads: Sequence[_Thread], sightings: Sequence[Sighting], number: int) -> dict[int, _Thread]:
    """Which sighting goes on with which thread: by fingerprint; by its words, of what was there a revision ago."""
    known: dict[int, _Thread] = {}
    for mark in MARKS:
        taken = {id(thread) for thread in known.values()}
        left = [
            thread
            for thread in threads
            if id(thread) not in taken and (mark is fingerprint_of or thread.seen == number - 1)
        ]
        fresh = [new for new in range(len(sightings)) if new not in known]
        again = match(
            [(thread.last.path, mark(thread.last)) for thread in left],
            [(sightings[new].path, mark(sightings[new])) for new in fresh],
        )
        known |= {fresh[new]: left[old] for old, new in again.items()}
    return known


def fingerprint_of(sighting: Sighting) -> str:
    return sighting.fingerprint


def says(sighting: Sighting) -> str:
    """Two findings that say the same of the same function are one, also where the line itself reads differently."""
    return "\0".join((sighting.rule, sighting.symbol, sighting.message))


def says_in_file(sighting: Sighting) -> str:
    """So are two that say the same of the same file, where the function or its class was given another name."""
    return "\0".join((sighting.rule, sighting.path, sighting.message))


MARKS = (fingerprint_of, says, says_in_file)
"""What two findings of two revisions have in common when they are one, the surest first."""


def _life(project: str, thread: _Thread) -> Life:
    first, last = thread.first, thread.last
    return Life(
        project=project,
        rule=last.rule,
        name=last.name,
        severity=last.severity,
        confidence=last.confidence,
        path=last.path,
        symbol=last.symbol,
        line=last.line,
        message=last.message,
        fingerprint=last.fingerprint,
        first_seen=first.commit,
        first_date=first.date,
        last_seen=last.commit,
        last_date=last.date,
        revisions=thread.count,
        gaps=thread.gaps,
        from_the_start=thread.born == 0,
    )
