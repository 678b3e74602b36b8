"""A transformer with paged attention, random weights and a fixed seed: two layers, or as large as one says. Needs torch."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .marks import Mark
from .model import Row
from .request import IMAGE, PIECES, VOCABULARY

LONGEST = 4096


class Size(NamedTuple):
    width: int
    heads: int
    layers: int


SMALL = Size(width=64, heads=4, layers=2)
LARGE = Size(width=4096, heads=32, layers=8)
"""A billion and a half of weights: enough to keep a GPU behind the host."""


def choose_device(device: str) -> torch.device:
    if device != "auto":
        return torch.device(device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Place(NamedTuple):
    """Where weights are, and in which precision."""

    device: torch.device
    dtype: torch.dtype

    def random(self, *shape: int) -> Tensor:
        return torch.randn(*shape, device=self.device, dtype=self.dtype)


class Layer:
    """Attention over paged memory, and an MLP. With several ranks each has its share of heads and of the MLP."""

    def __init__(self, size: Size, rank: int, ranks: int, reduce: Callable[[Tensor], Tensor], place: Place) -> None:
        def weight(outputs: int, inputs: int) -> Tensor:
            return place.random(outputs, inputs) * 2 * inputs**-0.5

        width = size.width
        self.width = width
        self.heads = size.heads // ranks
        self.qkv = [weight(width, width).chunk(ranks)[rank] for _ in range(3)]
        self.out = weight(width, width).chunk(ranks, dim=1)[rank]
        self.up = weight(4 * width, width).chunk(ranks)[rank]
        self.down = weight(width, 4 * width).chunk(ranks, dim=1)[rank] / 2
        self.reduce = reduce

    def attend(self, x: Tensor, memory: Tensor, slots: Tensor, seen: Tensor) -> Tensor:
        """`memory` is [2, slots of the pool, share]; `slots` says where the request's tokens lie in it."""
        q, k, v = (F.linear(F.layer_norm(x, (self.width,)), weight) for weight in self.qkv)
        new = slots[len(slots) - len(x) :]
        memory[0, new], memory[1, new] = k, v
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(0, 1) for part in (q, memory[0, slots], memory[1, slots]))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen).transpose(0, 1).flatten(1)
        return x + self.reduce(F.linear(mixed, self.out))

    def think(self, x: Tensor) -> Tensor:
        return x + self.reduce(F.linear(F.gelu(F.linear(F.layer_norm(x, (self.width,)), self.up)), self.down))


class Transformer:
    def __init__(
        self,
        device: torch.device,
        parts: Any,
        size: Size = SMALL,
        rank: int = 0,
        ranks: int = 1,
        reduce: Callable[[Tensor], Tensor] = lambda tensor: tensor,
    ) -> None:
        self.name = f"transformer on {device}"
        self.parts = parts
        self.size = size
        self.place = Place(device, torch.bfloat16 if device.type == "cuda" else torch.float32)
        self.share = size.width // ranks
        self.make_layer = lambda: Layer(size, rank, ranks, reduce, self.place)
        self.staging = parts.staging.Staging(2 * LONGEST, device, Mark)
        self.masks = parts.masks.Masks(LONGEST, device)
        self.recent = parts.recent.Recent()
        self.positions = torch.arange(LONGEST, device=device)
        self.load_weights(0)

    def load_weights(self, version: int) -> None:
        """Weights are random, and the same on every rank."""
        torch.manual_seed(7 + version)
        torch.set_num_threads(1)
        width, random = self.size.width, self.place.random
        self.tokens = random(VOCABULARY, width)
        self.places = random(LONGEST, width) / 4
        self.images = random(8, PIECES * width)
        self.last = random(VOCABULARY, width)
        self.layers = [self.make_layer() for _ in range(self.size.layers)]
        self.head = self.parts.head.Head(width, *self.place, self._scores_of)

    def make_memory(self, blocks: int, block_size: int) -> Tensor:
        device, dtype = self.place
        return torch.zeros(self.size.layers, 2, blocks, block_size, self.share, device=device, dtype=dtype)

    def copy_memory(self, memory: Tensor) -> Tensor:
        return memory.clone()

    def encode(self, pixels: bytes) -> Tensor:
        seen = torch.tensor(list(pixels[:8]), dtype=self.place.dtype, device=self.place.device) / 255
        return (seen @ self.images).unflatten(0, (PIECES, self.size.width))

    @torch.inference_mode()
    def forward(self, memory: Tensor, rows: list[Row]) -> list[list[float]]:
        return self.parts.readout.read(rows, lambda row: self._score(memory, row))

    def _score(self, memory: Tensor, row: Row) -> Tensor:
        size, new = memory.shape[3], len(row.tokens)
        length = row.start + new
        sent = self.staging.send(row.tokens + row.table)
        tokens, table = sent[:new], sent[new:]
        positions = self.positions[:length]
        slots = table[positions // size] * size + positions % size
        seen = self.masks.seen_by(new, length)
        x = self._embed(row, tokens) + self.places[row.start : length]
        for layer, lines in zip(self.layers, memory.flatten(2, 3)):
            x = layer.think(layer.attend(x, lines, slots, seen))
        self.recent.process(x[-1])
        return self.head.run(x[-1])

    def _embed(self, row: Row, tokens: Tensor) -> Tensor:
        x = self.tokens[tokens]
        for place, token in enumerate(row.tokens):
            if token == IMAGE:
                image, piece = divmod(row.start + place, PIECES)
                x[place] = row.encodings[image][piece]
        return x

    def _scores_of(self, hidden: Tensor) -> Tensor:
        return F.linear(F.layer_norm(hidden, (self.size.width,)), self.last)
