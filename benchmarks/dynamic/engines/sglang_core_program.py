"""SGLang's radix cache, pools, queue policy and admission on a CPU, with no model: prints what became of the requests.

    python sglang_core_program.py [--requests 1600]

Prefixes are shared, every fifth request is aborted while it runs, every eleventh stops at a word, the pool is too small
for what the cache would keep, and cache and pools are reset after every two hundred steps, when nobody is under way.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import os
import sys
import time
import types
from array import array
from collections import Counter
from typing import Any, ClassVar

import torch
import transformers.utils

ROOM, AT_ONCE, CONTEXT = 1500, 24, 256
STOP = 7


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """torchvision is not installed: what reads pictures imports it, and none is read here."""

    class Module(types.ModuleType):
        __path__: ClassVar[list[str]] = []

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {})

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        ours = name.partition(".")[0] == "torchvision"
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if ours else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return self.Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        return None


transformers.utils.is_torchvision_available()  # it remembers that there is none
sys.meta_path.insert(0, Absent())

from sglang.srt.managers.schedule_batch import FINISH_ABORT, FINISH_LENGTH, FINISH_MATCHED_TOKEN, Req  # noqa: E402
from sglang.srt.managers.schedule_policy import PrefillAdder, SchedulePolicy  # noqa: E402
from sglang.srt.mem_cache.allocation import alloc_req_slots, alloc_token_slots  # noqa: E402
from sglang.srt.mem_cache.allocator import TokenToKVPoolAllocator  # noqa: E402
from sglang.srt.mem_cache.cache_init_params import CacheInitParams  # noqa: E402
from sglang.srt.mem_cache.common import checkpoint_kv_cache, release_kv_cache  # noqa: E402
from sglang.srt.mem_cache.memory_pool import ReqToTokenPool  # noqa: E402
from sglang.srt.mem_cache.radix_cache import RadixCache  # noqa: E402
from sglang.srt.runtime_context import get_context  # noqa: E402
from sglang.srt.sampling.sampling_params import SamplingParams  # noqa: E402


class Engine:
    """A step as SGLang's scheduler takes it, with the next token made up."""

    def __init__(self) -> None:
        self.pool = ReqToTokenPool(AT_ONCE, CONTEXT, "cpu", enable_memory_saver=False)
        self.slots = TokenToKVPoolAllocator(ROOM, torch.float32, "cpu", None, need_sort=False)
        self.cache = RadixCache(CacheInitParams(False, self.pool, self.slots, page_size=1))
        self.policy = SchedulePolicy("lpm", self.cache, False, False, False)
        self.waiting: list[Any] = []
        self.running: list[Any] = []
        self.became: Counter[str] = Counter()

    def admit(self) -> None:
        self.policy.calc_priority(self.waiting)
        adder = PrefillAdder(1, self.cache, self.slots, None, 1.0, 512, None)
        for request in self.waiting:
            if len(self.running) + len(adder.can_run_list) >= AT_ONCE:
                break
            request.init_next_round_input(self.cache)
            adder.add_one_req(request, False, None)
        for request in adder.can_run_list:
            self.waiting.remove(request)
            alloc_req_slots(self.pool, [request], self.cache)
            known = self.cache.prefix_device_indices(request)
            fresh = alloc_token_slots(self.cache, request.extend_end - request.prefix_len)
            self.pool.write((request.kv.req_pool_idx, slice(0, request.extend_end)), torch.cat((known, fresh)).int())
            request.kv.kv_allocated_len = request.kv.kv_committed_len = request.extend_end
            checkpoint_kv_cache(request, self.cache)
            self.running.append(request)

    def decode(self) -> None:
        for request in list(self.running):
            at = request.kv.kv_allocated_len
            self.pool.write((request.kv.req_pool_idx, slice(at, at + 1)), alloc_token_slots(self.cache, 1).int())
            request.kv.kv_allocated_len = request.kv.kv_committed_len = at + 1
            number = int(request.rid[1:])
            request.output_ids.append(STOP if number % 11 == 10 and at > 60 else 8 + at % 90)
            if number % 5 == 0 and len(request.output_ids) > 4:
                self.end(request, FINISH_ABORT("the client is gone"), "left")
            elif request.output_ids[-1] == STOP:
                self.end(request, FINISH_MATCHED_TOKEN(STOP), "stop")
            elif len(request.output_ids) >= request.sampling_params.max_new_tokens:
                self.end(request, FINISH_LENGTH(len(request.output_ids)), "length")

    def end(self, request: Any, reason: Any, how: str) -> None:
        request.finished_reason = reason
        release_kv_cache(request, self.cache, checkpoint=True)
        self.running.remove(request)
        self.became[how] += 1

    def reset(self) -> None:
        self.cache.reset()
        self.pool.clear()
        self.slots.clear()
        self.became["reset"] += 1


def request(number: int) -> Any:
    prompt = array("q", [8 + (number // 8 + place) % 90 for place in range(24 + number % 40)])
    sampling = SamplingParams(max_new_tokens=12 + number % 8)
    sampling.normalize(None)
    return Req(f"q{number}", "", prompt, sampling, vocab_size=128)


def serve(requests: int) -> Counter[str]:
    engine, asked, steps = Engine(), [request(number) for number in reversed(range(requests))], 0
    while asked or engine.waiting or engine.running:
        while asked and len(engine.waiting) < AT_ONCE and steps % 200 < 170:
            engine.waiting.append(asked.pop())
        engine.admit()
        engine.decode()
        steps += 1
        if not engine.running and not engine.waiting:
            engine.reset()
            steps += 200 - steps % 200
    return engine.became


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1600)
    options = parser.parse_args()
    get_context().override_server_args(model_path="none").install()
    became = serve(options.requests)
    time.sleep(1.5)
    print(", ".join(f"{count} {what}" for what, count in sorted(became.items())))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
