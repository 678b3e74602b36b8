"""A local clone, bare or not: its commits, and what each of them touches."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from llmlint.fleet.git_objects import Git

_FIELDS = "%H%x00%P%x00%cI%x00%s%x00%b%x01"
_OLD_FILE = re.compile(r'^--- (?:a/(.+)|"a/(.+)"|/dev/null)$')
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")


class Commit(msgspec.Struct, frozen=True):
    id: str
    parent: str
    """The first one, "" where there is none."""
    when: str
    subject: str
    body: str


Ranges = dict[str, list[tuple[int, int]]]
"""Lines by path, first and last."""


class Clone:
    """Raises GitError where git cannot answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def commits(self) -> list[Commit]:
        """All that HEAD stands on, the newest first."""
        log = self._ask("log", f"--format={_FIELDS}", "HEAD")
        return [_commit(entry.lstrip("\n")) for entry in log.split("\x01") if entry.strip()]

    def changed(self, commit: Commit) -> Ranges:
        """What a commit touches, as lines of its parent; an insertion is the two lines around it."""
        settings = ("--unified=0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
        return ranges_of(self._ask("diff", *settings, commit.parent, commit.id))

    def files(self, commit: str) -> list[str]:
        with Git(self.folder) as git:
            return [entry.path for entry in git.tree(commit)]

    def _ask(self, *arguments: str) -> str:
        with Git(self.folder) as git:
            return git.ask(*arguments).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _commit(entry: str) -> Commit:
    name, parents, when, subject, body = entry.split("\0", 4)
    return Commit(name, parents.partition(" ")[0], when, subject, body)


def ranges_of(diff: str) -> Ranges:
    found: Ranges = {}
    lines: list[tuple[int, int]] = []
    inside = 0  # lines of a hunk that are left: a removed `-- a/b` looks like the head of a file
    for line in diff.split("\n"):
        if inside:
            inside -= not line.startswith("\\")
        elif match := _OLD_FILE.match(line):
            path = match[1] or match[2]
            lines = found.setdefault(path, []) if path else []
        elif match := _HUNK.match(line):
            first, count = int(match[1]), int(match[2] or 1)
            lines.append((first, first + count - 1) if count else (first, first + 1))
            inside = count + int(match[3] or 1)
    return found


def near(ranges: Iterable[tuple[int, int]], line: int, reach: int) -> bool:
    return any(first - reach <= line <= last + reach for first, last in ranges)
