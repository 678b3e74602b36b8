"""Attributes that two threads use, and that something else than their own lock keeps apart."""

import threading
import time

ROUNDS = 40
OUTSIDE = threading.Lock()


class Turns:
    """Two semaphores: each thread waits for its turn."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0
        self.mine, self.yours = threading.Semaphore(1), threading.Semaphore(0)

    def bump(self):
        self.count += 1

    def drop(self):
        self.count -= 1

    def one(self):
        for _ in range(ROUNDS):
            self.mine.acquire()
            self.bump()
            self.yours.release()

    def other(self):
        for _ in range(ROUNDS):
            self.yours.acquire()
            self.drop()
            self.mine.release()


class Told:
    """A condition says whose turn it is; what is done then is done outside of its lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0
        self.turn, self.changed = 0, threading.Condition()

    def bump(self):
        self.count += 1

    def drop(self):
        self.count -= 1

    def play(self, mine, what):
        for _ in range(ROUNDS):
            with self.changed:
                while self.turn != mine:
                    self.changed.wait()
            what()
            with self.changed:
                self.turn = 1 - mine
                self.changed.notify()

    def one(self):
        self.play(0, self.bump)

    def other(self):
        self.play(1, self.drop)


class Outside:
    """Whoever calls holds a lock of the module's."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0

    def bump(self):
        self.count += 1

    def drop(self):
        self.count -= 1

    def one(self):
        for _ in range(ROUNDS):
            with OUTSIDE:
                self.bump()
            time.sleep(0.0005)

    def other(self):
        for _ in range(ROUNDS):
            with OUTSIDE:
                self.drop()
            time.sleep(0.0005)


class Owners:
    """The owner of both holds its own lock."""

    def __init__(self):
        self.guard = threading.Lock()
        self.part = Part()

    def one(self):
        for _ in range(ROUNDS):
            with self.guard:
                self.part.bump()
            time.sleep(0.0005)

    def other(self):
        for _ in range(ROUNDS):
            with self.guard:
                self.part.drop()
            time.sleep(0.0005)


class Part:
    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0

    def bump(self):
        self.count += 1

    def drop(self):
        self.count -= 1


class Each:
    """One object for each thread."""

    def __init__(self):
        self.parts = Own(), Own()

    def one(self):
        for _ in range(ROUNDS):
            self.parts[0].bump()
            time.sleep(0.0005)

    def other(self):
        for _ in range(ROUNDS):
            self.parts[1].drop()
            time.sleep(0.0005)


class Own:
    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0

    def bump(self):
        self.count += 1

    def drop(self):
        self.count -= 1


class Baton:
    """A lock that one takes and the other gives back: whose turn it is."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0
        self.barrier = threading.Barrier(2)

    def bump(self):
        self.count += 1

    def drop(self):
        self.count -= 1

    def one(self):
        for _ in range(ROUNDS):
            self.bump()
            self.barrier.wait()
            self.barrier.wait()

    def other(self):
        for _ in range(ROUNDS):
            self.barrier.wait()
            self.drop()
            self.barrier.wait()


def main():
    for kind in (Turns, Told, Outside, Owners, Each, Baton):
        shared = kind()
        threads = [threading.Thread(target=one) for one in (shared.one, shared.other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
