"""vLLM's AsyncLLM under load, with its engine core in a spawned child: prints what became of the requests.

    python vllm_program.py MODEL [--requests 256] [--kill]

Every fifth client leaves after the first output, and every eleventh asks for what is refused. With --kill the engine
core gets SIGKILL half-way, and the program tells how many requests were answered.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

from vllm import SamplingParams
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.sampling_params import RequestOutputKind
from vllm.v1.engine.async_llm import AsyncLLM
from vllm_executor import NoModel
from vllm_model import write_model

AT_ONCE = 48
PATIENCE = 5.0


def engine_of(model: Path) -> AsyncLLM:
    arguments = AsyncEngineArgs(
        model=str(model), max_model_len=512, max_num_seqs=AT_ONCE, max_num_batched_tokens=1024, enforce_eager=True,
        dtype="float32", distributed_executor_backend=NoModel, disable_log_stats=True, disable_log_requests=True,
        enable_prefix_caching=True,
    )  # fmt: skip
    return AsyncLLM.from_engine_args(arguments)


async def ask(engine: AsyncLLM, number: int, at_once: asyncio.Semaphore) -> str:
    """One request, and what became of it."""
    leaves, refused = number % 5 == 4, number % 11 == 10
    words = 600 if refused else 24 + number % 40
    prompt = " ".join(f"w{(number // 8 + word) % 97}" for word in range(words))
    sampling = SamplingParams(
        max_tokens=200 if leaves else 16 + number % 9, ignore_eos=True, output_kind=RequestOutputKind.DELTA
    )
    async with at_once:
        try:
            async for _ in engine.generate(prompt, sampling, f"q{number}"):
                if leaves:
                    return "left"
        except ValueError:
            return "refused"
    return "finished"


def engine_core() -> int:
    """The child that runs `spawn_main` for the engine core, and not a helper of multiprocessing."""
    import multiprocessing

    return next(child.pid for child in multiprocessing.active_children() if child.pid)


async def serve(model: Path, requests: int, kill: bool) -> Counter[str]:
    engine = engine_of(model)
    at_once = asyncio.Semaphore(AT_ONCE)
    asking = [asyncio.ensure_future(ask(engine, number, at_once)) for number in range(requests)]
    became: Counter[str] = Counter()
    if kill:
        await asyncio.wait(asking[: requests // 2])
        os.kill(engine_core(), signal.SIGKILL)
        _, waiting = await asyncio.wait(asking, timeout=PATIENCE)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        became["still waiting"] = len(waiting)
    else:
        became.update(await asyncio.gather(*asking))
        await asyncio.sleep(1.5)
    engine.shutdown()
    return became


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--requests", type=int, default=256)
    parser.add_argument("--kill", action="store_true")
    options = parser.parse_args()
    write_model(options.model)
    became = asyncio.run(serve(options.model, options.requests, options.kill))
    if options.kill:
        print("requests still waiting after the engine core was killed:", became["still waiting"] > 0)
    else:
        print(", ".join(f"{count} {what}" for what, count in sorted(became.items())))


if __name__ == "__main__":
    main()
