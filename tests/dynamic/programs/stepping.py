"""An engine whose step allocates: what the switches name goes wrong."""

import os
import time

BUGS = os.environ.get("BUGS", "").split(",")


class Heap:
    """Memory of the host, without torch."""

    def __init__(self) -> None:
        self.kept: list[bytearray] = []

    def step(self, number: int) -> None:
        time.sleep(0.002)  # a run lasts long enough for several samples, however fast the machine
        page = bytearray(1 << 18)
        if "grow" in BUGS:
            self.kept.append(page)


class Model:
    """Tensors: each step makes scores and forgets them."""

    def __init__(self, torch) -> None:
        self.torch = torch
        self.weights = torch.ones(64, 64)
        self.recent = []
        self.history = []

    def step(self, number: int) -> float:
        hidden = self.torch.ones(8, 64) @ self.weights
        scores = self.project(hidden)
        self.recent.append(hidden.sum())
        del self.recent[:-8]
        if "retain" in BUGS:
            self.history.append(scores)
        return len(scores)

    def project(self, hidden):
        return self.torch.relu(hidden)


class Masks:
    """A mask for each step; with the switch in the size that the step needs."""

    def __init__(self, torch) -> None:
        self.torch = torch

    def step(self, number: int):
        return self.build(16 * (1 + number % 16) if "varied" in BUGS else 16)

    def build(self, length: int):
        room = self.torch.ones(length, length)
        return room.tril()
