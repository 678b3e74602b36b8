"""What a model is to the engine, and the stand-in that answers when torch is missing.

The stand-in reads its KV memory as a real model does: a block that was lost or that belongs to another image changes
what it says.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

from .request import IMAGE, PIECES, VOCABULARY


@dataclass
class Row:
    """One request's share of a step: tokens that are new to the KV memory, from `start` on, in the blocks of `table`."""

    tokens: list[int]
    start: int
    table: list[int]
    encodings: list[Any]
    """What the encoder made of the request's images."""


class Model(Protocol):
    name: str

    def make_memory(self, blocks: int, block_size: int) -> Any: ...
    def copy_memory(self, memory: Any) -> Any: ...
    def load_weights(self, version: int) -> None: ...
    def encode(self, pixels: bytes) -> Any: ...
    def forward(self, memory: Any, rows: list[Row]) -> list[list[float]]:
        """Writes the rows' tokens into the memory; for each row the scores of its next token."""


class StandIn:
    """Scores by a hash over all that the memory holds of a request."""

    name = "stand-in"
    version = 0

    def load_weights(self, version: int) -> None:
        self.version = version

    def make_memory(self, blocks: int, block_size: int) -> list[list[int]]:
        return [[0] * block_size for _ in range(blocks)]

    def copy_memory(self, memory: list[list[int]]) -> list[list[int]]:
        return [list(block) for block in memory]

    def encode(self, pixels: bytes) -> int:
        return int.from_bytes(pixels[:4], "big") + self.version

    def forward(self, memory: list[list[int]], rows: list[Row]) -> list[list[float]]:
        return [self._score(memory, row) for row in rows]

    def _score(self, memory: list[list[int]], row: Row) -> list[float]:
        size = len(memory[0])
        for position, token in enumerate(row.tokens, row.start):
            meaning = row.encodings[position // PIECES] if token == IMAGE else token
            memory[row.table[position // size]][position % size] = meaning + 1 + self.version
        length = row.start + len(row.tokens)
        state = hash(tuple([slot for block in row.table for slot in memory[block]][:length]))
        return [float((state * (token + 7) * 2654435761 >> 7) & 0xFFFF) for token in range(VOCABULARY)]


def choose_model(device: str, parts: Any) -> Model:
    """A small transformer on the device asked for; the stand-in when torch is missing or was not asked for."""
    if device == "none" or find_spec("torch") is None:
        return StandIn()
    from .transformer import Transformer, choose_device

    return Transformer(choose_device(device), parts)
