"""Waits for the device by line. Where there is none, tensors of the host or of torch's `meta` stand for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tracing import NO_PAGES, PROGRAMS, finding, verdicts

from llmlint.dynamic.oracles.syncs import Syncs, SyncWarnings, sees_a_wait
from llmlint.dynamic.read import read_run
from llmlint.findings import Finding, Verdict
from llmlint.runtime.block import Block, Target
from llmlint.runtime.device_watch import DeviceWatch, with_device_watch
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

LINES = (PROGRAMS / "syncing.py").read_text().splitlines()


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(LINES, 1) if text in line)


def test_the_canary_is_heard_without_torch() -> None:
    assert sees_a_wait()


# ------------------------------------------------------------ what counts


@contextmanager
def watching(kind: str) -> Iterator[Syncs]:
    torch = pytest.importorskip("torch")
    syncs = Syncs()
    syncs.begin(torch, kind)
    try:
        yield syncs
    finally:
        syncs.end()


def counted(syncs: Syncs) -> list[tuple[str, str, int]]:
    return [(wait.operation, wait.kind, wait.count) for wait in syncs.sites.values()]


ASKS: dict[str, Callable[[Any], object]] = {
    "a value": lambda x: x[0].item(),
    "an int": lambda x: int(x[0]),
    "a float": lambda x: float(x.sum()),
    "a branch": lambda x: 1 if x.any() else 2,
    "an index": lambda x: [1, 2, 3][x.argmin()],
    "a list": lambda x: x.tolist(),
    "a membership": lambda x: 2.0 in x,
    "a text": lambda x: f"{x[0]:.2f}",
    "what is printed": lambda x: repr(x),
    "the places of a mask": lambda x: x.gt(0).nonzero(),
    "what a mask lets through": lambda x: x[x.gt(0)],
    "a part of a row by a mask": lambda x: x.view(2, 2)[0, x[:2].gt(0)],
    "writing through a mask": lambda x: x.__setitem__(x.gt(0), x[1:].clone()),
    "what differs": lambda x: x.unique(),
    "whether all is equal": lambda x: x.equal(x),
}
NEVER: dict[str, Callable[[Any], object]] = {
    "arithmetic": lambda x: (x + 1).sum(),
    "an entry": lambda x: x[0],
    "entries by a tensor of indices": lambda x: x[x.long()],
    "one value through a mask": lambda x: x.__setitem__(x.gt(0), 0.0),
    "its shape": lambda x: (x.shape, len(x), x.numel(), x.device),
    "another type": lambda x: x.to(dtype=x.new_zeros(1).long().dtype),
}


def tensor() -> Any:
    torch = pytest.importorskip("torch")
    return torch.tensor([0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_what_needs_a_value_of_the_device_is_one_wait_at_the_line_that_asks(ask: Callable[[Any], object]) -> None:
    x = tensor()
    with watching("cpu") as syncs:
        ask(x)
    assert [count for _, _, count in counted(syncs)] == [1], counted(syncs)
    [wait] = syncs.sites.values()
    assert wait.name.rpartition(" ")[0].endswith(f"test_device_syncs.py:{ask.__code__.co_firstlineno}")


@pytest.mark.parametrize("ask", NEVER.values(), ids=NEVER)
def test_what_the_device_does_by_itself_is_none(ask: Callable[[Any], object]) -> None:
    x = tensor()
    with watching("cpu") as syncs:
        ask(x)
    assert counted(syncs) == []


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_values_of_the_host_are_had_for_nothing(ask: Callable[[Any], object]) -> None:
    x = tensor()
    with watching("cuda") as syncs:
        ask(x)
    assert counted(syncs) == [] and not syncs.device_seen


def test_whatever_the_dispatcher_calls_a_read_of_a_value_is_counted() -> None:
    torch = pytest.importorskip("torch")
    from torch.utils._python_dispatch import TorchDispatchMode

    read: list[str] = []

    class Reads(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = function._schema.name.removeprefix("aten::")
            if name in ("_local_scalar_dense", "nonzero", "_unique2", "masked_select", "equal"):
                read.append(name)
            return function(*args, **(kwargs or {}))

    for what, ask in {**ASKS, **NEVER}.items():
        read.clear()
        x = tensor()
        with watching("cpu") as syncs, Reads():
            ask(x)
        assert not read or counted(syncs), f"{what}: {read}"
    assert torch.Tensor.item is torch._C.TensorBase.item


def test_copies_count_where_they_cross_and_are_waited_for() -> None:
    torch = pytest.importorskip("torch")
    host, there = torch.ones(4), torch.ones(4, device="meta")
    with watching("meta") as syncs:
        host.to("meta")
        there.copy_(host)
    assert counted(syncs) == [("to", "wait", 1), ("copy_", "wait", 1)]
    with watching("meta") as syncs:
        host.to(torch.device("meta"), non_blocking=True)
        there.copy_(host, True)
    assert counted(syncs) == [("to", "unpinned copy", 1), ("copy_", "unpinned copy", 1)]
    with watching("meta") as syncs:
        there.to("meta")
        host.to("cpu")
        there.to(dtype=torch.int64)
        torch.ones(0).to("meta", non_blocking=True)
        there.copy_(there)
    assert counted(syncs) == []


def test_methods_are_as_they_were_when_nobody_watches_any_more() -> None:
    torch = pytest.importorskip("torch")
    before = {name: torch.Tensor.__dict__.get(name) for name in dir(torch.Tensor)}
    with watching("cpu"):
        assert torch.Tensor.item.__name__ == "item"
    assert {name: torch.Tensor.__dict__.get(name) for name in dir(torch.Tensor)} == before


def test_a_compiled_graph_is_the_same_with_and_without() -> None:
    torch = pytest.importorskip("torch")
    from torch._dynamo.utils import counters

    def whole(x: Any) -> Any:
        return x.to(torch.float64)[x.gt(1)[0].long()] * x.shape[0]

    def broken(x: Any) -> Any:
        return torch.relu(x) * (2 if x.sum().item() > 1 else 3)

    seen = []
    for kind in ("", "cpu"):
        torch._dynamo.reset()
        counters.clear()
        x = torch.ones(2, 2)
        for function, fullgraph in ((whole, True), (broken, False)):
            compiled = torch.compile(function, backend="eager", fullgraph=fullgraph)
            if kind:
                with watching(kind):
                    compiled(x)
            else:
                compiled(x)
        seen.append((dict(counters["stats"]), len(counters["graph_break"])))
    assert seen[0] == seen[1]


def test_a_warning_of_torchs_debug_mode_is_a_wait_and_others_are_shown_as_ever() -> None:
    syncs, shown = Syncs(), []
    syncs.folder = "/nowhere"
    previous, warnings.showwarning = warnings.showwarning, lambda message, *others: shown.append(str(message))
    listening = SyncWarnings(syncs)
    try:
        listening.listen()
        for _ in range(3):
            warnings.warn("called a synchronizing CUDA operation (in the words of torch)", stacklevel=1)
        warnings.warn("something else", stacklevel=1)
    finally:
        listening.stop()
        warnings.showwarning = previous
    assert counted(syncs) == [("torch's debug mode", "wait", 3)]
    assert "something else" in shown and not any("synchronizing" in message for message in shown)
    assert listening.filter not in warnings.filters


# ------------------------------------------------------------ whole runs


def trace(folder: Path, *options: str) -> list[tuple[str, int, str, bool]]:
    command = [sys.executable, "-m", "llmlint", "trace", "--syncs", *options, "--out", str(folder), "--"]
    program = [sys.executable, "syncing_main.py", "Runner", "40"]
    env = {**os.environ, "LLMLINT_TICK": "0.02"}
    done = subprocess.run([*command, *program], cwd=PROGRAMS, env=env, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    document = json.loads((folder / "findings.json").read_text())
    return [
        (one["rule"], one["line"], one["verdict"]["status"], one["suppressed"] is not None)
        for one in document["findings"]
    ]


def test_waits_in_a_step_are_found_and_those_that_are_meant_are_not(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    found = trace(tmp_path / "run", "--step", "syncing.py:Runner.step", "--device", "cpu")
    assert sorted(found) == sorted(
        [
            ("LLM602", line_of("int(logits.argmax())"), "confirmed", False),
            ("LLM602", line_of("if logits.max() > 1e9"), "confirmed", False),
            ("LLM602", line_of("# gpu-sync-ok"), "confirmed", True),
        ]
    )


def test_on_a_machine_without_the_device_nothing_is_found(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    assert trace(tmp_path / "run", "--step", "syncing.py:Runner.step") == []


def judged(folder: Path, one: Finding, owner: str, steps: int, device: str) -> Verdict:
    pytest.importorskip("torch")
    prepare(folder, with_device_watch(make_plan([one], NO_PAGES, PROGRAMS), DeviceWatch(device=device), PROGRAMS))
    env = environment(folder, base={**os.environ, "LLMLINT_TICK": "0.02"})
    program = [sys.executable, "syncing_main.py", owner, str(steps)]
    done = subprocess.run(program, cwd=PROGRAMS, env=env, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    return verdicts([one], read_run(str(folder)))[0]


def about(rule: str, symbol: str, text: str) -> Finding:
    block = Block(targets=(Target(symbol, "scope"),))
    return msgspec.structs.replace(finding(rule, block, "syncing.py", symbol, line_of(text)), symbol=symbol)


WARN = ("sync-in-hot-path", "Runner.warn", "if logits.max() > 1e9")
SETTLE = ("sync-in-hot-path", "Sender.settle", "int(lengths.max())")
SEND = ("unpinned-async-copy", "Sender.send", "non_blocking=True")


def test_a_finding_whose_line_waits_in_each_call_is_confirmed(tmp_path: Path) -> None:
    found = judged(tmp_path, about(*WARN), "Runner", 20, "cpu")
    assert found.status == "confirmed", found
    assert "waited for the device 20 times" in found.summary


def test_a_copy_from_pageable_memory_is_confirmed_when_it_is_made(tmp_path: Path) -> None:
    found = judged(tmp_path, about(*SEND), "Sender", 20, "meta")
    assert found.status == "confirmed", found
    assert "pageable memory 20 times" in found.summary


def test_a_line_that_only_ever_asks_the_host_is_refuted_where_a_device_is_in_use(tmp_path: Path) -> None:
    found = judged(tmp_path, about(*SETTLE), "Sender", 200, "meta")
    assert found.status == "refuted", found


def test_without_a_device_nothing_is_said_of_waits(tmp_path: Path) -> None:
    found = judged(tmp_path, about(*WARN), "Runner", 200, "cuda")
    assert found.status == "not-exercised", found
    assert "no tensor of the device" in found.summary


def test_a_few_waits_are_no_part_of_each_step(tmp_path: Path) -> None:
    found = judged(tmp_path, about(*WARN), "Runner", 3, "cpu")
    assert found.status == "exercised-clean", found
