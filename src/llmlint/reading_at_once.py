"""Reading with several processes. A worker that dies costs the one file it died on and nothing else."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from llmlint.reading import Reading, Work, read_batch
from llmlint.vocabulary import Vocabulary
from llmlint.workers import NoWorkers, worker_pool

_BATCH_BYTES = 400_000


def readings(
    work: Sequence[Work], vocabulary: Vocabulary, least: str, jobs: int
) -> Generator[list[Reading], None, None]:
    broken: list[list[Work]] = []
    by_itself: Sequence[Work] = ()
    try:
        with worker_pool(jobs) as executor:
            yield from _from_workers(executor, list(_batches(work)), vocabulary, least, broken)
    except NoWorkers:
        by_itself = work
    if by_itself:
        gc.collect()  # what was started of the workers holds files open, which may be what there are too few of
    for item in by_itself:
        yield read_batch([item], vocabulary, least)
    yield from _one_by_one(deque(item for batch in broken for item in batch), vocabulary, least)


def _from_workers(
    executor: Executor, batches: Iterable[list[Work]], vocabulary: Vocabulary, least: str, broken: list[list[Work]]
) -> Iterator[list[Reading]]:
    """What the workers give, as it comes; batches that a dying worker took along go to `broken`."""
    running: dict[Future[list[Reading]], list[Work]] = {}
    for batch in batches:
        try:
            running[executor.submit(read_batch, batch, vocabulary, least)] = batch
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


def _one_by_one(waiting: deque[Work], vocabulary: Vocabulary, least: str) -> Iterator[list[Reading]]:
    """Reads one file after the other in a process beside; a file is given up when a new one dies on it at once."""
    while waiting:
        is_new = True
        try:
            with worker_pool(1) as executor:
                while waiting:
                    readings = executor.submit(read_batch, [waiting[0]], vocabulary, least).result()
                    waiting.popleft()
                    is_new = False
                    yield readings
        except (BrokenProcessPool, NoWorkers):
            if is_new:
                yield [Reading(waiting.popleft()[0], problem="reading it ended the process that did")]


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
