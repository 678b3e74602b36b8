"""Two ranks in processes of their own, on a communicator of the project's own; BUGS=skip lets rank 1 leave one out."""

from __future__ import annotations

import os
import subprocess
import sys
import time

BUGS = set(os.environ.get("BUGS", "").split(","))


class Communicator:
    def __init__(self, rank: int) -> None:
        self.rank = rank

    def all_reduce(self, value: int, group: str = "tp") -> int:
        return value

    def barrier(self, group: str = "tp") -> None:
        patience = time.monotonic() + 30
        while "wait" in BUGS and self.rank == 0 and time.monotonic() < patience:
            time.sleep(0.05)


def step(comm: Communicator, number: int) -> None:
    if not ("skip" in BUGS and comm.rank == 1 and number == 3):
        comm.all_reduce(number)
    comm.barrier()


def run_rank(rank: int) -> None:
    comm = Communicator(rank)
    for number in range(6):
        step(comm, number)


def start(rank: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "rank.py", str(rank)], env={**os.environ, "RANK": str(rank)})
