"""Which of two threads' doings is known to have come first: one vector clock a thread.

A thread's clock moves when it gives something away: it starts a thread, puts into a queue, sets an event, settles a
future. Who takes that up (the started thread, the reader of the queue, whoever waited or joined) has seen all that the
giver did before. A queue or an executor is one channel: what is taken out counts as given by all who put in, so rather
too much is in order than too little.
"""

from __future__ import annotations

import _thread
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

from ..paths import Roots
from ..plan import Target
from ..probe import COUNT_ONLY, Probe, Quick

Seen = dict[int, int]
"""By the number of a thread, how far it is known to have come."""


class Clock:
    """A thread's own."""

    __slots__ = ("number", "seen", "stamp", "time")

    def __init__(self, number: int) -> None:
        self.number = number
        self.time = 1
        self.seen: Seen = {}
        self.stamp = 0
        """Another number after each giving and taking."""

    def give(self) -> Seen:
        """All that this thread has seen and done; what it does from now on is later."""
        given = {**self.seen, self.number: self.time}
        self.time += 1
        self.stamp += 1
        return given

    def take(self, given: Seen) -> None:
        self.stamp += 1
        for number, time in given.items():
            if number != self.number and time > self.seen.get(number, 0):
                self.seen[number] = time

    def knows(self, number: int, time: int) -> bool:
        """Has what that thread did at that time come before whatever this one does now?"""
        return number == self.number or time <= self.seen.get(number, 0)


class _Local(_thread._local):
    clock: Clock


_local = _Local()
_count = 0


def clock() -> Clock:
    """The clock of the calling thread: a new one for each thread, also when it gets an old one's ident."""
    global _count
    try:
        return _local.clock
    except AttributeError:
        _count += 1
        _local.clock = Clock(_count)
        return _local.clock


class Channels:
    """What was given into each thread, queue, event or future, and not necessarily taken up yet."""

    def __init__(self) -> None:
        self.given: weakref.WeakKeyDictionary[Any, Seen] = weakref.WeakKeyDictionary()
        self.ended: weakref.WeakKeyDictionary[Any, Seen] = weakref.WeakKeyDictionary()
        self.executors: Seen = {}

    def give(self, channel: object) -> None:
        self.given[channel] = _merged(self.given.get(channel), clock().give())

    def take(self, channel: object) -> None:
        given = self.given.get(channel)
        if given is not None:
            clock().take(given)

    def end(self, thread: object) -> None:
        self.ended[thread] = clock().give()

    def join(self, thread: object) -> None:
        ended = self.ended.get(thread)
        if ended is not None:
            clock().take(ended)

    def submit(self, _: object) -> None:
        self.executors = _merged(self.executors, clock().give())

    def work(self, _: object) -> None:
        clock().take(self.executors)


def _merged(one: Seen | None, other: Seen) -> Seen:
    return {**other, **{number: max(time, other.get(number, 0)) for number, time in (one or {}).items()}}


CHANNELS = Channels()

Tell = Callable[[object], None]

EDGES: dict[str, dict[str, tuple[Tell | None, Tell | None]]] = {
    "threading": {
        "Thread.start": (CHANNELS.give, None),
        "Thread._bootstrap_inner": (CHANNELS.take, CHANNELS.end),
        "Thread.join": (None, CHANNELS.join),
        "Event.set": (CHANNELS.give, None),
        "Event.wait": (None, CHANNELS.take),
        "Barrier.wait": (CHANNELS.give, CHANNELS.take),
        "Semaphore.release": (CHANNELS.give, None),
        "BoundedSemaphore.release": (CHANNELS.give, None),
        "Semaphore.acquire": (None, CHANNELS.take),
        "Condition.notify": (CHANNELS.give, None),
        "Condition.wait": (None, CHANNELS.take),
        "Condition.__enter__": (None, CHANNELS.take),
    },
    "queue": {"Queue.put": (CHANNELS.give, None), "Queue.get": (None, CHANNELS.take)},
    "concurrent.futures.thread": {
        "ThreadPoolExecutor.submit": (CHANNELS.submit, None),
        "_WorkItem.run": (CHANNELS.work, None),
    },
    "concurrent.futures._base": {
        "Future.set_result": (CHANNELS.give, None),
        "Future.set_exception": (CHANNELS.give, None),
        "Future.result": (None, CHANNELS.take),
    },
}
"""What is told before a function of a library runs on an object, and after it: by module and name."""


class Ordering(Probe):
    """A probe that asks what came first: it has the functions watched by which threads put themselves in order."""

    libraries: ClassVar[dict[str, tuple[str, ...]]] = {module: tuple(edges) for module, edges in EDGES.items()}

    def edge(self, target: Target) -> Quick | None:
        """What to do about a function of a library; None where it puts nothing in order."""
        before, after = EDGES.get(self.finding.path, {}).get(target.qualname, (None, None))
        if before is None and after is None:
            return None

        def enter(values: tuple[object, ...]) -> object:
            if before is not None:
                before(values[0])
            return values[0] if after is not None else None

        def leave(subject: Any, result: Any, error: BaseException | None) -> None:
            if after is not None:
                after(subject)

        return Quick(enter, leave)

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick | None:
        """Other calls as such are of no interest."""
        return self.edge(target) or COUNT_ONLY

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        edge = self.edge(target)
        return edge.before((subject,)) if edge is not None else None

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        edge = self.edge(target)
        if edge is not None:
            edge.after(token, result, error)
