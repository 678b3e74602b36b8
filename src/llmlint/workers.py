"""Worker processes that cannot outlive the scan they work for, and that run no code of the folder they stand in."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import connection, context, parent_process
from pathlib import Path
from typing import Any

from llmlint.catalogue import add_rules_from, own_folders

_PR_SET_PDEATHSIG = 1
_ENDING = (signal.SIGINT, signal.SIGTERM)
_A_MOMENT = 0.05
_CANNOT_START = (OSError, RuntimeError, MemoryError, BrokenProcessPool)
"""What it says where there is no room: for a process, a thread, what they are told, or for a worker to begin."""


class NoWorkers(OSError):
    """No process may be started, or there is nothing it could wait for (no /dev/shm, a limit)."""


@contextmanager
def worker_pool(jobs: int, how: context.BaseContext | None = None) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers end at once when the block is left by an error, an interrupt included."""
    with _safe_path():
        pool = _started(jobs, how or _safe_context())
        try:
            yield pool
        except BaseException:
            _end(pool)
            raise
        pool.shutdown()


def _started(jobs: int, how: context.BaseContext) -> ProcessPoolExecutor:
    pool = None
    try:
        pool = ProcessPoolExecutor(jobs, how, initializer=_begin, initargs=(os.getpid(), own_folders()))
        with _threads_silent():
            with _signals_held():
                first = pool.submit(_nothing)  # starts the workers
            _await_first(pool, first)
    except BaseException as error:
        if pool is not None:
            _end(pool)
        if isinstance(error, _CANNOT_START):
            raise NoWorkers(str(error)) from None
        raise
    return pool


def _nothing() -> None:
    """Work for a worker that is to be there."""


def _await_first(pool: ProcessPoolExecutor, first: Future[None]) -> None:
    """The thread that hands work out may find no room for the one that it starts itself. It dies then, and what was
    submitted is never answered: so something is, before anybody waits for more."""
    while not wait([first], timeout=_A_MOMENT).done:
        hands_out: Any = pool._executor_manager_thread
        if not hands_out.is_alive():
            raise NoWorkers("no thread can be started")
    first.result()


@contextmanager
def _threads_silent() -> Iterator[None]:
    """That one cannot start another is told by what becomes of it, and its traceback is of no use to anyone."""
    before, threading.excepthook = threading.excepthook, lambda _: None
    try:
        yield
    finally:
        threading.excepthook = before


@contextmanager
def _signals_held() -> Iterator[None]:
    """An interrupt in the middle of a fork is lost in the parent and ends a worker that is not ready for it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _safe_context() -> context.BaseContext:
    """A fork copies the locks that other threads hold, as one that reads standard input does, and nobody opens them."""
    may_fork = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if may_fork else "spawn")


def _end(pool: ProcessPoolExecutor) -> None:
    """What a worker is in the middle of is of no use to anyone any more."""
    for worker in list((pool._processes or {}).values()):
        worker.kill()
    with suppress(RuntimeError):  # of a thread that could not be started
        pool.shutdown(cancel_futures=True)


@contextmanager
def _safe_path() -> Iterator[None]:
    """A Python that is started anew (spawn, forkserver) must not look for modules in the working directory first."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("PYTHONSAFEPATH", None)
        else:
            os.environ["PYTHONSAFEPATH"] = before


def _begin(parent: int, rules: tuple[Path, ...]) -> None:
    """In a new worker. Ctrl-C reaches it too, but it is for the parent to say what ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    gc.disable()
    add_rules_from(*rules)
    _die_with(parent)


def _die_with(parent: int) -> None:
    known = parent_process()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    elif known is not None:
        threading.Thread(target=_leave_after, args=(known.sentinel,), daemon=True).start()
    if os.getppid() != parent:  # it died before it could be asked for
        os._exit(1)


def _leave_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
