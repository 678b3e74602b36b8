"""A local clone, bare or not, read without changing it and without running anything that it names."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from llmlint.diff import harmless_environment

_PATIENCE = 600
"""Seconds. An archive may bring a repository with a pipe in it, on which git would wait for ever."""
_FIELDS = "%H%x00%P%x00%cI%x00%s%x00%b%x01"
_OLD_FILE = re.compile(r'^--- (?:a/(.+)|"a/(.+)"|/dev/null)$')
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")


class CloneError(Exception):
    """The clone cannot give what was asked for; the message says why."""


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
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def commits(self) -> list[Commit]:
        """All that HEAD stands on, the newest first."""
        log = self._git("log", f"--format={_FIELDS}", "HEAD").decode("utf-8", "replace")
        return [_commit(entry.lstrip("\n")) for entry in log.split("\x01") if entry.strip()]

    def changed(self, commit: Commit) -> Ranges:
        """What a commit touches, as lines of its parent; an insertion is the two lines around it."""
        settings = ("--unified=0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
        return ranges_of(self._git("diff", *settings, commit.parent, commit.id).decode("utf-8", "replace"))

    def files(self, commit: str) -> list[str]:
        listing = self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
        return listing.decode("utf-8", "surrogateescape").split("\0")[:-1]

    def lay_out(self, commit: str, files: Collection[str], folder: Path) -> None:
        """These files of a commit, and no others, below a folder."""
        if files:
            data = self._git("archive", "--format=tar", commit, "--", *(f":(literal){file}" for file in files))
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                archive.extractall(folder, filter="data")

    def _git(self, *arguments: str) -> bytes:
        command = ["git", "-C", str(self.folder), *arguments]
        try:
            environment = harmless_environment(str(self.folder))
            done = subprocess.run(command, capture_output=True, env=environment, timeout=_PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CloneError(f"{self.folder}: git {arguments[0]}: {error}") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise CloneError(f"{self.folder}: {said or f'git {arguments[0]} failed'}")
        return done.stdout


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
