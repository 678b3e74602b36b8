"""Worker processes that cannot outlive the scan they work for, and that run no code of the folder they stand in."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection, context, parent_process

_PR_SET_PDEATHSIG = 1


@contextmanager
def worker_pool(jobs: int, how: context.BaseContext | None = None) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers end at once when the block is left by an error, an interrupt included."""
    with _safe_path():
        pool = ProcessPoolExecutor(jobs, how or _safe_context(), initializer=_begin)
        try:
            yield pool
        except BaseException:
            _end(pool)
            raise
        pool.shutdown()


def _safe_context() -> context.BaseContext | None:
    """A fork copies the locks that other threads hold, as one that reads standard input does, and nobody opens them."""
    return multiprocessing.get_context("spawn") if threading.active_count() > 1 else None


def _end(pool: ProcessPoolExecutor) -> None:
    """What a worker is in the middle of is of no use to anyone any more."""
    for worker in list((pool._processes or {}).values()):
        worker.kill()
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


def _begin() -> None:
    """In a new worker. Ctrl-C reaches it too, but it is for the parent to say what ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.disable()
    _die_with_parent()


def _die_with_parent() -> None:
    parent = parent_process()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if parent is not None and not parent.is_alive():  # it died before it could be asked for
            os._exit(1)
    elif parent is not None:
        threading.Thread(target=_leave_after, args=(parent.sentinel,), daemon=True).start()


def _leave_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
