"""Groups whose calls end in time, though it does not look so, and ones on which nobody waits; two ranks, on gloo."""

import subprocess
import sys
import tempfile
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import _set_pg_timeout

ENDLESS = timedelta(days=400)


class Waited:
    """Without an end for the group, and with one for each wait."""

    def __init__(self):
        self.group = dist.new_group([0, 1])
        _set_pg_timeout(ENDLESS, self.group)

    def step(self):
        dist.all_reduce(torch.ones(4), group=self.group, async_op=True).wait(timedelta(seconds=20))
        dist.monitored_barrier(self.group, timedelta(seconds=20))


class Beside:
    """Another group of the same ranks has none, and is not made here."""

    def __init__(self):
        self.group = dist.new_group([0, 1], timeout=timedelta(seconds=20))

    def step(self):
        dist.all_reduce(torch.ones(4), group=self.group)
        dist.all_reduce(torch.ones(4), group=others)


class SetRight:
    """It had none for as long as nothing was called on it."""

    def __init__(self):
        self.group = dist.new_group([0, 1], timeout=ENDLESS)
        _set_pg_timeout(timedelta(seconds=20), self.group)

    def step(self):
        dist.all_reduce(torch.ones(4), group=self.group)


class Unused:
    def __init__(self):
        self.group = dist.new_group([0, 1], timeout=ENDLESS)

    def step(self):
        return self.group


def make_others():
    group = dist.new_group([0, 1])
    _set_pg_timeout(ENDLESS, group)
    return group


def run(rank, store):
    global others
    dist.init_process_group("gloo", f"file://{store}", timedelta(seconds=60), rank=rank, world_size=2)
    others = make_others()
    for kind in (Waited, Beside, SetRight, Unused):
        parallel = kind()
        for _ in range(3):
            parallel.step()
    dist.destroy_process_group()


def main():
    with tempfile.TemporaryDirectory() as folder:
        code = "import sys, time_limits; time_limits.run(int(sys.argv[1]), sys.argv[2])"
        ranks = [subprocess.Popen([sys.executable, "-c", code, str(rank), f"{folder}/store"]) for rank in (0, 1)]
        assert [rank.wait(60) for rank in ranks] == [0, 0]
