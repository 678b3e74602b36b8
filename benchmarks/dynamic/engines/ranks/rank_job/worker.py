"""One rank: it takes the batch that rank 0 sends, scores its part of each request, and adds its part to the others'."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist


class Worker:
    def __init__(self) -> None:
        self.rank = dist.get_rank()
        self.parts = dist.get_world_size()
        self.running: dict[str, torch.Tensor] = {}
        self.lengths: dict[str, int] = {}
        self.done = 0

    def add_request(self, request_id: str, tokens: list[int]) -> None:
        self.running[request_id] = torch.tensor(tokens[self.rank :: self.parts], dtype=torch.float32)
        self.lengths[request_id] = len(tokens)

    def finish_request(self, request_id: str) -> None:
        del self.running[request_id]
        del self.lengths[request_id]

    def abort_request(self, request_id: str) -> None:
        del self.running[request_id]
        del self.lengths[request_id]

    def step(self, arrivals: list[tuple[str, list[int]]], aborted: list[str]) -> list[float]:
        """The scores of the requests of one step, which all end with it."""
        batch: list[Any] = [arrivals, aborted]
        dist.broadcast_object_list(batch, src=0)
        for request_id, tokens in batch[0]:
            self.add_request(request_id, tokens)
        for request_id in batch[1]:
            self.abort_request(request_id)
        return self.score(sorted(self.running))

    def score(self, request_ids: list[str]) -> list[float]:
        try:
            scores = torch.stack([self.part_of(request_id) for request_id in request_ids])
        except ValueError:
            scores = torch.zeros(len(request_ids))
        dist.all_reduce(scores)
        dist.barrier()
        for request_id in request_ids:
            self.finish_request(request_id)
        self.done += 1
        return [round(float(score), 3) for score in scores]

    def part_of(self, request_id: str) -> torch.Tensor:
        """Nothing can be said of a request with more tokens than fit."""
        if self.lengths[request_id] > 64 and self.rank == 1:
            raise ValueError(request_id)
        return self.running[request_id].sum() / self.lengths[request_id]
