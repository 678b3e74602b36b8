"""The pool that KV blocks are lent from. A block with several holders goes back when the last one lets go of it."""

from collections import deque


class BlockPool:
    def __init__(self, blocks: int) -> None:
        self.free_blocks = deque(range(blocks))
        self.holders = [0] * blocks

    def lend(self) -> int | None:
        """A block with one holder; None when there is none left."""
        if not self.free_blocks:
            return None
        block = self.free_blocks.popleft()
        self.holders[block] = 1
        return block

    def share(self, block: int) -> None:
        self.holders[block] += 1

    def claim(self, block: int) -> None:
        """Lend this very block, or share it if it is lent already."""
        if self.holders[block] == 0:
            self.free_blocks.remove(block)
        self.holders[block] += 1

    def take_back(self, block: int) -> None:
        self.holders[block] -= 1
        if self.holders[block] == 0:
            self.free_blocks.append(block)

    def take_back_all(self) -> None:
        self.holders = [0] * len(self.holders)
        self.free_blocks = deque(range(len(self.holders)))
