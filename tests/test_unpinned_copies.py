"""LLM601 on the kinds of copies that vLLM's own check of its commits (#56202) names, with the same verdicts, and on
those that it cannot see because it follows names within one function."""

from __future__ import annotations

import pytest

from llmlint.scan import check_sources

HEAD = """
import numpy as np
import torch


class Batch:
    def __init__(self, rows, device):
        self.device = device
        self.table = torch.zeros(rows, device=device)

    def send(self, found, rows):
"""


def told(body: str, beside: str = "") -> list[str]:
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    source = f"{HEAD}{lines}\n\n{beside}".encode()
    text = source.decode().splitlines()
    return [text[f.line - 1].strip() for f in check_sources({"batch.py": source}, ["LLM601"]) if not f.suppressed]


WAITS = [
    "return torch.from_numpy(found).to(self.device, non_blocking=True)",
    "return torch.from_numpy(found).cuda(non_blocking=True)",
    "return torch.tensor(rows).to(device=self.device, non_blocking=True)",
    "self.table.copy_(torch.from_numpy(found), non_blocking=True)",
    "ids = torch.from_numpy(found)\nreturn ids.to(self.device, non_blocking=True)",
    "ids = torch.empty(4, dtype=torch.int32)\nself.table[:4].copy_(ids, non_blocking=True)",
    "return torch.zeros(4, pin_memory=False).cuda(non_blocking=True)",
]
IS_LEFT_ALONE = [
    "return torch.from_numpy(found).to(self.device)",
    "return torch.from_numpy(found).to(self.device, non_blocking=False)",
    "return torch.from_numpy(found).pin_memory().to(self.device, non_blocking=True)",
    "return torch.tensor(rows, pin_memory=True).to(self.device, non_blocking=True)",
    "return torch.zeros(4, pin_memory=self.pins).to(self.device, non_blocking=True)",
    "return torch.zeros(4, device=self.device).to(self.other, non_blocking=True)",
    "return self.table.to('cpu', non_blocking=True)",
    "return found.to(self.device, non_blocking=True)",
    "ids = torch.from_numpy(found).pin_memory()\nreturn ids.to(self.device, non_blocking=True)",
    "return torch.from_numpy(found).cuda(non_blocking=True)  # gpu-sync-ok: once for each image",
    "return torch.from_numpy(found).cuda(\n    non_blocking=True  # gpu-sync-ok: once for each image\n)",
]


@pytest.mark.parametrize("body", WAITS)
def test_what_the_check_flags_is_told(body: str) -> None:
    assert told(body) == [body.splitlines()[-1]]


@pytest.mark.parametrize("body", IS_LEFT_ALONE)
def test_what_the_check_lets_pass_is_left_alone(body: str) -> None:
    assert told(body) == []


COPY = "return ids.to('cuda', non_blocking=True)"
GIVES_BACK = "def as_ids(found):\n    return torch.from_numpy(found)\n"
GIVES_EITHER = "def as_ids(found):\n    if found is None:\n        return None\n    return torch.from_numpy(found)\n"
GIVES_PINNED = "def as_ids(found):\n    return torch.from_numpy(found).pin_memory()\n"
UPLOADS = f"def upload(ids):\n    {COPY}\n"


def test_a_helper_that_gives_back_pageable_memory() -> None:
    assert told(f"ids = as_ids(found)\n{COPY}", GIVES_BACK) == [COPY]
    assert told(f"ids = as_ids(found)\n{COPY}", GIVES_PINNED) == []
    assert told(f"ids = as_ids(found)\n{COPY}", GIVES_EITHER) == []


def test_a_parameter_that_every_caller_hands_pageable_memory() -> None:
    pageable, pinned = "upload(torch.from_numpy(found))", "upload(torch.tensor(rows, pin_memory=True))"
    assert told(f"return {pageable}", UPLOADS) == [COPY]
    assert told(f"return {pageable}, {pinned}", UPLOADS) == []
    assert told("return upload(found)", UPLOADS) == []
