"""Tasks for an executor, a few at a time, so that a worker that dies costs only what it was in the middle of.

What runs the tasks is a `concurrent.futures.Executor`: processes, threads, this process where one job is enough, or the
workers of a cluster (`cluster.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from llmlint.workers import worker_pool

EXECUTORS = ("processes", "threads", "dask")

T = TypeVar("T", bound=Hashable)
R = TypeVar("R")

OpenExecutor = Callable[[], AbstractContextManager[Executor]]


class Failed(Exception):
    """A task that ended the process it ran in, each time it was tried."""


class InThisProcess(Executor):
    """Does what it is given at once."""

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        future: Future[R] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def opener(kind: str, jobs: int) -> OpenExecutor:
    if jobs == 1:
        return InThisProcess
    if kind == "threads":
        return lambda: ThreadPoolExecutor(jobs)
    return lambda: worker_pool(jobs)


def run_all(
    work: Callable[[T], R], tasks: Iterable[T], open_executor: OpenExecutor, jobs: int
) -> Generator[tuple[T, R | Exception], None, None]:
    """Each task with what came of it, as they end. Those that a broken pool took along are tried again, alone."""
    waiting = deque(tasks)
    suspects: list[T] = []
    while waiting:
        running: dict[Future[R], T] = {}
        try:
            with open_executor() as executor:
                while waiting or running:
                    while waiting and len(running) < jobs:
                        running[executor.submit(work, waiting[0])] = waiting[0]
                        waiting.popleft()
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        result = _result(future)
                        yield running.pop(future), result
        except BrokenExecutor:
            suspects += running.values()
    for task in suspects:
        yield task, _alone(work, task, open_executor)


def _result(future: Future[R]) -> R | Exception:
    try:
        return future.result()
    except BrokenExecutor:
        raise
    except Exception as error:
        return error


def _alone(work: Callable[[T], R], task: T, open_executor: OpenExecutor) -> R | Exception:
    try:
        with open_executor() as executor:
            return _result(executor.submit(work, task))
    except BrokenExecutor:
        return Failed("it ended the process that worked on it, twice")
