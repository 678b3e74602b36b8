"""A scheduler with no model behind it: the most calls a second that a serving engine makes. Prints seconds.

`work` is Python work a token, in loop turns: 500 make it about as slow as vLLM 0.10's scheduler, which was measured at
about 20 microseconds a token; 0 leaves nothing but the calls.
"""

from __future__ import annotations

import sys
import time


class Scheduler:
    def __init__(self, work: int, blocks: int = 4096) -> None:
        self.work = work
        self.free = list(range(blocks))
        self.waiting: list[str] = []
        self.running: dict[str, int] = {}
        self.blocks: dict[str, list[int]] = {}
        self.tokens: dict[str, list[int]] = {}

    def add(self, request_id: str, length: int) -> None:
        self.waiting.append(request_id)
        self.tokens[request_id] = list(range(length))

    def admit(self, request_id: str) -> None:
        self.running[request_id] = 0
        self.blocks[request_id] = [self.allocate() for _ in range(1 + len(self.tokens[request_id]) // 16)]

    def allocate(self) -> int:
        return self.free.pop()

    def release(self, block: int) -> None:
        self.free.append(block)

    def grow(self, request_id: str) -> None:
        tokens = self.tokens[request_id]
        token = 0
        for turn in range(self.work):
            token = (token * 31 + turn) % 50257
        tokens.append(token)
        if len(tokens) % 16 == 0:
            self.blocks[request_id].append(self.allocate())

    def finish(self, request_id: str) -> None:
        del self.running[request_id], self.tokens[request_id]
        for block in self.blocks.pop(request_id):
            self.release(block)

    def abort(self, request_ids: list[str]) -> None:
        for request_id in request_ids:
            self.finish(request_id)

    def reset(self) -> None:
        self.running.clear()

    def step(self, model_ms: float) -> None:
        while self.waiting and len(self.running) < 64:
            self.admit(self.waiting.pop())
        for request_id in list(self.running):
            self.running[request_id] += 1
            self.grow(request_id)
        done = [request_id for request_id, steps in self.running.items() if steps >= 32]
        for number, request_id in enumerate(done):
            if number % 4:
                self.finish(request_id)
            else:
                self.abort([request_id])
        end = time.perf_counter() + model_ms / 1000
        while time.perf_counter() < end:
            pass


def main(requests: int, model_ms: float, work: int) -> None:
    scheduler = Scheduler(work)
    start = time.perf_counter()
    for number in range(requests):
        scheduler.add(f"request-{number}", 24 + number % 40)
    while scheduler.waiting or scheduler.running:
        scheduler.step(model_ms)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
