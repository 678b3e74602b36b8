"""The group in which the ranks meet."""

from datetime import timedelta

import torch.distributed as dist


def make_group(ranks: list[int], timeout_s: float):
    return dist.new_group(ranks, timeout=timedelta(seconds=timeout_s))
