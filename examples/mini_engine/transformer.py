"""A transformer of two layers with paged attention, random weights and a fixed seed. Needs torch."""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from .model import Row
from .request import IMAGE, PIECES, VOCABULARY

WIDTH, HEADS, LAYERS, LONGEST = 64, 4, 2, 4096


class Reduce(Protocol):
    def __call__(self, tensor: Tensor) -> Tensor: ...


def choose_device(device: str) -> torch.device:
    if device != "auto":
        return torch.device(device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Layer:
    """Attention over paged memory, and an MLP. With several ranks each has its share of heads and of the MLP."""

    def __init__(self, rank: int, ranks: int, reduce: Reduce, device: torch.device) -> None:
        def weight(outputs: int, inputs: int) -> Tensor:
            return (torch.randn(outputs, inputs) * 2 * inputs**-0.5).to(device)

        self.heads = HEADS // ranks
        self.qkv = [weight(WIDTH, WIDTH).chunk(ranks)[rank] for _ in range(3)]
        self.out = weight(WIDTH, WIDTH).chunk(ranks, dim=1)[rank]
        self.up = weight(4 * WIDTH, WIDTH).chunk(ranks)[rank]
        self.down = weight(WIDTH, 4 * WIDTH).chunk(ranks, dim=1)[rank] / 2
        self.reduce = reduce

    def attend(self, x: Tensor, memory: Tensor, slots: Tensor, start: int) -> Tensor:
        """`memory` is [2, slots of the pool, share]; `slots` says where the request's tokens lie in it."""
        q, k, v = (F.linear(F.layer_norm(x, (WIDTH,)), weight) for weight in self.qkv)
        memory[0, slots[start:]], memory[1, slots[start:]] = k, v
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(0, 1) for part in (q, memory[0, slots], memory[1, slots]))
        seen = torch.ones(x.shape[0], len(slots), dtype=torch.bool, device=x.device).tril(start)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen).transpose(0, 1).flatten(1)
        return x + self.reduce(F.linear(mixed, self.out))

    def think(self, x: Tensor) -> Tensor:
        return x + self.reduce(F.linear(F.gelu(F.linear(F.layer_norm(x, (WIDTH,)), self.up)), self.down))


class Transformer:
    def __init__(
        self, device: torch.device, rank: int = 0, ranks: int = 1, reduce: Reduce = lambda tensor: tensor
    ) -> None:
        self.name = f"transformer on {device}"
        self.device = device
        self.share = WIDTH // ranks
        self.make_layer = lambda: Layer(rank, ranks, reduce, device)
        self.load_weights(0)

    def load_weights(self, version: int) -> None:
        """Weights are random, and the same on every rank."""
        torch.manual_seed(7 + version)
        torch.set_num_threads(1)
        self.tokens = torch.randn(VOCABULARY, WIDTH).to(self.device)
        self.places = torch.randn(LONGEST, WIDTH).to(self.device) / 4
        self.images = torch.randn(8, PIECES * WIDTH).to(self.device)
        self.head = torch.randn(VOCABULARY, WIDTH).to(self.device)
        self.layers = [self.make_layer() for _ in range(LAYERS)]

    def make_memory(self, blocks: int, block_size: int) -> Tensor:
        return torch.zeros(LAYERS, 2, blocks, block_size, self.share, device=self.device)

    def copy_memory(self, memory: Tensor) -> Tensor:
        return memory.clone()

    def encode(self, pixels: bytes) -> Tensor:
        seen = torch.tensor(list(pixels[:8]), dtype=torch.float32, device=self.device) / 255
        return (seen @ self.images).unflatten(0, (PIECES, WIDTH))

    @torch.inference_mode()
    def forward(self, memory: Tensor, rows: list[Row]) -> list[list[float]]:
        return [self._score(memory, row) for row in rows]

    def _score(self, memory: Tensor, row: Row) -> list[float]:
        size, length = memory.shape[3], row.start + len(row.tokens)
        table = torch.tensor(row.table, device=self.device)
        positions = torch.arange(length, device=self.device)
        slots = table[positions // size] * size + positions % size
        x = self._embed(row) + self.places[row.start : length]
        for layer, lines in zip(self.layers, memory.flatten(2, 3)):
            x = layer.think(layer.attend(x, lines, slots, row.start))
        return F.linear(F.layer_norm(x[-1], (WIDTH,)), self.head).tolist()

    def _embed(self, row: Row) -> Tensor:
        x = self.tokens[torch.tensor(row.tokens, device=self.device)]
        for place, token in enumerate(row.tokens):
            if token == IMAGE:
                image, piece = divmod(row.start + place, PIECES)
                x[place] = row.encodings[image][piece]
        return x
