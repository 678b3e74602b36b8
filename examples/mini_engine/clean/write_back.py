"""Blocks on their way to the host. A block is written back when every rank has written its share of it."""

import torch
import torch.distributed as dist


class WriteBack:
    def __init__(self, group, host, delay: int) -> None:
        self.group = group
        self.host = host
        self.delay = delay
        self.ongoing: dict[int, int] = {}
        self.written = 0

    def start(self, block: int) -> None:
        """Where the host has no room left, the block is not written."""
        place = self.host.lend()
        if place is not None:
            self.ongoing[block] = self.delay

    def advance(self) -> None:
        """What this rank's copy engine does meanwhile: some ranks are quicker than others."""
        for block in list(self.ongoing):
            self.ongoing[block] -= 1
            if self.ongoing[block] <= 0:
                self.ongoing.pop(block)
                self.written += 1

    def agree(self) -> int:
        """How many blocks are written back on every rank."""
        written = torch.tensor(self.written)
        dist.all_reduce(written, op=dist.ReduceOp.MIN, group=self.group)
        return int(written)
