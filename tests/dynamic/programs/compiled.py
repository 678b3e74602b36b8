"""What torch may make a graph of, with no break allowed, beside what it may not."""

from __future__ import annotations

import torch


class Layer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, int] = {}

    def scaled(self, request_id: str, values: torch.Tensor) -> torch.Tensor:
        return values * 2

    def forward(self, request_id: str, values: torch.Tensor) -> torch.Tensor:
        return self.scaled(request_id, values) + 1


@torch.compile(fullgraph=True, backend="eager")
def halved(request_id: str, values: torch.Tensor) -> torch.Tensor:
    return values / 2


class Scheduler:
    def add(self, request_id: str) -> str:
        return request_id


def main() -> None:
    layer = torch.compile(Layer(), fullgraph=True, backend="eager")
    print(layer("a", torch.ones(2)).tolist(), halved("a", torch.ones(2)).tolist(), Scheduler().add("a"))
