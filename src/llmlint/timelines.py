"""Memory over time as a traced run measured it: what reports draw."""

from __future__ import annotations

import msgspec

COLUMNS = ("seconds", "step", "total", "used", "reserved", "allocated", "largest")
"""Of a sample: since the first one, after how many steps, and bytes; -1 for what the allocator does not tell."""


class Holder(msgspec.Struct, frozen=True):
    """A line whose allocations are there later. `points`: after so many steps, how many, how many bytes."""

    place: str
    points: list[list[int]]
    grows: bool


class Sizes(msgspec.Struct, frozen=True):
    """A line that allocates, and in how many sizes."""

    place: str
    allocations: int
    bytes: int
    sizes: int
    least: int
    most: int


class Timeline(msgspec.Struct, frozen=True):
    """One process's memory in one place: a device, or the host."""

    process: str
    place: str
    columns: tuple[str, ...]
    samples: list[list[float]]
    holders: list[Holder] = []
    sizes: list[Sizes] = []

    def thinned(self, most: int) -> Timeline:
        """With so many samples at the most, the last one among them."""
        stride = -(-len(self.samples) // most) or 1
        kept = self.samples[:-1:stride] + self.samples[-1:]
        return msgspec.structs.replace(self, samples=kept)
