"""vLLM's engine core in one process with no model: `python vllm_scheduler.py MODEL REQUESTS`.

Prints the seconds by the clock and those of the processor that a round of requests took: the median of eight rounds, as
some machines change their speed from one second to the next.

Scheduler, KV cache manager and block pool are vLLM's own. The executor takes STEP_MS a step, 0 for nothing but the
scheduling; prefixes are shared, every fifth request is aborted, and the pool is too small for all that run.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

from vllm import SamplingParams
from vllm.engine.arg_utils import EngineArgs
from vllm.v1.engine import EngineCoreRequest
from vllm.v1.engine.core import EngineCore
from vllm_executor import NoModel
from vllm_program import write_model

AT_ONCE = 64
ROUNDS = 8


def core_of(model: Path) -> EngineCore:
    arguments = EngineArgs(
        model=str(model), max_model_len=512, max_num_seqs=AT_ONCE, max_num_batched_tokens=2048, enforce_eager=True,
        dtype="float32", distributed_executor_backend=NoModel, disable_log_stats=True, enable_prefix_caching=True,
    )  # fmt: skip
    return EngineCore(arguments.create_engine_config(), NoModel, log_stats=False)


def request(number: int) -> EngineCoreRequest:
    prompt = [3 + (number // 8 + place) % 90 for place in range(24 + number % 40)]
    sampling = SamplingParams(max_tokens=32, ignore_eos=True)
    return EngineCoreRequest(
        request_id=f"q{number}", prompt_token_ids=prompt, mm_inputs=None, mm_hashes=None, mm_placeholders=None,
        sampling_params=sampling, pooling_params=None, eos_token_id=2, arrival_time=0.0, lora_request=None,
        cache_salt=None, data_parallel_rank=None,
    )  # fmt: skip


def serve(core: EngineCore, requests: int) -> tuple[float, float]:
    asked = [request(number) for number in range(requests)]
    start, worked = time.perf_counter(), time.process_time()
    steps = 0
    while asked or core.scheduler.has_unfinished_requests():
        while asked and len(core.scheduler.requests) < 2 * AT_ONCE:
            core.add_request(asked.pop())
        core.step()
        steps += 1
        if steps % 3 == 0:
            core.abort_requests([name for name in list(core.scheduler.requests)[:1] if int(name[1:]) % 5 == 0])
    return time.perf_counter() - start, time.process_time() - worked


def main() -> None:
    model, requests = Path(sys.argv[1]), int(sys.argv[2])
    write_model(model)
    core = core_of(model)
    serve(core, 64)
    rounds = [serve(core, requests // ROUNDS) for _ in range(ROUNDS)]
    print(*(statistics.median(seconds) for seconds in zip(*rounds, strict=True)))
    core.shutdown()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
