"""What tracing costs vLLM's scheduler: pairs of runs with and without, and the median of their ratios.

    python -m benchmarks.dynamic.engines.vllm_overhead --workdir DIR [--pairs 10] [--step-ms 0] [--requests 4000]

The work directory is that of `python -m benchmarks.dynamic.engines vllm`. Ten functions are watched for four findings,
per-token ones among them. With no model the processor's seconds are told beside the clock's, which others' work on the
machine moves.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
from pathlib import Path

from llmlint.catalogue import Catalogue
from llmlint.findings import Finding
from llmlint.runtime.block import Block, Target, Watch
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

from .catalogue import VLLM
from .engine import HERE

CORE = "vllm/v1/core"
SCHEDULER, MANAGER = f"{CORE}/sched/scheduler.py", f"{CORE}/kv_cache_manager.py"
PER_LAYER, POOL = f"{CORE}/single_type_kv_cache_manager.py", f"{CORE}/block_pool.py"
ID = "request.request_id"

BLOCKS = (
    (
        "request-state-leak",
        Block(
            targets=(
                Target("SingleTypeKVCacheManager.save_new_computed_blocks", "insert", PER_LAYER, entity="request_id"),
                Target("SingleTypeKVCacheManager.cache_blocks", "insert", PER_LAYER, entity=ID),
                Target("SingleTypeKVCacheManager.free", "leave", PER_LAYER, entity="request_id", via="free"),
            ),
            watch=(Watch("num_cached_block", "SingleTypeKVCacheManager", PER_LAYER),),
        ),
    ),
    (
        "request-state-leak",
        Block(
            targets=(
                Target("Scheduler.add_request", "enter", SCHEDULER, entity=ID),
                Target("Scheduler._free_request", "leave", SCHEDULER, entity=ID, via="end"),
                Target("Scheduler._update_request_with_output", "enter", SCHEDULER, entity=ID),
            ),
            watch=(Watch("req_to_block_hashes", "KVCacheManager", MANAGER),),
        ),
    ),
    (
        "request-state-leak",
        Block(
            targets=(
                Target("KVCacheManager.allocate_slots", "insert", MANAGER, entity=ID),
                Target("KVCacheManager.free", "leave", MANAGER, entity=ID, via="free"),
                Target("KVCacheManager.free_block_hashes", "leave", MANAGER, entity=ID, via="end"),
            ),
            watch=(Watch("req_to_blocks", "SingleTypeKVCacheManager", PER_LAYER),),
        ),
    ),
    (
        "restore-leaves-state",
        Block(
            targets=(Target("Scheduler.reset_prefix_cache", "reset", SCHEDULER),),
            watch=(Watch("cached_block_hash_to_block", "BlockPool", POOL),),
        ),
    ),
)


def findings() -> list[Finding]:
    return [
        Finding(
            rule="", name=name, causes=(name,), path=SCHEDULER, line=1, column=1, end_line=1, end_column=1, symbol="",
            severity="P1", confidence="medium", confidence_reason="", message=name, evidence=(),
            runtime=block.plain(), fingerprint=f"{name}-{number}",
        )
        for number, (name, block) in enumerate(BLOCKS)
    ]  # fmt: skip


def measured(command: list[str], surroundings: dict[str, str]) -> tuple[float, float]:
    done = subprocess.run(command, env=surroundings, stdout=subprocess.PIPE, text=True, check=True)
    clock, processor = done.stdout.split()
    return float(clock), float(processor)


def pair(workdir: Path, command: list[str], step: float, traced_first: bool) -> tuple[float, float]:
    """The ratios of one pair: by the clock and by the processor."""
    plain = {**VLLM.surroundings(workdir, "clean"), "STEP_MS": str(step)}
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        prepare(run, make_plan(findings(), Catalogue(()), VLLM.tree(workdir, "clean")))
        sides = {"plain": plain, "traced": environment(run, base=plain)}
        order = sorted(sides, reverse=traced_first)
        took = {side: measured(command, sides[side]) for side in order}
    return took["traced"][0] / took["plain"][0], took["traced"][1] / took["plain"][1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--step-ms", type=float, default=0)
    parser.add_argument("--requests", type=int, default=4000)
    options = parser.parse_args()
    workdir = options.workdir.resolve()
    model = workdir / VLLM.name / "model"
    command = [str(VLLM.python(workdir)), str(HERE / "vllm_scheduler.py"), str(model), str(options.requests)]
    ratios = []
    for number in range(options.pairs):
        ratios.append(pair(workdir, command, options.step_ms, bool(number % 2)))
        print(f"pair {number + 1}: by the clock {ratios[-1][0]:.3f}, by the processor {ratios[-1][1]:.3f}", flush=True)
    clock, processor = (statistics.median(kind) for kind in zip(*ratios, strict=True))
    print(f"a step of {options.step_ms} ms: median by the clock {clock:.3f}, by the processor {processor:.3f}")


if __name__ == "__main__":
    main()
