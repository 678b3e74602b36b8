"""A worker whose core is a local of its function: it is gone when the process ends, with all that it left behind."""

from __future__ import annotations

import time


class Core:
    def __init__(self) -> None:
        self.running: dict[str, int] = {}
        self.prefixes: dict[str, int] = {}

    def add(self, request_id: str) -> None:
        self.running[request_id] = self.prefixes[request_id] = 0

    def finish(self, request_id: str) -> None:
        del self.running[request_id], self.prefixes[request_id]

    def abort(self, request_id: str) -> None:
        del self.running[request_id]


def work(requests: int, pause: float) -> None:
    core = Core()
    time.sleep(pause)
    for number in range(requests):
        core.add(f"r{number}")
        (core.abort if number % 3 == 0 else core.finish)(f"r{number}")
    print(len(core.prefixes), "left")
