"""One of two ranks, which at its third call do not call the same; each writes the dump of its flight recorder."""

import datetime
import os
import sys

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import _dump_fr_trace, _dump_fr_trace_json

rank, store, folder, parts = int(sys.argv[1]), sys.argv[2], sys.argv[3], "part" in sys.argv[4:]


class Parallel:
    def sum(self, tensor):
        dist.all_reduce(tensor)

    def decide(self, tensor):
        if parts and rank == 1:
            return dist.broadcast(tensor, 0, async_op=True)
        return dist.all_reduce(tensor, async_op=True)


dist.init_process_group(
    "gloo", init_method=f"file://{store}", rank=rank, world_size=2, timeout=datetime.timedelta(seconds=20)
)
parallel = Parallel()
for _ in range(2):
    parallel.sum(torch.ones(4))
work = parallel.decide(torch.ones(8))
if not parts:
    work.wait()
for name, dump in (("dump", _dump_fr_trace), ("json", _dump_fr_trace_json)):
    with open(f"{folder}/{name}_{rank}", "wb") as file:
        file.write(dump())
sys.stdout.flush()
os._exit(0)
