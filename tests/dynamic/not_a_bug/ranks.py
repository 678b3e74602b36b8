"""Ranks whose logs look as if they parted; two on gloo, twice over."""

import os
import subprocess
import sys
import tempfile
from datetime import timedelta

import torch
import torch.distributed as dist

LIMIT = timedelta(seconds=60)


class Exchange:
    """Each sends what it has: sizes differ by rank."""

    def step(self, rank):
        out, given = ([1, 1], [1, 3]) if rank == 0 else ([3, 1], [1, 1])
        dist.all_to_all_single(torch.zeros(sum(out)), torch.ones(sum(given)), out, given)


class Roles:
    """The same call from two places: the first rank sends, the other takes."""

    def step(self, rank):
        return self.send() if rank == 0 else self.take()

    def send(self):
        dist.broadcast_object_list(["plan"], src=0)
        dist.broadcast(torch.ones(4), src=0)

    def take(self):
        dist.broadcast_object_list([None], src=0)
        dist.broadcast(torch.zeros(4), src=0)


class Parts:
    """Groups of one rank each, in which each does as much as it has to."""

    def __init__(self):
        self.groups = [dist.new_group([0], timeout=LIMIT), dist.new_group([1], timeout=LIMIT)]

    def step(self, rank):
        for _ in range(1 + rank):
            dist.all_reduce(torch.ones(2), group=self.groups[rank])


class Gathers:
    """One rank gives the list that the others lack."""

    def step(self, rank):
        parts = [torch.zeros(3), torch.zeros(3)] if rank == 0 else None
        dist.gather(torch.ones(3), parts, dst=0)


class Replicas:
    """Each of two groups of ranks serves as many steps as come to it: the numbers of their ranks are the same."""

    def step(self, steps):
        for _ in range(steps):
            dist.all_reduce(torch.ones(2))
        dist.barrier()


def run(rank, store, steps):
    dist.init_process_group("gloo", f"file://{store}", LIMIT, rank=rank, world_size=2)
    for kind in (Exchange, Roles, Parts, Gathers):
        parallel = kind()
        for _ in range(3):
            parallel.step(rank)
    Replicas().step(steps)
    dist.destroy_process_group()


def main():
    with tempfile.TemporaryDirectory() as folder:
        code = "import sys, ranks; ranks.run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))"
        started = [
            subprocess.Popen([sys.executable, "-c", code, str(rank), os.path.join(folder, f"store{replica}"), steps])
            for replica, steps in ((0, "3"), (1, "8"))
            for rank in (0, 1)
        ]
        assert [rank.wait(60) for rank in started] == [0, 0, 0, 0]
