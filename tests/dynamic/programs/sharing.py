"""Objects that threads share: with one lock at every place, with a place that forgets it, or one after the other.

`python sharing.py HOW`, or `HOW-plain` for a lock that does not know its owner.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Queue


class Sessions:
    def __init__(self, plain: bool = False) -> None:
        self.lock = threading.Lock() if plain else threading.RLock()
        self.sessions: dict[int, int] = {}
        self.count = 0

    def add(self, number: int) -> None:
        with self.lock:
            self.sessions[number] = number
            self.count += 1

    def drop(self, number: int) -> None:
        with self.lock:
            self.sessions.pop(number, None)

    def get(self, number: int) -> int:
        with self.lock:
            return self.sessions.get(number, 0)

    def clear(self) -> None:
        with self.lock:
            self.sessions.clear()

    def drop_by_hand(self, number: int) -> None:
        self.lock.acquire()
        try:
            self.remove(number)
        finally:
            self.lock.release()

    def remove(self, number: int) -> None:
        self.sessions.pop(number, None)

    def reap(self) -> int:
        stale = 0
        for number in self.sessions:
            stale += number
        return stale


class Turns:
    """Stands in for the system's scheduler, so that two threads interleave in the same way in every run: with nothing
    that puts them in order."""

    def __init__(self) -> None:
        self.turn = 0

    def wait_for(self, turn: int) -> None:
        while self.turn != turn:
            time.sleep(0.0002)

    def mine(self) -> None:
        self.wait_for(0)

    def yours(self) -> None:
        self.turn = 1

    def wait(self) -> None:
        self.wait_for(1)

    def done(self) -> None:
        self.turn = 0


def by_turns(first, second, rounds: int = 20) -> None:
    turns = Turns()

    def other() -> None:
        for number in range(rounds):
            turns.wait()
            second(number)
            turns.done()

    thread = threading.Thread(target=other)
    thread.start()
    for number in range(rounds):
        turns.mine()
        first(number)
        turns.yours()
    thread.join()


def bare(plain: bool = False) -> None:
    sessions = Sessions(plain)
    by_turns(sessions.add, lambda number: sessions.reap())


def locked() -> None:
    sessions = Sessions()
    by_turns(sessions.add, sessions.drop)


def by_hand(plain: bool = False) -> None:
    sessions = Sessions(plain)
    by_turns(sessions.add, sessions.drop_by_hand)


def alone() -> None:
    sessions = Sessions()
    for number in range(20):
        sessions.add(number)
        sessions.reap()


def published() -> None:
    """Filled by one thread under no lock, then used by many under theirs."""
    sessions = Sessions()
    sessions.remove(1)
    sessions.reap()
    by_turns(sessions.add, sessions.drop)


def handed_over() -> None:
    """Each thread has it for itself: it goes to and fro by queues."""
    there: Queue[Sessions | None] = Queue()
    back: Queue[Sessions] = Queue()

    def other() -> None:
        while True:
            sessions = there.get()
            if sessions is None:
                return
            sessions.remove(1)
            sessions.reap()
            back.put(sessions)

    thread = threading.Thread(target=other)
    thread.start()
    sessions = Sessions()
    for number in range(20):
        sessions.sessions[number] = number
        sessions.reap()
        sessions.remove(number - 1)
        there.put(sessions)
        sessions = back.get()
    there.put(None)
    thread.join()


def in_a_pool() -> None:
    """One job after the other, each waited for."""
    sessions = Sessions()
    with ThreadPoolExecutor(2) as pool:
        for number in range(20):
            sessions.remove(number)
            pool.submit(sessions.reap).result()
            pool.submit(sessions.remove, number).result()


def joined() -> None:
    """Workers use their lock; when they have ended, the rest needs none."""
    sessions = Sessions()
    for number in range(4):
        threads = [threading.Thread(target=sessions.add, args=(number * 2 + part,)) for part in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sessions.reap()
        sessions.remove(number)


if __name__ == "__main__":
    import sharing

    how, _, plain = sys.argv[1].partition("-")
    function = getattr(sharing, how)
    print(function(True) if plain else function())
