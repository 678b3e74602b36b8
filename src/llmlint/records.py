"""Each file's record: from the cache where its content is known there, else from a worker process.

A file whose size, time and inode are as they were is not even opened. A worker that dies costs the one file it died
on and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path

import msgspec

from llmlint.cache import Cache
from llmlint.files import Problem, SourcePath
from llmlint.progress import Progress, Stage
from llmlint.reading import FileRecord, Reading, content_key, decode_record, read_batch
from llmlint.vocabulary import Vocabulary
from llmlint.workers import worker_pool

_SMALL = 24
"""Fewer files than this are read in this process: starting workers would take longer."""

_BATCH_BYTES = 400_000
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


def stamp_of(source: SourcePath) -> str:
    """Says that a file is as it was; "" for one changed so lately that its time says nothing."""
    try:
        info = Path(source.file).stat()
    except OSError:
        return ""
    if time.time() - info.st_mtime < _RACY_SECONDS:
        return ""
    return f"{info.st_size}:{info.st_mtime_ns}:{info.st_ino}:{source.language}"


def gather(
    sources: Sequence[SourcePath],
    given: Mapping[str, bytes],
    known: Mapping[str, str],
    cache: Cache,
    vocabulary: Vocabulary,
    jobs: int,
    progress: Progress | None = None,
) -> Gathered:
    """`given` holds content that takes the place of what is on disk, by path."""
    found = Gathered(keys=dict(known))
    unread = _take_from_cache(sources, found, cache)
    stamps = {source.path: stamp_of(source) for source in unread if source.path not in given}
    readable = []
    for source in unread:
        try:
            data = given[source.path] if source.path in given else Path(source.file).read_bytes()
        except OSError as error:
            found.problems.append(Problem(source.path, "unreadable", error.strerror or str(error)))
            continue
        found.keys[source.path] = content_key(data, source.language)
        readable.append(source)
    unread = _take_from_cache(readable, found, cache)
    found.from_cache = len(found.records)
    _read(unread, given, found, cache, vocabulary, jobs, progress)
    cache.store_stamps(
        (source.file, stamps[source.path], found.keys[source.path])
        for source in readable
        if stamps.get(source.path) and source.path in found.records
    )
    found.problems.sort(key=lambda problem: problem.path)
    return found


def _take_from_cache(sources: Sequence[SourcePath], found: Gathered, cache: Cache) -> list[SourcePath]:
    """Records whose content is known go into `found`; answers the sources that are left."""
    blobs = cache.records(sorted({found.keys[s.path] for s in sources if s.path in found.keys}))
    left = []
    for source in sources:
        blob = blobs.get(found.keys.get(source.path, ""))
        record = _decoded(blob) if blob is not None else None
        if record is None:
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
    jobs: int,
    progress: Progress | None,
) -> None:
    work = [(source.path, given.get(source.path, source.file), source.language) for source in sources]
    fresh = []
    done = 0
    if progress is not None and work:
        progress(Stage("reading", 0, len(work), "files"))
    with closing(_readings(work, vocabulary, jobs)) as batches:  # so that an interrupt ends the workers at once
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


Work = tuple[str, str | bytes, str]


def _readings(work: Sequence[Work], vocabulary: Vocabulary, jobs: int) -> Generator[list[Reading], None, None]:
    if jobs <= 1 or len(work) < _SMALL:
        for item in work:
            yield read_batch([item], vocabulary)
        return
    broken: list[list[Work]] = []
    with worker_pool(jobs) as executor:
        yield from _from_workers(executor, list(_batches(work)), vocabulary, broken)
    for item in (item for batch in broken for item in batch):
        yield [_alone(item, vocabulary)]


def _from_workers(
    executor: Executor, batches: Iterable[list[Work]], vocabulary: Vocabulary, broken: list[list[Work]]
) -> Iterator[list[Reading]]:
    """What the workers give, as it comes; batches that a dying worker took along go to `broken`."""
    running: dict[Future[list[Reading]], list[Work]] = {}
    for batch in batches:
        try:
            running[executor.submit(read_batch, batch, vocabulary)] = batch
        except BrokenProcessPool:
            broken.append(batch)
    while running:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            batch = running.pop(future)
            try:
                yield future.result()
            except BrokenProcessPool:
                broken.append(batch)


def _alone(item: Work, vocabulary: Vocabulary) -> Reading:
    """Reads one file in a process of its own."""
    with worker_pool(1) as executor:
        try:
            return executor.submit(read_batch, [item], vocabulary).result()[0]
        except BrokenProcessPool:
            return Reading(item[0], problem="reading it ended the process that did")


def _batches(work: Sequence[Work]) -> Iterator[list[Work]]:
    batch: list[Work] = []
    size = 0
    for item in work:
        batch.append(item)
        size += _size(item[1])
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(source: str | bytes) -> int:
    if isinstance(source, bytes):
        return len(source)
    try:
        return Path(source).stat().st_size
    except OSError:
        return 0
