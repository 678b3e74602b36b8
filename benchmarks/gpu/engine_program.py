"""The mini engine with a transformer under load: prints one line of JSON, with what it answered and what it took.

    python engine_program.py [--device cuda] [--bugs staging] [--large] [--requests 56]

On a GPU it also says how often the host waited for the device in a step, by torch's own count, and how much memory was
in use half-way and at the end. Prompts share no beginning and there are blocks for all, so each request is computed in
the same shapes in every run.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
import time
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "examples"))

import torch
from mini_engine.engine import Engine, Settings
from mini_engine.model import Row
from mini_engine.parts import Parts
from mini_engine.request import Request, encode
from mini_engine.transformer import LARGE, SMALL, Transformer

AT_ONCE = 16
WARM_UP = 3
"""Steps that are left out of every figure: the first ones make what later ones keep."""


class Watched(Transformer):
    """Keeps what each step took."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.is_cuda = self.place.device.type == "cuda"
        self.seconds: list[float] = []
        self.allocated: list[int] = []
        self.reserved: list[int] = []

    def forward(self, memory: torch.Tensor, rows: list[Row]) -> list[list[float]]:
        start = time.perf_counter()
        scores = super().forward(memory, rows)
        self.seconds.append(time.perf_counter() - start)
        if self.is_cuda:
            self.allocated.append(torch.cuda.memory_allocated())
            self.reserved.append(torch.cuda.memory_reserved())
        return scores


class Waits:
    """Counts the waits that torch itself warns of."""

    def __init__(self) -> None:
        self.seen = 0

    def __enter__(self) -> Waits:
        warnings.simplefilter("always")
        warnings.showwarning = self._count
        torch.cuda.set_sync_debug_mode("warn")
        return self

    def __exit__(self, *error: object) -> None:
        torch.cuda.set_sync_debug_mode("default")

    def _count(self, message: Warning | str, *rest: object) -> None:
        self.seen += "synchroniz" in str(message)


async def ask(engine: Engine, number: int, longest: int, at_once: asyncio.Semaphore) -> str:
    pick = random.Random(number)
    length = pick.randint(longest // 8, longest)
    prompt = encode("".join(chr(pick.randrange(33, 126)) for _ in range(length)))
    async with at_once:
        return "".join([piece async for piece in engine.generate(Request(f"request-{number}", prompt, max_tokens=24))])


async def serve(model: Watched, parts: Parts, requests: int, longest: int) -> list[str]:
    blocks = AT_ONCE * (longest + 64) // 16
    engine = Engine(model, parts, Settings(blocks=2 * blocks, block_size=16, max_running=AT_ONCE))
    stepping = asyncio.ensure_future(engine.run())
    at_once = asyncio.Semaphore(AT_ONCE)
    asking = asyncio.gather(*(ask(engine, number, longest, at_once) for number in range(requests)))
    await asyncio.wait({stepping, asking}, return_when=asyncio.FIRST_COMPLETED)
    if stepping.done():
        stepping.result()
    stepping.cancel()
    return await asking


def account(model: Watched, answers: list[str], waits: int | None) -> dict[str, Any]:
    steps = model.seconds[WARM_UP:]
    found: dict[str, Any] = {
        "answers": hashlib.sha256("\n".join(answers).encode()).hexdigest()[:16],
        "steps": len(model.seconds),
        "seconds": round(sum(steps), 4),
    }
    if waits is not None:
        found["waits_a_step"] = round(waits / len(model.seconds), 2)
    if model.is_cuda:
        half = len(model.allocated) // 2
        found |= {
            "allocated": [model.allocated[half], model.allocated[-1]],
            "reserved": [model.reserved[half], model.reserved[-1]],
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bugs", default="")
    parser.add_argument("--large", action="store_true", help="a billion and a half of weights")
    parser.add_argument("--requests", type=int, default=56)
    parser.add_argument("--longest", type=int, default=1500, help="tokens of the longest prompt")
    parser.add_argument("--count-waits", action="store_true", help="by torch's warnings; on a GPU")
    options = parser.parse_args()
    parts = Parts([bug for bug in options.bugs.split(",") if bug])
    model = Watched(torch.device(options.device), parts, LARGE if options.large else SMALL)
    if options.count_waits and model.is_cuda:
        with Waits() as counted:
            answers = asyncio.run(serve(model, parts, options.requests, options.longest))
        waits: int | None = counted.seen
    else:
        answers, waits = asyncio.run(serve(model, parts, options.requests, options.longest)), None
    print(json.dumps(account(model, answers, waits)))


if __name__ == "__main__":
    main()
