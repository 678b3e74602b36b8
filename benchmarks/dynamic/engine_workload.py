"""The example engine under load, without HTTP: `python engine_workload.py REQUESTS STEP_MS`. Prints seconds.

With a step of 0 ms nothing but the engine's own Python runs, and the stand-in model's few lines.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "examples"))

from mini_engine.engine import Engine, Settings
from mini_engine.model import Row, StandIn
from mini_engine.parts import Parts
from mini_engine.request import Request, encode


class SlowModel(StandIn):
    """The stand-in with a step that takes as long as a small model's."""

    def __init__(self, step_ms: float) -> None:
        self.step = step_ms / 1000

    def forward(self, memory: list[list[int]], rows: list[Row]) -> list[list[float]]:
        time.sleep(self.step)
        return super().forward(memory, rows)


async def ask(engine: Engine, number: int, at_once: asyncio.Semaphore) -> None:
    """One request of one of four kinds; every eighth client leaves after three tokens."""
    text = f"You are an engine that answers in riddles. Riddle {number}"
    request = Request(f"request-{number}", encode(text), max_tokens=24, images=("00ff" * 4,) if number % 4 == 1 else ())
    if number % 4 == 2:
        request.grammar = f'{{"value": {number}}}|none'
    async with at_once:
        pieces = engine.generate(request)
        seen = 0
        async for _ in pieces:
            seen += 1
            if seen == 3 and number % 8 == 0:
                break
        await pieces.aclose()


async def serve(requests: int, step_ms: float) -> float:
    parts = Parts()
    engine = Engine(SlowModel(step_ms), parts, Settings(blocks=256))
    assert parts.grammars and parts.matching  # imported when first needed: start-up is measured elsewhere
    stepping = asyncio.ensure_future(engine.run())
    at_once = asyncio.Semaphore(32)
    start = time.perf_counter()
    await asyncio.gather(*(ask(engine, number, at_once) for number in range(requests)))
    taken = time.perf_counter() - start
    for level in (1, 2):
        await engine.sleep(level)
        await engine.wake_up()
    await engine.update_weights()
    stepping.cancel()
    return taken


if __name__ == "__main__":
    print(asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]))))
