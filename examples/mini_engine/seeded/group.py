"""The group in which the ranks meet."""

import torch.distributed as dist


def make_group(ranks: list[int], timeout_s: float):
    # Seeded: nothing bounds how long the others wait for a rank that has died.
    return dist.new_group(ranks)
