"""Which tokens a token may see: those before it, and itself."""

import torch


class Masks:
    def __init__(self, max_length: int, device: torch.device) -> None:
        self.room = torch.ones(max_length, max_length, dtype=torch.bool, device=device).tril()

    def seen_by(self, new: int, length: int) -> torch.Tensor:
        """For the last `new` of `length` tokens; made once, for the longest there can be."""
        return self.room[length - new : length, :length]
