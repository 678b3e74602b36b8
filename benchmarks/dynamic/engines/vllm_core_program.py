"""The scheduler and the KV cache manager of vLLM 0.33 on a CPU, with no model: prints what became of the requests.

    python vllm_core_program.py MODEL [--requests 512] [--step-ms 0] [--times]

Prefixes are shared, every fifth request is aborted by and by, every eleventh stops at a word, the pool is too small for
all that run, and the prefix cache is reset after every hundred steps. With --times it prints the seconds by the clock
and those of the processor that a round of requests took, the median of eight rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from vllm import SamplingParams
from vllm.engine.arg_utils import EngineArgs
from vllm.model_executor.models import registry
from vllm.utils.hashing import get_hash_fn_by_name
from vllm.v1.core.kv_cache_utils import get_request_block_hasher, init_none_hash
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request, RequestStatus
from vllm.v1.structured_output import StructuredOutputManager
from vllm_model import write_model

AT_ONCE = 64
ROUNDS = 8
BLOCK, BLOCKS = 16, 256
STOP = 7


def answer_for_the_model() -> None:
    """The real architecture's module needs a compiled library of kernels."""
    named: dict[str, Any] = dict.fromkeys(registry._ModelInfo.__dataclass_fields__, False)
    named.update(architecture="LlamaForCausalLM", is_text_generation_model=True)
    info = registry._ModelInfo(**named)
    registry._ModelRegistry.inspect_model_cls = lambda self, architectures, *more: (info, "LlamaForCausalLM")


def scheduler_of(model: Path) -> Scheduler:
    arguments = EngineArgs(
        model=str(model), max_model_len=512, max_num_seqs=AT_ONCE, max_num_batched_tokens=2048, enforce_eager=True,
        dtype="float32", block_size=BLOCK, disable_log_stats=True, enable_prefix_caching=True, async_scheduling=False,
    )  # fmt: skip
    config = arguments.create_engine_config()
    config.cache_config.num_gpu_blocks = BLOCKS
    spec = FullAttentionSpec(block_size=BLOCK, num_kv_heads=2, head_size=64, dtype=torch.float32)
    caches = KVCacheConfig(
        num_blocks=BLOCKS, kv_cache_tensors=[], kv_cache_groups=[KVCacheGroupSpec(["layer"], spec)],
        hash_block_size=BLOCK, cache_hit_alignment_tokens=BLOCK,
    )  # fmt: skip
    return Scheduler(config, caches, StructuredOutputManager(config), BLOCK, hash_block_size=BLOCK)


def request(number: int, hasher: Any) -> Request:
    prompt = [8 + (number // 8 + place) % 90 for place in range(24 + number % 40)]
    sampling = SamplingParams(max_tokens=24 + number % 16, ignore_eos=True, stop_token_ids=[STOP])
    sampling.update_from_generation_config({}, 2)
    return Request(f"q{number}", prompt, sampling, None, arrival_time=0.0, block_hasher=hasher)


def answered(plan: Any, reached: dict[str, int]) -> ModelRunnerOutput:
    """A token for each request of the step, as soon as all its prompt has been computed."""
    ids, sampled = list(plan.num_scheduled_tokens), []
    for new in plan.scheduled_new_reqs:
        reached[f"{new.req_id} prompt"] = len(new.prompt_token_ids)
        reached[new.req_id] = new.num_computed_tokens
    cached = plan.scheduled_cached_reqs
    reached.update(zip(cached.req_ids, cached.num_computed_tokens, strict=True))
    for name in ids:
        at = reached[name] + plan.num_scheduled_tokens[name]
        stops = int(name[1:]) % 11 == 10 and at > 60
        sampled.append([STOP if stops else 8 + at % 90] if at >= reached[f"{name} prompt"] else [])
    return ModelRunnerOutput(
        req_ids=ids, req_id_to_index={name: index for index, name in enumerate(ids)}, sampled_token_ids=sampled
    )


def serve(scheduler: Scheduler, requests: int, step: float, hasher: Any) -> tuple[Counter[str], float, float]:
    """What became of them, and the seconds by the clock and of the processor."""
    asked = [request(number, hasher) for number in range(requests)]
    became: Counter[str] = Counter()
    reached: dict[str, int] = {}
    start, worked, steps = time.perf_counter(), time.process_time(), 0
    while asked or scheduler.has_unfinished_requests():
        while asked and len(scheduler.requests) < 2 * AT_ONCE:
            scheduler.add_request(asked.pop())
        plan = scheduler.schedule()
        if step:
            time.sleep(step)
        given = scheduler.update_from_output(plan, answered(plan, reached))
        ends = [output.finish_reason for group in given.values() for output in group.outputs if output.finished]
        became.update(str(reason) for reason in ends)
        steps += 1
        if steps % 3 == 0:
            leaving = [name for name in scheduler.requests if int(name[1:]) % 5 == 0][:1]
            scheduler.finish_requests(leaving, RequestStatus.FINISHED_ABORTED)
            became["left"] += len(leaving)
        if steps % 100 == 0:
            became["reset"] += scheduler.reset_prefix_cache(reset_running_requests=True)
    return became, time.perf_counter() - start, time.process_time() - worked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--requests", type=int, default=512)
    parser.add_argument("--step-ms", type=float, default=0)
    parser.add_argument("--times", action="store_true")
    options = parser.parse_args()
    write_model(options.model)
    answer_for_the_model()
    scheduler = scheduler_of(options.model)
    hash_of = get_hash_fn_by_name("sha256")
    init_none_hash(hash_of)
    hasher, step = get_request_block_hasher(BLOCK, hash_of), options.step_ms / 1000
    if options.times:
        serve(scheduler, 64, step, hasher)
        rounds = [serve(scheduler, options.requests // ROUNDS, step, hasher)[1:] for _ in range(ROUNDS)]
        print(*(statistics.median(seconds) for seconds in zip(*rounds, strict=True)))
    else:
        became, _, _ = serve(scheduler, options.requests, step, hasher)
        time.sleep(1.5)
        print(", ".join(f"{count} {what}" for what, count in sorted(became.items())))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
