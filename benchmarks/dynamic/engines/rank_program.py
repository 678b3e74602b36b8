"""The job of several ranks, started by torchrun: rank 0 prints what came of the requests.

python -m torch.distributed.run --standalone --nproc-per-node 4 rank_program.py
"""

from __future__ import annotations

import random
import time
from datetime import timedelta

import torch
import torch.distributed as dist
from rank_job.worker import Worker

STEPS = 40
EACH = 8


def main() -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(seconds=15))
    worker, pick, total = Worker(), random.Random(0), 0.0
    for step in range(STEPS):
        arrivals = [
            (f"r{step}-{number}", [pick.randrange(100) for _ in range(pick.randint(4, 32))]) for number in range(EACH)
        ]
        if step % 10 == 9:
            arrivals.append((f"r{step}-long", list(range(80))))
        aborted = [f"r{step}-0", f"r{step}-1"]
        total += sum(worker.step(arrivals, aborted))
        time.sleep(0.02)
    time.sleep(1.5)
    if worker.rank == 0:
        print(f"{worker.done} steps, scores add up to {total:.3f}, {len(worker.running)} requests left")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
