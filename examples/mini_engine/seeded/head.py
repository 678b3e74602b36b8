"""The last step from a hidden state to scores, recorded once as a graph of the device and replayed for each row."""

from collections.abc import Callable

import torch


class Head:
    def __init__(self, width: int, device: torch.device, dtype: torch.dtype, score: Callable) -> None:
        self.hidden = torch.zeros(width, dtype=dtype, device=device)
        self.score = score
        self.graph = None
        if device.type == "cuda":
            self.record()

    def record(self) -> None:
        self.score(self.hidden)
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.scores = self.score(self.hidden)

    def run(self, hidden: torch.Tensor) -> torch.Tensor:
        # Seeded: the graph reads the memory that it was recorded with.
        self.hidden = hidden.contiguous()
        if self.graph is None:
            return self.score(self.hidden)
        self.graph.replay()
        return self.scores.clone()
