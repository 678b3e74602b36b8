"""LLM601 and LLM602: what makes the host wait for the device, and where the wait is meant."""

from __future__ import annotations

import pytest

from llmlint.scan import check_sources

STEP = """
import torch
from vllm.utils import gpu_sync_allowed


class Runner:
    def __init__(self):
        self.scale = torch.ones(4, device="cuda")

    def step(self, number):
        logits = self.scale * number
        {body}
"""


def told(body: str, rule: str = "LLM602") -> list[int]:
    found = check_sources({"runner.py": STEP.format(body=body).encode()}, [rule])
    return [finding.line for finding in found]


@pytest.mark.parametrize(
    "wait",
    [
        "self.scale.max().item()",
        "self.scale.unique()",
        "torch.nonzero(self.scale)",
        "torch.unique(self.scale)",
        "print(self.scale)",
    ],
)
def test_what_needs_the_values_waits_for_them(wait: str) -> None:
    assert told(f"return {wait}")
    assert told(f"with gpu_sync_allowed():\n            return {wait}") == []


def test_what_the_device_can_do_alone_waits_for_nothing() -> None:
    assert told("return torch.where(logits > 0, logits, 0)") == []


def test_a_copy_from_pageable_memory_may_be_meant_to_wait() -> None:
    copied = "rows = torch.tensor([number])\n        {}return rows.to(self.device, non_blocking=True)"
    assert told(copied.format(""), "LLM601")
    assert told(copied.format("with gpu_sync_allowed():\n            "), "LLM601") == []


CALLED = """
import torch


class Runner:
    def __init__(self):
        self.scale = torch.ones(4, device="cuda")

    def {root}(self, number):
        {call}

    def rows(self, values: list[int]):
        return torch.tensor(values, device="cuda")
"""


def told_of_rows(root: str, call: str = "return self.rows([number])") -> list[int]:
    return [f.line for f in check_sources({"runner.py": CALLED.format(root=root, call=call).encode()}, ["LLM602"])]


def test_a_tensor_made_of_a_list_waits_where_a_step_comes_to_it() -> None:
    assert told_of_rows("execute_model") == [13]
    assert told_of_rows("plan") == told_of_rows("warmup_step") == []


@pytest.mark.parametrize("once", ["if self.kept is None:", "if number not in self.known:", "if not self.is_prepared:"])
def test_what_a_step_calls_the_first_time_only_is_set_up(once: str) -> None:
    assert told_of_rows("forward", f"{once}\n            self.kept = self.rows([number])") == []


def test_the_way_from_the_step_is_the_evidence() -> None:
    source = CALLED.format(root="forward", call="return self.rows([number])")
    [finding] = check_sources({"runner.py": source.encode()}, ["LLM602"])
    assert next(step.message.split(",")[0] for step in finding.evidence) == "Runner.forward comes to rows"


READ = """
import torch


class Metadata:
    def __init__(self, lens: torch.Tensor):
        self.lens: torch.Tensor = lens

    @property
    def longest(self):
        return self.lens.max().item()

    def ahead(self) -> torch.Tensor:
        return self.lens + 1


class Attention:
    def {root}(self, metadata: Metadata):
        return metadata.longest, metadata.ahead().cpu()
"""


def test_a_property_is_come_to_where_it_is_read_and_a_call_gives_what_it_declares() -> None:
    def lines(root: str) -> list[int]:
        return [f.line for f in check_sources({"attention.py": READ.format(root=root).encode()}, ["LLM602"])]

    assert lines("forward") == [11, 19]
    assert lines("plan") == []


KEPT = """
import torch


class Metadata:
    def __init__(self, lens: torch.Tensor):
        self.lens: torch.Tensor = lens
        self.kept = None

    @property
    def longest(self):
        if self.kept is None:
            self.kept = self.lens.max().item()
        return self.kept


class Attention:
    def __init__(self, lens: torch.Tensor):
        self.metadata = Metadata(lens)

    def forward(self, lens: torch.Tensor, metadata: Metadata):
        {made}return metadata.longest
"""


def test_what_an_object_does_once_each_step_does_that_makes_one() -> None:
    def lines(made: str) -> list[int]:
        return [f.line for f in check_sources({"attention.py": KEPT.format(made=made).encode()}, ["LLM602"])]

    assert lines("") == []
    assert lines("metadata = Metadata(lens)\n        ") == [13]


def test_a_list_is_known_by_what_gave_it() -> None:
    source = """
import torch


class Builder:
    def chunks(self) -> tuple[list[int], list[int]]:
        return [1], [2]

    def forward(self, device, other):
        starts, ends = self.chunks()
        return torch.as_tensor(starts, device=device), torch.as_tensor(other, device=device)
"""
    found = check_sources({"builder.py": source.encode()}, ["LLM602"])
    assert [finding.data.get("kind", finding.message.rpartition(" ")[2]) for finding in found] == ["starts"]


def test_one_wait_is_told_once() -> None:
    source = """
import torch


class Runner:
    def __init__(self, rows, device):
        self.lens = torch.zeros(rows, device=device)

    def execute_model(self):
        return self.longest(self.lens)

    def longest(self, lens: torch.Tensor):
        return [lens[at].item() for at in range(4)]
"""
    assert [f.line for f in check_sources({"runner.py": source.encode()}, ["LLM602"])] == [13]
