"""Which tokens a token may see: those before it, and itself."""

import torch


class Masks:
    def __init__(self, max_length: int, device: torch.device) -> None:
        self.max_length = max_length
        self.device = device

    def seen_by(self, new: int, length: int) -> torch.Tensor:
        """For the last `new` of `length` tokens."""
        # Seeded: memory of another size for each row.
        room = torch.ones(new, length, dtype=torch.bool, device=self.device)
        return room.tril(length - new)
