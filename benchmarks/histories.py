"""Git histories of the target projects, read blob by blob, and work trees that move between commits cheaply."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from types import TracebackType

SOURCE_SUFFIXES = frozenset(
    {".py", ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".inl", ".cu", ".cuh", ".m", ".mm"}
)
ROOT = "."
"""Among a project's scopes: the files at its root, without what lies in folders."""


class HistoryError(Exception):
    """A repository or a commit that cannot be read; the message says which."""


class History:
    """One repository, bare or not. A blob the clone lacks (partial clones, dropped big files) is left out."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self._blobs: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> History:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._blobs is not None:
            self._blobs.communicate()
            self._blobs = None

    def head(self) -> str:
        return self._git("rev-parse", "HEAD").strip()

    def files(self, commit: str) -> dict[str, str]:
        """Path to blob id, for every ordinary file of the commit."""
        listing = self._git("ls-tree", "-r", "-z", "--full-tree", commit)
        entries = (entry.partition("\t") for entry in listing.split("\0") if entry)
        return {path: meta.split()[2] for meta, _, path in entries if meta.startswith("100")}

    def blob(self, blob_id: str) -> bytes | None:
        """The blob's bytes, or None where the clone does not hold it."""
        if self._blobs is None:
            self._blobs = subprocess.Popen(
                ["git", "-C", str(self.repository), "cat-file", "--batch"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_offline(),
            )
        stdin, stdout = self._blobs.stdin, self._blobs.stdout
        assert stdin is not None and stdout is not None
        stdin.write(blob_id.encode() + b"\n")
        stdin.flush()
        header = stdout.readline().split()
        if not header:
            raise HistoryError(f"{self.repository}: git stopped while reading {blob_id}")
        if header[-1] == b"missing":
            return None
        data = stdout.read(int(header[2]))
        stdout.read(1)
        return data

    def diff(self, before: str, after: str, paths: Iterable[str] = ()) -> str:
        return self._git("diff", "--no-color", "--no-ext-diff", before, after, "--", *paths)

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.repository), *arguments], capture_output=True, env=_offline(), check=False
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise HistoryError(f"{self.repository}: git {' '.join(arguments)}: {said}")
        return done.stdout.decode("utf-8", "surrogateescape")


def find_history(folder: Path, name: str) -> History | None:
    """The clone of `owner/name` under `folder`, under any of the names clones are usually given."""
    owner, _, short = name.partition("/")
    for candidate in (f"{owner}+{short}", name, f"{owner}__{short}", f"{owner}-{short}", short):
        for inner in (candidate, f"{candidate}/repo", f"{candidate}.git"):
            if _is_repository(folder / inner):
                return History(folder / inner)
    return None


def clone_history(folder: Path, name: str, url: str) -> History:
    """A bare clone from upstream, kept under `folder` for the next time."""
    target = folder / name.replace("/", "+")
    if not _is_repository(target):
        partial = target.with_name(target.name + ".part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["git", "clone", "--quiet", "--bare", url, str(partial)], check=False)
        if done.returncode:
            raise HistoryError(f"cannot clone {url}")
        partial.rename(target)
    return History(target)


class WorkTree:
    """A folder that holds one commit's source files; moving to another commit rewrites only what changed."""

    def __init__(self, history: History, folder: Path) -> None:
        self.history = history
        self.folder = folder
        self._laid: dict[str, str] = {}
        self._lines: dict[str, int] = {}

    @property
    def lines(self) -> int:
        return sum(self._lines.values())

    def lay(self, wanted: dict[str, str]) -> None:
        """Make the folder hold exactly `wanted` (path to blob id)."""
        for path in self._laid.keys() - wanted.keys():
            (self.folder / path).unlink(missing_ok=True)
            del self._laid[path]
            self._lines.pop(path, None)
        for path, blob_id in wanted.items():
            if self._laid.get(path) != blob_id:
                self._write(path, blob_id)

    def _write(self, path: str, blob_id: str) -> None:
        data = self.history.blob(blob_id)
        self._laid[path] = blob_id
        self._lines.pop(path, None)
        target = self.folder / path
        if data is None:
            target.unlink(missing_ok=True)
            return
        if target.is_dir():  # a folder of an earlier commit, empty by now, stands where a file goes
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        self._lines[path] = data.count(b"\n")


def sources(files: dict[str, str], scopes: Collection[str]) -> dict[str, str]:
    """The source files of a commit that lie in the project's scopes."""
    return {
        path: blob_id
        for path, blob_id in files.items()
        if Path(path).suffix in SOURCE_SUFFIXES and in_scopes(path, scopes)
    }


def in_scopes(path: str, scopes: Collection[str]) -> bool:
    if "/" not in path:
        return ROOT in scopes
    return any(path.startswith(scope + "/") for scope in scopes)


def existing(folder: Path, scopes: Iterable[str]) -> Iterator[str]:
    """The scopes as arguments of a scan run inside `folder`: folders that are there, and files at the root."""
    for scope in scopes:
        if scope == ROOT:
            yield from sorted(entry.name for entry in folder.iterdir() if entry.suffix in SOURCE_SUFFIXES)
        elif (folder / scope).is_dir():
            yield scope


def _is_repository(folder: Path) -> bool:
    return (folder / ".git").exists() or ((folder / "HEAD").is_file() and (folder / "objects").is_dir())


def _offline() -> dict[str, str]:
    """Partial clones would otherwise fetch each missing blob from the network."""
    return {**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
