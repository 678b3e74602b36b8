"""What a fleet scan asks of git: commits, trees and blobs, straight from the objects and without a checkout.

Nothing that a repository's own settings name is run, and nothing is fetched that is not there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from llmlint.diff import harmless_environment

_PATIENCE = 600
"""Seconds for one answer."""


class GitError(Exception):
    """git could not answer; the message says of what repository, and why."""


class Commit(msgspec.Struct, frozen=True):
    """`date` is the day and time of the commit, as git writes it (ISO 8601)."""

    sha: str
    date: str
    subject: str = ""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A file of a tree. `size` is -1 where a partial clone lacks the blob."""

    path: str
    mode: str
    blob: str
    size: int


class Git:
    """One repository. `close` ends the process that blobs are read through."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blobs: subprocess.Popen[bytes] | None = None
        try:
            self._environment = {**harmless_environment(str(folder)), "GIT_NO_LAZY_FETCH": "1"}
        except OSError as error:
            raise GitError(f"a fleet needs git: {error}") from error

    def __enter__(self) -> Git:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._blobs is not None:
            self._blobs.kill()
            with suppress(OSError):
                self._blobs.communicate()
            self._blobs = None

    def ask(self, *arguments: str, failing: str = "") -> str:
        """`failing` is what to say where git itself says nothing."""
        return self._ask(*arguments, failing=failing).decode("utf-8", "surrogateescape")

    def _ask(self, *arguments: str, failing: str = "") -> bytes:
        try:
            done = subprocess.run(
                self._command(*arguments), capture_output=True, env=self._environment, timeout=_PATIENCE
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitError(f"{self.folder}: {error}") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
            raise GitError(f"{self.folder}: {said or failing or arguments[0] + ' failed'}")
        return done.stdout

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "-C", str(self.folder), "--no-pager", "--literal-pathspecs", *arguments]

    # ------------------------------------------------------------ commits

    def commit(self, revision: str) -> Commit:
        return self.commits("--max-count=1", f"{self.resolved(revision)}^{{commit}}")[0]

    def resolved(self, revision: str) -> str:
        """The object that a name stands for; a name that would be read as an option is none."""
        command = ("rev-parse", "--verify", "--quiet", "--end-of-options", revision)
        return self.ask(*command, failing=f"no revision {revision!r}").strip()

    def commits(self, *arguments: str, paths: Sequence[str] = ()) -> list[Commit]:
        """Newest first, as `git log` lists them."""
        told = self._ask("log", "-z", "--format=%H%x00%cI%x00%s", *arguments, "--", *paths)
        fields = told.decode("utf-8", "replace").split("\0")[:-1]
        return [Commit(*row) for row in zip(fields[::3], fields[1::3], fields[2::3], strict=True)]

    # ------------------------------------------------------------ trees and blobs

    def tree(self, commit: str, paths: Sequence[str] = ()) -> Iterator[Entry]:
        """All files, or those at and below some paths."""
        for row in self.ask("ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", *paths).split("\0"):
            about, tab, path = row.partition("\t")
            if tab:
                mode, kind, blob, size = about.split()
                if kind == "blob":
                    yield Entry(path, mode, blob, int(size) if size.isdecimal() else -1)

    def blob(self, name: str) -> bytes:
        """Raises GitError for one that is not there, as in a partial clone."""
        if self._blobs is None:
            self._blobs = subprocess.Popen(
                self._command("cat-file", "--batch"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
            )
        assert self._blobs.stdin is not None and self._blobs.stdout is not None
        try:
            self._blobs.stdin.write(name.encode() + b"\n")
            self._blobs.stdin.flush()
        except OSError as error:
            raise GitError(f"{self.folder}: git cat-file ended") from error
        head = self._blobs.stdout.readline().split()
        if len(head) != 3:
            raise GitError(f"{self.folder}: blob {name} is not there")
        data = self._blobs.stdout.read(int(head[2]))
        self._blobs.stdout.read(1)
        return data

    def file(self, commit: str, path: str) -> bytes:
        return self.blob(self.resolved(f"{commit}:{path}"))


def clone_or_fetch(url: str, folder: Path) -> None:
    """A bare clone of a URL, or what is new there since. A clone that was ended is begun anew."""
    unfinished = folder.with_name(f"{folder.name}.part")
    if folder.exists():
        command = [
            "git",
            "-C",
            str(folder),
            "fetch",
            "--quiet",
            "--prune",
            "--tags",
            "origin",
            "+refs/heads/*:refs/heads/*",
        ]
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)
        command = ["git", "clone", "--quiet", "--bare", "--", url, str(unfinished)]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(command, capture_output=True, env=environment, check=False)
    except OSError as error:
        raise GitError(f"a fleet needs git: {error}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
        raise GitError(f"{url}: {said or 'could not be cloned'}")
    if not folder.exists():
        unfinished.rename(folder)
