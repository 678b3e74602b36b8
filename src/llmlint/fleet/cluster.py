"""Tasks on the workers of a dask scheduler, on as many machines as it has.

A worker that dies costs what it was in the middle of, which dask has done again elsewhere. A scheduler that dies, or
that has lost all its workers, is asked for anew; where it stays away, the tasks that are left are done on this machine.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, InvalidStateError
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeVar

from distributed import Client, KilledWorker

from llmlint.fleet.tasks import Failed
from llmlint.project import processors
from llmlint.scan import generation
from llmlint.vocabulary_file import load_vocabulary
from llmlint.workers import worker_pool

_PATIENCE = 20.0
"""Seconds that a scheduler, or its first worker, may take to be there."""
_GLANCE = 1.0

R = TypeVar("R")


class ClusterError(Exception):
    """A cluster that cannot be worked with; the message says why."""


class Cluster:
    """What is behind the address of a scheduler. `say` is told once when that is there no more."""

    def __init__(self, address: str, say: Callable[[str], None], patience: float = _PATIENCE) -> None:
        self._address = address
        self._say = say
        self.patience = patience
        self._is_gone = False
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what is lost is told in our words
        with self._connected() as client:
            self.threads = sum(client.nthreads().values())
            self._compare(client)

    @contextmanager
    def open(self) -> Iterator[Executor]:
        """An executor: of the cluster, or of this machine once that has gone."""
        with ExitStack() as opened:
            yield self._executor(opened)

    def _executor(self, opened: ExitStack) -> Executor:
        if not self._is_gone:
            try:
                client = opened.enter_context(self._connected())
                return opened.enter_context(_OnWorkers(client, self.patience))
            except ClusterError as error:
                self._is_gone = True
                self._say(f"{error}; going on on this machine")
        return opened.enter_context(worker_pool(processors()))

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        try:
            client = Client(self._address, timeout=self.patience, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(f"no scheduler answers at {self._address}") from error
        try:
            self._wait_for_a_worker(client)
            yield client
        finally:
            client.close(timeout=_GLANCE)

    def _wait_for_a_worker(self, client: Client) -> None:
        try:
            client.wait_for_workers(1, timeout=self.patience)
        except TimeoutError as error:
            raise ClusterError(f"the scheduler at {self._address} has no workers") from error

    def _compare(self, client: Client) -> None:
        """Every worker must find what this process would."""
        ours = _make()
        asked = {worker: client.submit(_make, workers=[worker], pure=False) for worker in client.nthreads()}
        for worker, answer in asked.items():
            try:
                theirs = answer.result(timeout=self.patience)
            except Exception as error:
                raise ClusterError(f"{worker} cannot run llmlint: {error or type(error).__name__}") from error
            if theirs != ours:
                raise ClusterError(f"{worker} has another llmlint, or other rules, than this process")


def _make() -> str:
    return generation(load_vocabulary(None))


class _OnWorkers(Executor):
    """Dask's own executor, which says of a task that nobody is left to do that its executor is broken."""

    def __init__(self, client: Client, patience: float) -> None:
        self._client = client
        self._inner = client.get_executor(pure=False)
        self._patience = patience
        self._waiting: set[Future[Any]] = set()
        self._is_over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        if self._client.status != "running":
            raise BrokenExecutor("the scheduler is gone")
        told: Future[R] = Future()
        self._waiting.add(told)
        told.add_done_callback(self._waiting.discard)
        self._inner.submit(fn, *args, **kwargs).add_done_callback(partial(_pass_on, told))
        return told

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """What still runs is of no use to anyone; the client that is closed next has it dropped."""
        self._is_over.set()

    def _watch(self) -> None:
        seen = time.monotonic()
        while not self._is_over.wait(_GLANCE):
            if self._has_workers():
                seen = time.monotonic()
            elif self._client.status != "running" or time.monotonic() - seen > self._patience:
                for told in list(self._waiting):
                    _settle(told, BrokenExecutor("nobody is left to do it"))

    def _has_workers(self) -> bool:
        try:
            return self._client.status == "running" and bool(self._client.nthreads())
        except Exception:  # of a connection that is lost at this moment; its status says so next time
            return False


def _pass_on(told: Future[R], done: Future[R]) -> None:
    try:
        result = done.result()
    except CancelledError:
        _settle(told, BrokenExecutor("the scheduler is gone"))
    except KilledWorker as error:
        _settle(told, Failed(f"it ended the worker that worked on it, {error.allowed_failures + 1} times"))
    except Exception as error:
        _settle(told, error)
    else:
        _settle(told, None, result)


def _settle(told: Future[Any], error: Exception | None, result: object = None) -> None:
    """The first to know says it."""
    try:
        if error is None:
            told.set_result(result)
        else:
            told.set_exception(error)
    except InvalidStateError:
        pass
