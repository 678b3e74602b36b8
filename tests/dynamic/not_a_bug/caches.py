"""Containers that look as if they only grew."""

import threading
import time
from collections import OrderedDict, deque


class OneKey:
    """Asked a hundred times for the one key that it has."""

    def __init__(self):
        self.entries = {}

    def put(self, text):
        digest = text.upper()
        self.entries[digest] = len(text)


class Swept:
    """Trimmed by a thread of its own, at a bound that this run does not reach."""

    def __init__(self):
        self.entries = {}
        threading.Thread(target=self.sweep, daemon=True).start()

    def put(self, text):
        self.entries[text] = 1

    def sweep(self):
        while True:
            if len(self.entries) > 1000:
                self.entries.clear()
            time.sleep(0.001)


class Ring:
    """Has its bound in its type."""

    def __init__(self):
        self.entries = deque(maxlen=64)

    def put(self, text):
        self.entries.append(text)


class Lru:
    """Trimmed past any bound that would be taken for none."""

    def __init__(self):
        self.entries = OrderedDict()

    def put(self, text):
        self.entries[text] = 1
        if len(self.entries) > 100:
            self.entries.popitem(last=False)


ALL = OneKey(), Swept(), Ring(), Lru()


def main():
    one_key, swept, ring, lru = ALL
    for _ in range(100):
        one_key.put("always the same")
    for number in range(60):
        swept.put(f"prompt {number}")
    for number in range(3000):
        ring.put(f"line {number}")
        lru.put(f"prompt {number}")
    time.sleep(0.3)
