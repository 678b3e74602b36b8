"""Each file's record: from the cache where its content is known there, else from a worker process.

A file whose size, time and inode are as they were is not even opened.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from llmlint.cache import Cache
from llmlint.files import Problem, SourcePath
from llmlint.kept_files import KeptFiles
from llmlint.opening import read_file
from llmlint.progress import Progress, Stage
from llmlint.reading import FileRecord, Reading, Work, content_key, decode_record, read_batch
from llmlint.vocabulary import Vocabulary

_SMALL = 24
"""Fewer files than this are read in this process: starting workers would take longer."""

_RACY_SECONDS = 2.0
"""A file changed less than this before its time was looked at may change again without the time showing it."""


class Gathered(msgspec.Struct):
    """All records by path. `keys` holds what is known of the files' contents."""

    records: dict[str, FileRecord] = {}
    keys: dict[str, str] = {}
    problems: list[Problem] = []
    from_cache: int = 0


def known_keys(sources: Sequence[SourcePath], given: Mapping[str, bytes], cache: Cache) -> dict[str, str]:
    """The content key of each path that need not be read to know it."""
    stamps = {source.file: stamp_of(source) for source in sources if source.path not in given}
    unchanged = cache.keys_of({file: stamp for file, stamp in stamps.items() if stamp})
    keys = {source.path: unchanged[source.file] for source in sources if source.file in unchanged}
    languages = {source.path: source.language for source in sources}
    return keys | {path: content_key(data, languages[path]) for path, data in given.items() if path in languages}


def keys_by_content(
    sources: Sequence[SourcePath], given: Mapping[str, bytes], known: Mapping[str, str], cache: Cache
) -> dict[str, str]:
    """The known keys, and those of the files on disk that have to be read to know them: a tree that was laid out anew
    holds what it held."""
    keys = dict(known)
    stamps = []
    for source in sources:
        if source.path in keys or source.path in given:
            continue
        stamp = stamp_of(source)
        try:
            keys[source.path] = content_key(read_file(source.file), source.language)
        except OSError:  # told where its record is missed
            continue
        if stamp:
            stamps.append((source.file, stamp, keys[source.path]))
    cache.store_stamps(stamps)
    return keys


def stamp_of(source: SourcePath) -> str:
    """Says that a file is as it was; "" for one changed so lately that its time says nothing.

    The time of its content can be set to what it was, that of its last change of any kind cannot."""
    try:
        info = Path(source.file).stat()
    except OSError:
        return ""
    if time.time() - info.st_mtime < _RACY_SECONDS:
        return ""
    return f"{info.st_size}:{info.st_mtime_ns}:{info.st_ctime_ns}:{info.st_ino}:{source.language}"


def gather(
    sources: Sequence[SourcePath],
    given: Mapping[str, bytes],
    known: Mapping[str, str],
    cache: Cache,
    vocabulary: Vocabulary,
    jobs: int,
    progress: Progress | None = None,
    kept: KeptFiles | None = None,
    least: str = "low",
) -> Gathered:
    """`given` holds content that takes the place of what is on disk, by path; `least` is how sure findings must be."""
    found = Gathered(keys=dict(known))
    unread = _take_from_cache(_take_kept(sources, found, kept, least), found, cache, least)
    stamps = {source.path: stamp_of(source) for source in unread if source.path not in given}
    readable = []
    for source in unread:
        if source.path in found.keys:  # who reads it in full will tell if it has changed since
            readable.append(source)
            continue
        try:
            data = given[source.path] if source.path in given else read_file(source.file)
        except OSError as error:
            found.problems.append(Problem(source.path, "unreadable", error.strerror or str(error)))
            continue
        found.keys[source.path] = content_key(data, source.language)
        readable.append(source)
    unread = _take_from_cache(readable, found, cache, least)
    found.from_cache = len(found.records)
    _read(unread, given, found, cache, vocabulary, least, jobs, progress)
    cache.store_stamps(
        (source.file, stamps[source.path], found.keys[source.path])
        for source in readable
        if stamps.get(source.path) and source.path in found.records
    )
    found.problems.sort(key=lambda problem: problem.path)
    if kept is not None:
        kept.keep((found.keys[path], record) for path, record in found.records.items())
    return found


def _take_kept(
    sources: Sequence[SourcePath], found: Gathered, kept: KeptFiles | None, least: str
) -> Sequence[SourcePath]:
    if kept is None:
        return sources
    for source in sources:
        record = kept.records.get(found.keys.get(source.path, ""))
        if record is not None and record.answers(least):
            found.records[source.path] = record
    return [source for source in sources if source.path not in found.records]


def _take_from_cache(sources: Sequence[SourcePath], found: Gathered, cache: Cache, least: str) -> list[SourcePath]:
    """Records whose content is known go into `found`; answers the sources that are left."""
    blobs = cache.records(sorted({found.keys[s.path] for s in sources if s.path in found.keys}))
    left = []
    for source in sources:
        blob = blobs.get(found.keys.get(source.path, ""))
        record = _decoded(blob) if blob is not None else None
        if record is None or not record.answers(least):
            left.append(source)
        else:
            found.records[source.path] = record
    return left


def _decoded(blob: bytes) -> FileRecord | None:
    try:
        return decode_record(blob)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _read(
    sources: Sequence[SourcePath],
    given: Mapping[str, bytes],
    found: Gathered,
    cache: Cache,
    vocabulary: Vocabulary,
    least: str,
    jobs: int,
    progress: Progress | None,
) -> None:
    work = [(source.path, given.get(source.path, source.file), source.language) for source in sources]
    fresh = []
    done = 0
    if progress is not None and work:
        progress(Stage("reading", 0, len(work), "files"))
    with closing(_readings(work, vocabulary, least, jobs)) as batches:  # so that an interrupt ends the workers at once
        for reading in (reading for batch in batches for reading in batch):
            if reading.problem:
                found.problems.append(Problem(reading.path, "unreadable", reading.problem))
            else:
                found.records[reading.path] = decode_record(reading.blob)
                found.keys[reading.path] = reading.key
                fresh.append((reading.key, reading.blob))
            done += 1
            if progress is not None:
                progress(Stage("reading", done, len(work), "files"))
    cache.store_records(fresh)


def _readings(
    work: Sequence[Work], vocabulary: Vocabulary, least: str, jobs: int
) -> Generator[list[Reading], None, None]:
    if jobs <= 1 or len(work) < _SMALL:
        for item in work:
            yield read_batch([item], vocabulary, least)
        return
    from llmlint.reading_at_once import readings  # what processes need is imported where processes are

    yield from readings(work, vocabulary, least, jobs)
