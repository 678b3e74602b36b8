"""Two ranks on torch.distributed; BUGS=skip: rank 1 leaves a call out; BUGS=silent: rank 1 never meets in the
group; BUGS=forever: a group with no timeout."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import torch.distributed as dist
from torch.distributed import all_reduce

BUGS = set(os.environ.get("BUGS", "").split(","))


class Tensor:
    def __init__(self, *shape: int) -> None:
        self.shape = shape
        self.dtype = "torch.float32"


class Parallel:
    def __init__(self) -> None:
        timeout = None if "forever" in BUGS else timedelta(seconds=30)
        self.group = dist.new_group([0, 1], timeout=timeout)
        self.rank = dist.get_rank()

    def step(self, number: int) -> None:
        skips = ("skip" in BUGS and number == 3) or "silent" in BUGS
        if not (skips and self.rank == 1):
            all_reduce(Tensor(4, 8), group=self.group)
        if not ("silent" in BUGS and self.rank == 1):
            dist.barrier(self.group)


def run() -> None:
    dist.init_process_group("gloo", timeout=timedelta(seconds=30))
    parallel = Parallel()
    for number in range(6):
        parallel.step(number)


def launch() -> None:
    code = "import torch_ranks; torch_ranks.run()"
    ranks = [subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "RANK": str(rank)}) for rank in (0, 1)]
    for rank in ranks:
        rank.wait()
