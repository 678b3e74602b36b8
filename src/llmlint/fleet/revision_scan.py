"""One revision's findings, and the records of blobs that several revisions share.

A blob's record is in the cache under its content, so each blob is read once however many revisions hold it; a revision
whose sources are those of another one, file by file, is not even linked.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from llmlint.cache import Cache
from llmlint.catalogue import load_catalogue
from llmlint.earned import limited
from llmlint.files import SourcePath
from llmlint.findings import Finding, at_least
from llmlint.fleet.git_objects import Git
from llmlint.fleet.git_trees import TreeFilter, TreeSources, sources_of
from llmlint.kept_files import KeptFiles
from llmlint.progress import Progress
from llmlint.records import gather
from llmlint.scan import Counts, Options, ScanResult, collection_off, generation, open_cache, scan_files
from llmlint.vocabulary_file import load_vocabulary

NEEDS_ALL_RULES = "LLM001"
"""What it says of a suppression depends on what the other rules find."""


class Asked(msgspec.Struct, frozen=True):
    """What every task about a repository needs to know; plain data, as it goes to other processes."""

    project: str
    folder: str
    wanted: TreeFilter
    rules: tuple[str, ...]
    min_confidence: str
    cache_directory: str | None
    shared_cache: str = ""

    def options(self, only: Collection[str] = (), jobs: int = 1) -> Options:
        """`only`: some rules, where nothing else is asked."""
        codes = only if only and NEEDS_ALL_RULES not in only else self.rules
        catalogue = load_catalogue()
        chosen = tuple(rule for rule in catalogue if rule.code in codes)
        cache = Path(self.cache_directory) if self.cache_directory else None
        return Options(chosen, load_vocabulary(None), jobs, cache, self.shared_cache, self.min_confidence)


class Scanned(msgspec.Struct, frozen=True):
    """A revision's findings that count, and what went wrong on the way."""

    findings: tuple[Finding, ...]
    counts: Counts
    faults: tuple[str, ...] = ()


def sources_at(asked: Asked, git: Git, commit: str) -> TreeSources:
    return sources_of(git.tree(commit, asked.wanted.listed), asked.wanted, git.blob)


def scan_revision(asked: Asked, commit: str, only: Collection[str] = ()) -> Scanned:
    options = asked.options(only)
    with Git(Path(asked.folder)) as git:
        tree = sources_at(asked, git, commit)
        sources = tree.sources
        content = BlobContent(git, {source.path: source.file for source in sources})
        keys, kept = _known_keys(sources, options), _here.files(generation(options.vocabulary))
        result = scan_files(sources, options, content, keys=keys, kept=kept)
    gc.collect(1)  # a program is full of circles, and the collector is off where workers work: all of it is young
    lacking = [f"{path} is not in the clone" for path in tree.lacking]
    return Scanned(tuple(_counting(asked, result, only)), result.counts, (*lacking, *result.faults))


class _Here(threading.local):
    """One revision holds nearly the files of the one before it; threads scan different ones, each with its own."""

    def __init__(self) -> None:
        self.made_by = ""
        self.kept = KeptFiles()

    def files(self, made_by: str) -> KeptFiles:
        if self.made_by != made_by:
            self.made_by, self.kept = made_by, KeptFiles()
        return self.kept


_here = _Here()


def _counting(asked: Asked, result: ScanResult, only: Collection[str]) -> Iterator[Finding]:
    for finding in map(limited, result.shown):
        if at_least(finding.confidence, asked.min_confidence) and (not only or finding.rule in only):
            yield finding


def read_blobs(asked: Asked, blobs: Sequence[SourcePath], jobs: int = 1, progress: Progress | None = None) -> int:
    """Puts the records of blobs into the cache, and notes which content each blob is; answers how many were new."""
    options = asked.options(jobs=jobs)
    cache = open_cache(options)
    try:
        with Git(Path(asked.folder)) as git, collection_off():
            content = BlobContent(git, {blob.path: blob.file for blob in blobs})
            known = _keys_in(cache, blobs)
            found = gather(blobs, content, known, cache, options.vocabulary, jobs, progress, least=options.least)
            cache.store_stamps((_name_of(blob), blob.language, found.keys[blob.path]) for blob in blobs)
            return len(found.records) - found.from_cache
    finally:
        cache.close()


class BlobContent(Mapping[str, bytes]):
    """The content of each path, read when it is asked for."""

    def __init__(self, git: Git, blobs: Mapping[str, str]) -> None:
        self._git = git
        self._blobs = blobs

    def __getitem__(self, path: str) -> bytes:
        return self._git.blob(self._blobs[path])

    def __contains__(self, path: object) -> bool:
        return path in self._blobs

    def __iter__(self) -> Iterator[str]:
        return iter(self._blobs)

    def __len__(self) -> int:
        return len(self._blobs)


def unknown_blobs(asked: Asked, blobs: Sequence[SourcePath]) -> tuple[list[SourcePath], str]:
    """Those of which the cache does not know both content and record, and what is wrong with the cache."""
    cache = open_cache(asked.options())
    try:
        keys = _keys_in(cache, blobs)
        there = cache.known_records(sorted(set(keys.values())))
        return [blob for blob in blobs if keys.get(blob.path) not in there], cache.warning
    finally:
        cache.close()


def _known_keys(sources: Sequence[SourcePath], options: Options) -> dict[str, str]:
    cache = open_cache(options)
    try:
        return _keys_in(cache, sources)
    finally:
        cache.close()


def _keys_in(cache: Cache, sources: Sequence[SourcePath]) -> dict[str, str]:
    keys = cache.keys_of({_name_of(source): source.language for source in sources})
    named = ((source.path, keys.get(_name_of(source))) for source in sources)
    return {path: key for path, key in named if key is not None}


def _name_of(source: SourcePath) -> str:
    """A blob among the files whose content the cache knows; the same blob may be read in two languages."""
    return f"blob:{source.file}:{source.language}"
