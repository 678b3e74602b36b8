"""What watching the device costs an operation of torch: small ones on the host, where next to nothing else is measured.

    PYTHONPATH=src:. PYTHON_WITH_TORCH -m benchmarks.dynamic.device_costs

Microseconds of the thread on the processor, the least of several rounds. On a device the operations themselves take
longer and run beside the host, so these are the most that a step may lose for each operation in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from llmlint.dynamic.oracles.allocators import readings
from llmlint.dynamic.oracles.dispatch import Modes
from llmlint.dynamic.oracles.races import Races
from llmlint.dynamic.oracles.syncs import Syncs
from llmlint.dynamic.oracles.tensors import Ledger

TIMES, ROUNDS = 2000, 7
X = torch.ones(64, 64)

OPERATIONS: dict[str, Callable[[], object]] = {
    "five operations: `@`, `relu`, `view`, `sum`, `+`": lambda: torch.relu(X @ X) + (X @ X).view(-1)[:8].sum(),
    "an entry: `x[3]`": lambda: X[3],
    "`x.to(torch.float64)`": lambda: X.to(torch.float64),
    "`x.tolist()` of 8": lambda row=X[0, :8]: row.tolist(),
    "`x.item()`": lambda one=X[0, 0]: one.item(),
}


@contextmanager
def nothing() -> Iterator[None]:
    yield


@contextmanager
def waits(device: str) -> Iterator[None]:
    syncs = Syncs()
    syncs.begin(torch, device)
    yield
    syncs.end()


@contextmanager
def empty_mode() -> Iterator[None]:
    modes = Modes(torch, lambda *told: None)
    modes.begin()
    yield
    modes.end()


@contextmanager
def ledger() -> Iterator[None]:
    kept = Ledger(torch, ("cpu",))
    kept.begin()
    yield
    kept.end()


@contextmanager
def races() -> Iterator[None]:
    watched = Races(torch, "cpu")
    watched.begin()
    yield
    watched.end()
    watched.stop()


WATCHED = {
    "unwatched": nothing,
    "--syncs, on the host": lambda: waits("cuda"),
    "--syncs, each a wait": lambda: waits("cpu"),
    "an empty dispatch mode": empty_mode,
    "a recorded step of --memory-timeline": ledger,
    "--races": races,
}


def microseconds(operation: Callable[[], object]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(TIMES):
            operation()
        rounds.append(time.thread_time() - began)
    return 1e6 * min(rounds) / TIMES


def main() -> None:
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, on the host\n")
    print("| operation | " + " | ".join(WATCHED) + " |\n" + "| --- " * (len(WATCHED) + 1) + "|")
    for name, operation in OPERATIONS.items():
        figures = []
        for watched in WATCHED.values():
            with watched():
                figures.append(microseconds(operation))
        print(f"| {name} | " + " | ".join(f"{figure:.2f}" for figure in figures) + " |")
    print(f"\nA sample of the host's memory: {microseconds(lambda: readings(None, 'cuda', True)):.0f}")


if __name__ == "__main__":
    main()
