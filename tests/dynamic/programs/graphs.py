"""A cache of the program's own that a compiled region inlines, with no break allowed."""

from __future__ import annotations

import torch


class Cache:
    """Not a module of torch's: what KV caches and their helpers mostly are."""

    def __init__(self) -> None:
        self.steps = 0

    def update(self, values: torch.Tensor, request_id: str) -> torch.Tensor:
        return values * 2


def helped(values: torch.Tensor, request_id: str) -> torch.Tensor:
    return values + 1


class Layer(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cache = Cache()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return helped(self.cache.update(values, "a"), "a")


def export() -> None:
    """The first graph of a program, and made without torch.compile."""
    Cache().update(torch.ones(2), "before")
    exported = torch.export.export(Layer(), (torch.ones(2),), strict=True)
    print(exported.module()(torch.ones(2)).tolist(), Cache().update(torch.ones(2), "after").tolist())


def main() -> None:
    before = Cache().update(torch.ones(2), "before")
    for options in ({"fullgraph": True}, {}):
        print(torch.compile(Layer(), backend="eager", **options)(before).tolist())
    torch._dynamo.reset()
    explained = torch._dynamo.explain(Layer())(before)
    print(explained.graph_break_count, Cache().update(torch.ones(2), "after").tolist())
