"""What tracing costs vLLM's scheduler: pairs of runs with and without, and the median of their ratios.

    python -m benchmarks.dynamic.engines.vllm_overhead --workdir DIR [--pairs 10] [--step-ms 0] [--turns]

The work directory is that of `python -m benchmarks.dynamic.engines vllm_core`. Ten functions are watched for four
findings, per-token ones among them. With no model the processor's seconds are told beside the clock's, which others'
work on the machine moves. With --turns both sides are rounds of one process, in turn (`vllm_turns_program.py`), with a
quarter of the requests in each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

from llmlint.catalogue import Catalogue
from llmlint.findings import Finding
from llmlint.runtime.block import Block, Target, Watch
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

from .catalogue import VLLM_CORE
from .engine import HERE

CORE = "vllm/v1/core"
SCHEDULER, MANAGER = f"{CORE}/sched/scheduler.py", f"{CORE}/kv_cache_manager.py"
PER_LAYER, POOL = f"{CORE}/single_type_kv_cache_manager.py", f"{CORE}/block_pool.py"
ONE, ID = "SingleTypeKVCacheManager", "request.request_id"

BLOCKS = (
    (
        "request-state-leak",
        Block(
            targets=(
                Target(f"{ONE}.add_local_computed_blocks", "insert", PER_LAYER, entity="request_id"),
                Target(f"{ONE}.cache_blocks", "insert", PER_LAYER, entity=ID),
                Target(f"{ONE}.pop_blocks_for_free", "leave", PER_LAYER, entity="request_id", via="free"),
            ),
            watch=(Watch("num_cached_block", ONE, PER_LAYER),),
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
            watch=(Watch("requests", "Scheduler", SCHEDULER),),
        ),
    ),
    (
        "request-state-leak",
        Block(
            targets=(
                Target("KVCacheManager.allocate_slots", "insert", MANAGER, entity=ID),
                Target(f"{ONE}.allocate_new_blocks", "insert", PER_LAYER, entity="request_id"),
                Target("KVCacheManager.free", "leave", MANAGER, entity=ID, via="free"),
            ),
            watch=(Watch("req_to_blocks", ONE, PER_LAYER),),
        ),
    ),
    (
        "restore-leaves-state",
        Block(
            targets=(Target("Scheduler.reset_prefix_cache", "reset", SCHEDULER),),
            watch=(Watch("cached_block_hashes_by_block", "BlockPool", POOL),),
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


def measured(command: list[str], surroundings: dict[str, str]) -> tuple[float, float, float]:
    """Seconds by the clock and of the processor, and the most memory that the process ever had, in MB."""
    with subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        clock, processor = process.stdout.read().split()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return float(clock), float(processor), used.ru_maxrss / 1024


def pair(workdir: Path, command: list[str], traced_first: bool) -> tuple[float, float, float]:
    """The ratios of one pair, by the clock and by the processor, and how many MB more the traced side had."""
    plain = VLLM_CORE.surroundings(workdir, "clean")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        prepare(run, make_plan(findings(), Catalogue(()), VLLM_CORE.tree(workdir, "clean")))
        sides = {"plain": plain, "traced": environment(run, base=plain)}
        order = sorted(sides, reverse=traced_first)
        took = {side: measured(command, sides[side]) for side in order}
    traced, plainly = took["traced"], took["plain"]
    return traced[0] / plainly[0], traced[1] / plainly[1], traced[2] - plainly[2]


def by_turns(workdir: Path, more: tuple[str, ...]) -> None:
    """The rounds of one traced process; it prints for itself."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        prepare(run, make_plan(findings(), Catalogue(()), VLLM_CORE.tree(workdir, "clean")))
        program = (str(HERE / "vllm_turns_program.py"), str(workdir / VLLM_CORE.name / "model"), *more)
        traced = environment(run, base=VLLM_CORE.surroundings(workdir, "clean"))
        subprocess.run([str(VLLM_CORE.python(workdir)), *program], env=traced, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--step-ms", type=float, default=0)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--turns", action="store_true")
    options = parser.parse_args()
    workdir = options.workdir.resolve()
    if options.turns:
        asked = ("--pairs", str(options.pairs), "--step-ms", str(options.step_ms))
        return by_turns(workdir, ("--requests", str(options.requests // 4), *asked))
    more = ("--times", "--requests", str(options.requests), "--step-ms", str(options.step_ms))
    command = VLLM_CORE.command(workdir, more)
    ratios = []
    for number in range(options.pairs):
        ratios.append(pair(workdir, command, bool(number % 2)))
        clock, processor, memory = ratios[-1]
        said = f"by the clock {clock:.3f}, by the processor {processor:.3f}, {memory:+.1f} MB"
        print(f"pair {number + 1}: {said}", flush=True)
    clock, processor, memory = (statistics.median(kind) for kind in zip(*ratios, strict=True))
    said = f"by the clock {clock:.3f}, by the processor {processor:.3f}, {memory:+.1f} MB"
    print(f"a step of {options.step_ms} ms: median {said}")


if __name__ == "__main__":
    main()
