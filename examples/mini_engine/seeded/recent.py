"""The hidden states of the rows that were computed last: what a draft model would begin with."""

import torch


class Recent:
    def __init__(self) -> None:
        self.states: list[torch.Tensor] = []

    def process(self, state: torch.Tensor) -> None:
        # Seeded: nobody takes any of them away.
        self.states.append(state)
