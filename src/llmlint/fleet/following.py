"""Which commit made a finding disappear: between the last revision that shows it and the next, by halving.

Asked first are the commits that touch the files of the finding and of its evidence, each time of those files alone,
then of their folders, where so little shows the finding at the one revision and not at the other: nothing else has to
be linked. Where that says nothing, or the finding may have moved, the whole program is asked; where it is still there
after the last of those commits, every commit is. Only rules that lost a finding run.
"""

from __future__ import annotations

import posixpath
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
        tracker = _Tracker(lost, git)
        return [tracker.followed(ended) for ended in lost.ended]


def not_followed(lost: Lost) -> list[Life]:
    """Without the commits: only whether the function is still there."""
    with Git(Path(lost.asked.folder)) as git:
        tracker = _Tracker(lost, git)
        return [tracker.not_followed(ended) for ended in lost.ended]


class _Tracker:
    def __init__(self, lost: Lost, git: Git) -> None:
        self._asked = lost.asked
        self._git = git
        self._rules = tuple(sorted({ended.sighting.rule for ended in lost.ended}))
        self._shown: dict[tuple[str, tuple[str, ...]], set[str]] = {}
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

    def not_followed(self, ended: Ended) -> Life:
        gone = "changed" if self._has(ended.after, ended.sighting) else "removed"
        return msgspec.structs.replace(ended.life, gone=gone, gone_after=ended.after)

    def _commit_that_ended(self, ended: Ended) -> Commit | None:
        sighting, everything = ended.sighting, self._asked.wanted.paths
        every = self._between(ended, everything)
        if len(every) == 1:
            return every[0]
        files = tuple(sorted({sighting.path, *sighting.about}))
        between = self._between(ended, files)
        for near in (files, tuple(sorted({posixpath.dirname(file) or "." for file in files}))):
            if between and self._is_there(sighting, sighting.commit, near):
                commit = self._first_without(sighting, between, near)
                if commit is not None and not self._moved(sighting, commit):
                    return commit
        commit = self._first_without(sighting, between, everything)
        return commit or self._first_without(sighting, every, everything)

    def _between(self, ended: Ended, paths: Sequence[str]) -> list[Commit]:
        span = f"{ended.sighting.commit}..{ended.after}"
        return self._git.commits("--first-parent", span, paths=paths)[::-1]

    def _moved(self, sighting: Sighting, commit: Commit) -> bool:
        """Did its function go from its file, and is it somewhere else now?"""
        return not self._has(commit.sha, sighting) and self._is_there(sighting, commit.sha, self._asked.wanted.paths)

    def _first_without(self, sighting: Sighting, between: Sequence[Commit], paths: tuple[str, ...]) -> Commit | None:
        """None where it is there after all of them."""
        if not between or self._is_there(sighting, between[-1].sha, paths):
            return None
        low, high = 0, len(between) - 1
        while low < high:
            middle = (low + high) // 2
            if self._is_there(sighting, between[middle].sha, paths):
                low = middle + 1
            else:
                high = middle
        return between[low]

    def _is_there(self, sighting: Sighting, commit: str, paths: tuple[str, ...]) -> bool:
        """As a scan of what lies below some paths shows it."""
        key = (commit, paths)
        if key not in self._shown:
            wanted = msgspec.structs.replace(self._asked.wanted, paths=paths)
            asked = msgspec.structs.replace(self._asked, wanted=wanted)
            found = sightings_of(scan_revision(asked, commit, only=self._rules), Commit(commit, ""))
            self._shown[key] = {mark(one) for one in found for mark in MARKS}
        return any(mark(sighting) in self._shown[key] for mark in MARKS)

    def _how(self, sighting: Sighting, commit: Commit) -> str:
        """A function that went away was not mended, whatever the commit calls itself."""
        if not self._has(commit.sha, sighting):
            return "removed"
        return "fix" if is_fix(commit.subject) else "changed"

    def _has(self, commit: str, sighting: Sighting) -> bool:
        """Is the function still there, by its name in its file?"""
        if sighting.path not in self._files(commit):
            return False
        text = self._git.file(commit, sighting.path).decode("utf-8", "replace")
        name = re.split(r"\.|::", sighting.symbol)[-1]
        return not name.isidentifier() or re.search(rf"\b{name}\b", text) is not None

    def _files(self, commit: str) -> set[str]:
        if commit not in self._paths:
            self._paths[commit] = {entry.path for entry in self._git.tree(commit)}
        return self._paths[commit]
