"""Blocks on their way to the host. A block is written back when every rank has written its share of it."""

import torch
import torch.distributed as dist


class WriteBack:
    def __init__(self, group, staging, delay: int) -> None:
        self.group = group
        self.staging = staging
        self.delay = delay
        self.ongoing: dict[int, tuple[int, int]] = {}
        """By block: where it is staged, and how many steps its copy still takes."""
        self.written = 0

    def start(self, block: int) -> None:
        """A rank without room to stage the block does not write it."""
        place = self.staging.lend()
        if place is not None:
            self.ongoing[block] = (place, self.delay)

    def advance(self) -> None:
        """What this rank's copy engine does meanwhile: some ranks are quicker than others."""
        for block, (place, steps) in list(self.ongoing.items()):
            if steps > 1:
                self.ongoing[block] = (place, steps - 1)
                continue
            self.ongoing.pop(block)
            self.staging.take_back(place)
            self.written += 1

    def agree(self) -> int:
        """How many blocks are written back on every rank."""
        written = torch.tensor(self.written)
        dist.all_reduce(written, op=dist.ReduceOp.MIN, group=self.group)
        return int(written)
