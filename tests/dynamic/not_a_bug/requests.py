"""Containers that hold requests which have not ended, or whose end is not the container's business."""

import threading
import time
from collections import deque


class InFlight:
    """Removal works; the program ends before any request does."""

    def __init__(self):
        self.running = {}

    def add(self, request_id):
        self.running[request_id] = 1

    def finish(self, request_id):
        del self.running[request_id]


class Lazy:
    """What has ended is taken out by a sweep, which comes late."""

    def __init__(self):
        self.running = {}
        self.done = []
        threading.Thread(target=self.sweep, daemon=True).start()

    def add(self, request_id):
        self.running[request_id] = 1

    def finish(self, request_id):
        self.done.append(request_id)

    def sweep(self):
        while True:
            time.sleep(0.7)
            for request_id in self.done:
                self.running.pop(request_id, None)
            self.done = []


class Remembered:
    """The last that ended are kept on purpose, so many of them."""

    def __init__(self):
        self.running = {}
        self.recent = deque(maxlen=32)

    def add(self, request_id):
        self.running[request_id] = 1

    def finish(self, request_id):
        self.recent.append(request_id)
        del self.running[request_id]


class Reused:
    """A slot's id comes round again while its container is looked at."""

    def __init__(self):
        self.running = {}

    def add(self, request_id):
        self.running[request_id] = 1

    def finish(self, request_id):
        del self.running[request_id]


ALL = InFlight(), Lazy(), Remembered(), Reused()


def main():
    in_flight, lazy, remembered, reused = ALL
    for number in range(64):
        in_flight.add(f"r{number}")
        remembered.add(f"r{number}")
        remembered.finish(f"r{number}")
        reused.add(f"slot {number % 8}")
        reused.finish(f"slot {number % 8}")
        reused.add(f"slot {number % 8}")
        if number < 56:
            reused.finish(f"slot {number % 8}")
    for round_ in range(4):
        for number in range(16):
            lazy.add(f"{round_}-{number}")
            lazy.finish(f"{round_}-{number}")
        time.sleep(0.5)
