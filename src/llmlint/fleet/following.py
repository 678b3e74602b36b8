"""Which commit made a finding disappear: between the last revision that shows it and the next, by halving.

Asked first are the commits that touch the files of the finding and of its evidence; where it is still there after the
last of those, every commit is. Only the finding's rule runs, and what was scanned once is taken from the cache.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from llmlint.fleet.dataset import Life, Sighting
from llmlint.fleet.git_objects import Commit, Git
from llmlint.fleet.lives import MARKS, Ended
from llmlint.fleet.revision_scan import Asked, scan_revision
from llmlint.fleet.sightings import sightings_of

_FIX = re.compile(
    r"\b(?:bug ?-?fix\w*|hot ?-?fix\w*|fix(?:e[sd]|ing)?|bugs?|leak\w*|crash\w*|race|deadlock\w*|hang(?:s|ing)?|"
    r"regression|prevent\w*|handle|missing|wrong|incorrect\w*|avoid)\b",
    re.IGNORECASE,
)


def is_fix(subject: str) -> bool:
    """Does a commit say that it mends something? By the words of its subject."""
    return bool(_FIX.search(subject))


class Lost(msgspec.Struct, frozen=True):
    """A task: the findings that one revision shows and the next does not."""

    asked: Asked
    ended: tuple[Ended, ...]


def follow(lost: Lost) -> list[Life]:
    with Git(Path(lost.asked.folder)) as git:
        tracker = _Tracker(lost.asked, git)
        return [tracker.followed(ended) for ended in lost.ended]


class _Tracker:
    def __init__(self, asked: Asked, git: Git) -> None:
        self._asked = asked
        self._git = git
        self._shown: dict[tuple[str, str], set[str]] = {}
        self._paths: dict[str, set[str]] = {}

    def followed(self, ended: Ended) -> Life:
        """The life with its end; only with how long it was there, where the commits between are no line."""
        life = msgspec.structs.replace(ended.life, gone="changed", gone_after=ended.after)
        commit = self._commit_that_ended(ended)
        if commit is None:
            return life
        return msgspec.structs.replace(
            life,
            gone=self._how(ended.sighting, commit),
            gone_by=commit.sha,
            gone_date=commit.date,
            gone_subject=commit.subject,
        )

    def _commit_that_ended(self, ended: Ended) -> Commit | None:
        span = f"{ended.sighting.commit}..{ended.after}"
        for paths in (sorted({ended.sighting.path, *ended.sighting.about}), self._asked.wanted.paths):
            between = self._git.commits("--first-parent", span, paths=paths)[::-1]
            if between and not self._is_there(ended.sighting, between[-1].sha):
                return self._first_without(ended.sighting, between)
        return None

    def _first_without(self, sighting: Sighting, between: Sequence[Commit]) -> Commit:
        low, high = 0, len(between) - 1
        while low < high:
            middle = (low + high) // 2
            if self._is_there(sighting, between[middle].sha):
                low = middle + 1
            else:
                high = middle
        return between[low]

    def _is_there(self, sighting: Sighting, commit: str) -> bool:
        key = (commit, sighting.rule)
        if key not in self._shown:
            found = sightings_of(scan_revision(self._asked, commit, only=sighting.rule), Commit(commit, ""))
            self._shown[key] = {mark(one) for one in found for mark in MARKS}
        return any(mark(sighting) in self._shown[key] for mark in MARKS)

    def _how(self, sighting: Sighting, commit: Commit) -> str:
        """A function that went away was not mended, whatever the commit calls itself."""
        if not self._has(commit.sha, sighting):
            return "removed"
        return "fix" if is_fix(commit.subject) else "changed"

    def _has(self, commit: str, sighting: Sighting) -> bool:
        """Is the function still there, by its name in its file?"""
        if commit not in self._paths:
            self._paths[commit] = {entry.path for entry in self._git.tree(commit)}
        if sighting.path not in self._paths[commit]:
            return False
        text = self._git.file(commit, sighting.path).decode("utf-8", "replace")
        name = re.split(r"\.|::", sighting.symbol)[-1]
        return not name.isidentifier() or re.search(rf"\b{name}\b", text) is not None
