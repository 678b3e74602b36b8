"""Resets, restores and offloads that look as if they forgot something."""

import threading
import time


class Lazily:
    """What the reset leaves, a thread takes away within a moment."""

    def __init__(self):
        self.entries = {}
        self.stale = threading.Event()
        threading.Thread(target=self.sweep, daemon=True).start()

    def reset(self):
        self.stale.set()

    def sweep(self):
        while self.stale.wait():
            self.stale.clear()
            time.sleep(0.001)
            self.entries.clear()


class Replaced:
    """The container is another one afterwards, with the same keys put in again by the reset itself."""

    def __init__(self):
        self.entries = {}

    def reset(self):
        self.entries = {}


class Reserved:
    """What it held at first, it holds again."""

    def __init__(self):
        self.entries = {"padding": 0}

    def reset(self):
        self.entries = {"padding": 0}


class Restored:
    """Nothing changes, because what is restored is there already; another time it does."""

    def __init__(self):
        self.entries = {"a": 1}

    def restore(self, saved):
        self.entries.update(saved)


class Offloaded:
    """What is kept through the offload is the host's copy."""

    def __init__(self):
        self.entries = {}
        self.copy = {}

    def sleep(self):
        self.copy, self.entries = self.entries, {}

    def wake(self):
        self.entries, self.copy = self.copy, {}


class Beside:
    """Another of its kind is full, which nobody resets here."""

    def __init__(self):
        self.entries = {}

    def reset(self):
        self.entries.clear()


class Store:
    def __init__(self):
        self.entries = {}


class Owner:
    """It resets what it has; another owner's is left alone."""

    def __init__(self):
        self.parts = {"store": Store()}

    def reset(self):
        self.parts["store"].entries.clear()


ALL = Lazily(), Replaced(), Reserved(), Restored(), Offloaded()


def main():
    lazily, replaced, reserved, restored, offloaded = ALL
    beside, full, owner, full_owner = Beside(), Beside(), Owner(), Owner()
    for number in range(6):
        for one in (beside, full, owner.parts["store"], full_owner.parts["store"]):
            one.entries[f"r{number}"] = number
        beside.reset()
        owner.reset()
        for one in (lazily, replaced, reserved, offloaded):
            one.entries[f"r{number}"] = number
        lazily.reset()
        replaced.reset()
        reserved.reset()
        restored.restore({"a": 1})
        restored.restore({"b": number})
        offloaded.sleep()
        offloaded.wake()
        time.sleep(0.05)
        while lazily.entries:  # on a busy machine a moment may be longer
            time.sleep(0.01)
