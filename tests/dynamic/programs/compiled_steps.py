"""Steps through a compiled function: it says `done` only where one graph was made, and made once."""

import torch
from torch._dynamo.utils import counters


@torch.compile(backend="eager")
def project(hidden):
    return torch.relu(hidden * 2)


def step() -> None:
    project(torch.ones(4, 4))


def main() -> None:
    for _ in range(100):
        step()
    found = dict(counters["stats"])
    print("done" if found == {"calls_captured": 2, "unique_graphs": 1} else found)
