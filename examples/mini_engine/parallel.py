"""Tensor parallel: each rank has its share of the weights and of the KV cache, and they meet twice in every layer.

The engine runs on rank 0 and says what is to be done; the other ranks follow. Needs torch; the ranks meet over gloo,
so they may share one device or have none.
"""

import pickle
import subprocess
import sys
import tempfile
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from .blocks import BlockPool
from .model import Row
from .parts import Parts
from .transformer import Transformer, choose_device

TIMEOUT = 60.0
STAGED = 64
"""How many blocks may be on their way to the host at once."""


class Rank:
    """What every rank does when it is told to."""

    def __init__(self, rank: int, ranks: int, store: str, parts: Parts, device: str) -> None:
        where = choose_device(device)
        limit = timedelta(seconds=TIMEOUT)
        dist.init_process_group("gloo", f"file://{store}", limit, rank=rank, world_size=ranks)
        group = parts.group.make_group(list(range(ranks)), TIMEOUT)
        self.model = Transformer(where, parts, rank=rank, ranks=ranks, reduce=self._reduce)
        self.write_back = parts.write_back.WriteBack(group, BlockPool(STAGED), delay=rank + 1)
        self.memory: Any = None

    def _reduce(self, tensor):
        dist.all_reduce(tensor)
        return tensor

    def do(self, what: str, *arguments: Any) -> Any:
        return getattr(self, what)(*arguments)

    def make_memory(self, blocks: int, block_size: int) -> Any:
        self.memory = self.model.make_memory(blocks, block_size)
        return self.memory

    def copy_memory(self) -> Any:
        self.memory = self.model.copy_memory(self.memory)
        return self.memory

    def load_weights(self, version: int) -> None:
        self.model.load_weights(version)

    def forward(self, rows: list[Row]) -> list[list[float]]:
        scores = self.model.forward(self.memory, rows)
        for row in rows:
            if (row.start + len(row.tokens)) % self.memory.shape[3] == 0:
                self.write_back.start(row.table[-1])
        self.write_back.advance()
        self.write_back.agree()
        return scores


class Leader:
    """Rank 0 as the engine's model: whatever is asked of it, all ranks do."""

    def __init__(self, ranks: int, parts: Parts, device: str) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="mini-engine-")
        store = f"{self.folder.name}/store"
        command = [sys.executable, "-m", __package__, "follow", "--device", device, "--bugs", ",".join(sorted(parts.bugs))]
        command += ["--ranks", str(ranks), "--store", store]
        self.followers = [subprocess.Popen([*command, "--rank", str(rank)]) for rank in range(1, ranks)]
        self.rank = Rank(0, ranks, store, parts, device)
        self.name = f"{self.rank.model.name}, {ranks} ranks"

    def _all(self, what: str, *arguments: Any) -> Any:
        tell((what, *arguments))
        return self.rank.do(what, *arguments)

    def make_memory(self, blocks: int, block_size: int) -> Any:
        return self._all("make_memory", blocks, block_size)

    def copy_memory(self, memory: Any) -> Any:
        return self._all("copy_memory")

    def load_weights(self, version: int) -> None:
        self._all("load_weights", version)

    def encode(self, pixels: bytes) -> Any:
        return self.rank.model.encode(pixels)

    def forward(self, memory: Any, rows: list[Row]) -> list[list[float]]:
        return self._all("forward", rows)

    def close(self) -> None:
        tell(("end",))
        for follower in self.followers:
            follower.wait(TIMEOUT)
        dist.destroy_process_group()

    def kill(self) -> None:
        """When the ranks have lost each other there is nothing to say to them."""
        for follower in self.followers:
            follower.kill()
            follower.wait()


def tell(message: tuple[Any, ...]) -> None:
    """Rank 0's side of a broadcast: first how long the message is, then the message."""
    data = pickle.dumps(message)
    dist.broadcast(torch.tensor([len(data)]), src=0)
    dist.broadcast(torch.frombuffer(bytearray(data), dtype=torch.uint8), src=0)


def listen() -> tuple[Any, ...]:
    length = torch.zeros(1, dtype=torch.int64)
    dist.broadcast(length, src=0)
    data = torch.zeros(int(length), dtype=torch.uint8)
    dist.broadcast(data, src=0)
    return pickle.loads(bytes(data.tolist()))


def follow(rank: int, ranks: int, store: str, parts: Parts, device: str) -> None:
    """Another rank: does what rank 0 does, until it is told to end."""
    own = Rank(rank, ranks, store, parts, device)
    while True:
        what, *arguments = listen()
        if what == "end":
            break
        own.do(what, *arguments)
    dist.destroy_process_group()
