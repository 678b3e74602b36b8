"""Which files of a commit's tree a scan reads: those that a scan of its checkout would."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from llmlint.files import NEVER_ENTERED, VIRTUAL_ENVIRONMENT, SourcePath, language_of
from llmlint.fleet.git_objects import Entry
from llmlint.ignores import IgnoreFile, Patterns, is_ignored

_LARGEST_IGNORE_FILE = 1_000_000
_REGULAR = ("100644", "100755")


class TreeFilter(msgspec.Struct, frozen=True):
    """What is wanted of a tree."""

    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_bytes: int = 10_000_000

    @property
    def tops(self) -> list[str]:
        """The paths as git writes them; none where everything is wanted."""
        tops = [posixpath.normpath(path) for path in self.paths]
        return [] if "." in tops else tops

    @property
    def listed(self) -> list[str]:
        """What of a tree has to be listed: these paths, and what speaks of them in the folders above."""
        above = {folder for top in self.tops for folder in _folders_above(top)}
        return [*self.tops, *(posixpath.join(folder, ".gitignore") for folder in sorted(above))]


class TreeSources(msgspec.Struct):
    """`file` of a source is the name of its blob. `lacking` are paths whose blob the clone does not hold."""

    sources: list[SourcePath] = []
    lacking: list[str] = []

    @property
    def digest(self) -> str:
        """Trees that agree in it show the same findings."""
        told = [f"{source.path}\0{source.file}\0{source.language}\0" for source in self.sources]
        return hashlib.sha256("".join([*told, "\0", *self.lacking]).encode("utf-8", "surrogateescape")).hexdigest()


def sources_of(entries: Iterable[Entry], wanted: TreeFilter, blob: Callable[[str], bytes]) -> TreeSources:
    """Links are not followed."""
    entries = list(entries)
    hidden = _Hidden(entries, blob)
    left_out = Patterns(wanted.exclude)
    found = TreeSources()
    for entry in _below(entries, wanted.tops):
        language = language_of(entry.path)
        if not language or entry.mode not in _REGULAR or entry.size > wanted.max_bytes:
            continue
        if hidden.holds(entry.path) or left_out.matches(entry.path) or not _is_utf8(entry.path):
            continue
        if entry.size < 0:
            found.lacking.append(entry.path)
        else:
            found.sources.append(SourcePath(entry.path, entry.blob, language))
    return found


def _folders_above(path: str) -> Iterator[str]:
    while path:
        path = posixpath.dirname(path)
        yield path


def _below(entries: Iterable[Entry], tops: Sequence[str]) -> Iterator[Entry]:
    prefixes = tuple(f"{top}/" for top in tops)
    for entry in entries:
        if not tops or entry.path in tops or entry.path.startswith(prefixes):
            yield entry


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Hidden:
    """What lies in folders that no scan enters, and what the tree's .gitignore files name."""

    def __init__(self, entries: Iterable[Entry], blob: Callable[[str], bytes]) -> None:
        self._files: dict[str, IgnoreFile] = {}
        self._environments = set()
        for entry in entries:
            folder, name = posixpath.split(entry.path)
            if name == VIRTUAL_ENVIRONMENT:
                self._environments.add(folder)
            if name == ".gitignore" and entry.mode in _REGULAR and 0 < entry.size <= _LARGEST_IGNORE_FILE:
                text = blob(entry.blob).decode("utf-8", "replace").removeprefix("\ufeff")
                self._files[folder] = IgnoreFile(f"/{folder}".rstrip("/"), text.split("\n"))
        self._folders: dict[str, tuple[bool, tuple[IgnoreFile, ...]]] = {}

    def holds(self, path: str) -> bool:
        is_hidden, ignores = self._folder(posixpath.dirname(path))
        return is_hidden or is_ignored(f"/{path}", False, ignores)

    def _folder(self, folder: str) -> tuple[bool, tuple[IgnoreFile, ...]]:
        """Is it left out, and which files speak of what is in it?"""
        if folder not in self._folders:
            self._folders[folder] = self._looked_at(folder)
        return self._folders[folder]

    def _looked_at(self, folder: str) -> tuple[bool, tuple[IgnoreFile, ...]]:
        own = (self._files[folder],) if folder in self._files else ()
        if not folder:
            return False, own
        is_hidden, ignores = self._folder(posixpath.dirname(folder))
        never = posixpath.basename(folder) in NEVER_ENTERED or folder in self._environments
        return is_hidden or never or is_ignored(f"/{folder}", True, ignores), (*ignores, *own)
