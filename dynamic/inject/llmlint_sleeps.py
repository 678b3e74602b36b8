"""Sleeps in a process of a dormant run until it is told to watch, watches for a time, and sleeps on.

Until then there is nothing but one thread that looks twice a second whether the run's folder holds an order, and, where
a signal was asked for and nobody else has it, its handler. An order is a file; taking it away ends the watching.
"""

from __future__ import annotations

import _thread
import gc
import json
import os
import signal
import sys
import time

import llmlint_waits  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PERIOD = 0.5
ORDER = "order.json"
DORMANT = "dormant.json"

_sleepers: list[Sleeper] = []


def begin(folder: str) -> None:
    """One at a time in a process, and none in that of the standard library in which nobody's code runs."""
    is_helper = any("multiprocessing.resource_tracker" in part for part in sys.orig_argv[:8])
    if not is_helper and all(one.is_over for one in _sleepers):
        with open(os.path.join(folder, DORMANT), encoding="utf-8") as file:
            sleeper = Sleeper(folder, json.load(file))
        _sleepers[:] = [sleeper]
        sleeper.begin()


class Sleeper:
    def __init__(self, folder: str, usual: dict[str, Any]) -> None:
        self.folder = folder
        self.usual = usual
        """What a signal asks for, and which one: for a signal says no more than that it came."""
        self.done = ""
        """The order that was carried out last."""
        self.until = 0.0
        """When the watching is over; 0 while nobody watches."""
        self.by_signal = 0
        self.is_over = False
        """Whether it was sent in for one order, which is done."""
        self.stopping: Any = None
        self.stopped: Any = None

    def begin(self) -> None:
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._stop, after_in_parent=self._after_fork, after_in_child=self._in_child)
        self._listen()
        self._look()  # a child of a program that is watched is watched from its start
        self.is_over = bool(self.usual.get("once")) and not self.until
        self._start()

    def _listen(self) -> None:
        number = getattr(signal, str(self.usual.get("signal", "")), None)
        try:
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._heard)
                signal.siginterrupt(number, False)
        except (ValueError, OSError):  # not the main thread, or no signal that can be had
            return

    def _heard(self, *_: object) -> None:
        """In the midst of the program: everything else is the thread's."""
        self.by_signal += 1

    # -- the thread

    def _start(self) -> None:
        if self.stopping is not None or self.is_over:
            return
        self.stopping, self.stopped = _thread.allocate_lock(), _thread.allocate_lock()
        self.stopping.acquire()
        self.stopped.acquire()
        try:
            _thread.start_new_thread(self._run, (self.stopping, self.stopped))
        except RuntimeError:  # no more threads to be had, or the interpreter is going down
            self.stopping = None

    def _run(self, stopping: Any, stopped: Any) -> None:
        try:
            if hasattr(signal, "pthread_sigmask"):
                signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            while not self.is_over and not stopping.acquire(timeout=PERIOD):
                self._look()
        finally:
            stopped.release()

    def _stop(self) -> None:
        """Python warns of forks in a process with threads."""
        if self.stopping is None:
            return
        before = _threads()
        self.stopping.release()
        self.stopped.acquire(timeout=2)
        self.stopping = None
        for _ in range(50):
            if _threads() < before:
                return
            time.sleep(0.0005)

    def _after_fork(self) -> None:
        """Python 3.13 counts threads once more after this: there, the next collection of garbage starts the thread."""
        if sys.version_info < (3, 13):
            self._start()
        elif self._collected not in gc.callbacks:
            gc.callbacks.append(self._collected)

    def _collected(self, *_: object) -> None:
        if self._collected in gc.callbacks:
            gc.callbacks.remove(self._collected)
        self._start()

    def _in_child(self) -> None:
        """The watching goes on there, if there is any, and ends at the same time."""
        self.stopping = None
        self._start()

    # -- waking and sleeping

    def _look(self) -> None:
        try:
            if self.until:
                if time.time() >= self.until or self._is_taken_back() or _package().is_idle():
                    self.until = 0.0
                    _package().detach()
                    self.is_over = bool(self.usual.get("once"))
            else:
                self._carry_out(*self._order())
        except Exception:  # the program must go on whatever happens here
            return

    def _order(self) -> tuple[str, float, float]:
        """What is to be carried out: which order it is, the seconds that are left of it, its budget."""
        if self.by_signal:
            number, self.by_signal = self.by_signal, 0
            return f"signal {time.time_ns()} {number}", self.usual["seconds"], self.usual["budget"]
        try:
            place = os.path.join(self.folder, ORDER)
            given = os.stat(place).st_mtime
            with open(place, encoding="utf-8") as file:
                order = json.load(file)
        except (OSError, ValueError):
            return "", 0.0, 0.0
        meant = not order["pids"] or os.getpid() in order["pids"]
        left = given + order["seconds"] - time.time()
        return (order["order"], left, order["budget"]) if meant else ("", 0.0, 0.0)

    def _carry_out(self, order: str, seconds: float, budget: float) -> None:
        if not order or order == self.done or seconds <= 0:
            return
        self.done = order
        llmlint_waits.load()
        if _package().attach(self.folder, order, budget):
            self.until = time.time() + seconds

    def _is_taken_back(self) -> bool:
        return not self.done.startswith("signal ") and not os.path.exists(os.path.join(self.folder, ORDER))


def _package() -> Any:
    return sys.modules["_llmlint_dynamic.start"]


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0
