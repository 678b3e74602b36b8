"""The hidden states of the rows that were computed last: what a draft model would begin with."""

from collections import deque

import torch

KEPT = 8


class Recent:
    def __init__(self) -> None:
        self.states: deque[torch.Tensor] = deque(maxlen=KEPT)

    def process(self, state: torch.Tensor) -> None:
        self.states.append(state)
