"""vLLM 0.33's scheduler, watched and unwatched by turns in one process that is traced: prints the ratio of each pair.

    python vllm_turns_program.py MODEL [--requests 1000] [--step-ms 0] [--pairs 10]

Two processes differ by several points from one start to the next, whatever is measured. Here both sides are the same
objects at the same addresses: for every other round the watched functions have their own code and the tracer's thread
does nothing when it wakes up: one that is started anew would look around many times before it comes to its pace. A pair
is eight rounds, four of each side, and counts the seconds of the processor of all threads.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from vllm.utils.hashing import get_hash_fn_by_name
from vllm.v1.core.kv_cache_utils import get_request_block_hasher, init_none_hash
from vllm_core_program import BLOCK, answer_for_the_model, scheduler_of, serve
from vllm_model import write_model

TURNS = (True, False, False, True, True, False, False, True)
"""Whether a round of a pair is watched."""


class Watching:
    """The tracer of this process, as it is put aside and taken up again."""

    def __init__(self) -> None:
        self.tracer: Any = sys.modules["_llmlint_dynamic.start"]._tracer
        self.is_on = True
        tick = self.tracer.tick
        self.tracer.ticker._tick = lambda: tick() if self.is_on else None

    def turn(self, on: bool) -> None:
        self.is_on = on
        for station in self.tracer.stations.values():
            station.function.__code__ = station.instrumented if on else station.original


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--step-ms", type=float, default=0)
    parser.add_argument("--pairs", type=int, default=10)
    options = parser.parse_args()
    write_model(options.model)
    answer_for_the_model()
    scheduler = scheduler_of(options.model)
    hash_of = get_hash_fn_by_name("sha256")
    init_none_hash(hash_of)
    hasher, step = get_request_block_hasher(BLOCK, hash_of), options.step_ms / 1000
    watching = Watching()
    for on in (True, False):
        watching.turn(on)
        serve(scheduler, options.requests, step, hasher)
    ratios = []
    for number in range(options.pairs):
        took = {True: 0.0, False: 0.0}
        for turn in TURNS:
            on = turn != bool(number % 2)
            watching.turn(on)
            gc.collect()
            took[on] += serve(scheduler, options.requests, step, hasher)[2]
        ratios.append(took[True] / took[False])
        print(f"pair {number + 1}: {took[False]:.3f} s of the processor, watched {ratios[-1]:.3f}", flush=True)
    print(f"a step of {options.step_ms} ms: median {statistics.median(ratios):.3f}", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
