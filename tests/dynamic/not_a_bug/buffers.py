"""Lists and logs that each step makes longer, and that something bounds."""

import time
from collections import deque

WORK = 1.0


class Ring:
    def __init__(self):
        self.entries = deque(maxlen=64)

    def put(self, line):
        self.entries.append(line)


class Pruned:
    """Every so many steps the older half goes."""

    def __init__(self):
        self.entries = []

    def put(self, line):
        self.entries.append(line)
        if len(self.entries) > 128:
            self.entries = self.entries[64:]


class Drained:
    """A reporter takes all of it away, again and again."""

    def __init__(self):
        self.entries = []

    def put(self, line):
        self.entries.append(line)

    def report(self):
        taken, self.entries = self.entries, []
        return len(taken)


class Registered:
    """One for each of many weights, as the model is loaded; none for what is served then."""

    def __init__(self):
        self.entries = []

    def put(self, line):
        self.entries.append(line)


class Sampled:
    """As many as it keeps stay; which, chance says."""

    def __init__(self):
        self.entries = []

    def put(self, line):
        if len(self.entries) < 50:
            self.entries.append(line)
        else:
            self.entries[hash(line) % 50] = line


ALL = Ring(), Pruned(), Drained(), Registered(), Sampled()


def main():
    ring, pruned, drained, registered, sampled = ALL
    for number in range(1500):
        registered.put(f"weight {number}")
    began = time.process_time()
    number = 0
    while time.process_time() - began < WORK or number < 3000:
        for one in (ring, pruned, drained, sampled):
            one.put(f"line {number}")
        number += 1
        if number % 500 == 0:
            drained.report()
            time.sleep(0.01)
    drained.report()
