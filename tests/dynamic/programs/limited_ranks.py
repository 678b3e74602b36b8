"""Two ranks on gloo with a group of their own; BUGS says where the group has its time limit from."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed import distributed_c10d

BUGS = set(os.environ.get("BUGS", "").split(","))


class Parallel:
    def __init__(self) -> None:
        given = {"timeout": timedelta(seconds=30)} if "given" in BUGS else {}
        self.group = dist.new_group([0, 1], **given)

    def step(self) -> None:
        dist.all_reduce(torch.ones(4), group=self.group)


def run(rank: int, store: str) -> None:
    dist.init_process_group("gloo", f"file://{store}", timedelta(seconds=60), rank=rank, world_size=2)
    parallel = Parallel()
    if "later" in BUGS:
        distributed_c10d._set_pg_timeout(timedelta(seconds=20), parallel.group)
    if "days" in BUGS:
        distributed_c10d._set_pg_timeout(timedelta(days=400), parallel.group)
    for _ in range(3):
        parallel.step()
    dist.destroy_process_group()


def launch() -> None:
    with tempfile.TemporaryDirectory() as folder:
        code = "import sys, limited_ranks; limited_ranks.run(int(sys.argv[1]), sys.argv[2])"
        command = [sys.executable, "-c", code]
        ranks = [subprocess.Popen([*command, str(rank), f"{folder}/store"]) for rank in (0, 1)]
        assert [rank.wait(60) for rank in ranks] == [0, 0]
