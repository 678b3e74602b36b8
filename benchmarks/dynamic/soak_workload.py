"""The example engine under load for a time: `python soak_workload.py SECONDS STEP_MS`. Prints how many it served."""

from __future__ import annotations

import asyncio
import sys
import time

from engine_workload import SlowModel, ask
from mini_engine.engine import Engine, Settings
from mini_engine.parts import Parts

AT_ONCE = 32


async def serve(seconds: float, step_ms: float) -> int:
    engine = Engine(SlowModel(step_ms), Parts(), Settings(blocks=256))
    stepping = asyncio.ensure_future(engine.run())
    until, served = time.monotonic() + seconds, 0
    at_once = asyncio.Semaphore(AT_ONCE)
    while time.monotonic() < until:
        await asyncio.gather(*(ask(engine, served + number, at_once) for number in range(AT_ONCE)))
        served += AT_ONCE
    stepping.cancel()
    return served


if __name__ == "__main__":
    print(asyncio.run(serve(float(sys.argv[1]), float(sys.argv[2]))))
