"""Fills tuples while the tracer looks for objects of a class that has none."""

from __future__ import annotations

import time


class Scheduler:
    def __init__(self) -> None:
        self.requests: dict[str, int] = {}

    def add(self, request_id: str) -> None:
        self.requests[request_id] = 1


if __name__ == "__main__":
    heap: list[list[int]] = [[] for _ in range(500_000)]  # so that a search takes longer than a thread's turn
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        assert len(tuple(number for number in range(64))) == 64
    print("done")
