"""Accesses that nothing orders, by torch's operations, streams and hooks.

No device is needed: torch's streams of the host are no more than names, and its hooks are told by hand what a driver
would have told them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tracing import NO_PAGES, PROGRAMS, finding, verdicts

from llmlint.dynamic.oracles.device_races import RaceUser
from llmlint.dynamic.oracles.races import Races
from llmlint.dynamic.oracles.streams import Access, Streams
from llmlint.dynamic.read import read_run
from llmlint.findings import Verdict
from llmlint.runtime.block import Block, Target
from llmlint.runtime.device_watch import DeviceWatch, with_device_watch
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

LINES = (PROGRAMS / "streaming.py").read_text().splitlines()
WRITE, READ = Access(0, 8, True, False), Access(0, 8, False, False)
A, B, C = 1, 2, 3
BUFFER = 7


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(LINES, 1) if text in line)


def pairs(streams: Streams) -> list[tuple[str, str]]:
    return list(streams.races)


def test_the_canary_is_heard_without_torch() -> None:
    assert RaceUser.canary()


# ------------------------------------------------------------ what comes first


def test_one_stream_is_in_order_by_itself_and_readers_do_not_disturb_each_other() -> None:
    streams = Streams()
    streams.run(A, [(BUFFER, WRITE)], "1", "fill_")
    streams.run(A, [(BUFFER, READ)], "2", "add")
    streams.run(A, [(BUFFER, WRITE)], "3", "fill_")
    streams.host_waits_for_stream(A)
    streams.run(B, [(BUFFER, READ)], "4", "add")
    streams.run(C, [(BUFFER, READ)], "5", "add")
    assert pairs(streams) == []


def test_writing_what_another_stream_may_still_read_is_a_race_like_reading_what_it_writes() -> None:
    streams = Streams()
    streams.run(A, [(BUFFER, WRITE)], "write", "fill_")
    streams.run(B, [(BUFFER, READ)], "read", "add")
    streams.run(C, [(BUFFER, WRITE)], "write again", "fill_")
    assert pairs(streams) == [("write", "read"), ("write", "write again"), ("read", "write again")]


def test_what_was_waited_for_is_known_through_others_too() -> None:
    streams = Streams()
    streams.run(A, [(BUFFER, WRITE)], "write", "fill_")
    streams.record(1, A)
    streams.wait(1, B)
    streams.record(2, B)
    streams.wait(2, C)
    streams.run(C, [(BUFFER, READ)], "read", "add")
    assert pairs(streams) == []


def test_an_event_stands_for_what_was_given_before_it_was_recorded_and_no_more() -> None:
    streams = Streams()
    streams.record(1, A)
    streams.run(A, [(BUFFER, WRITE)], "write", "fill_")
    streams.wait(1, B)
    streams.run(B, [(BUFFER, READ)], "read", "add")
    assert pairs(streams) == [("write", "read")]


def test_one_event_for_two_batches_orders_only_the_last() -> None:
    streams = Streams()
    streams.run(A, [(1, WRITE)], "first batch", "copy_")
    streams.record(9, A)
    streams.run(B, [(2, WRITE)], "second batch", "copy_")
    streams.record(9, B)
    streams.host_waits_for_event(9)
    streams.look_at(2, READ, "host", "tolist")
    assert pairs(streams) == []
    streams.look_at(1, READ, "host", "tolist")
    assert pairs(streams) == [("first batch", "host")]


def test_parts_that_do_not_overlap_are_no_race_and_what_indices_choose_is_not_sure() -> None:
    streams = Streams()
    streams.run(A, [(BUFFER, Access(0, 4, True, False))], "one half", "fill_")
    streams.run(B, [(BUFFER, Access(4, 8, True, False))], "other half", "fill_")
    assert pairs(streams) == []
    streams.run(C, [(BUFFER, Access(0, 8, True, True))], "some", "index_put_")
    assert pairs(streams) and not any(race.is_sure for race in streams.races.values())


def test_memory_given_back_while_a_side_stream_uses_it_is_a_race_unless_it_was_recorded() -> None:
    for recorded in (False, True):
        streams = Streams()
        streams.allocated(BUFFER, A)
        streams.run(A, [(BUFFER, WRITE)], "made", "empty")
        streams.record(1, A)
        streams.wait(1, B)
        streams.run(B, [(BUFFER, READ)], "used aside", "add")
        if recorded:
            streams.recorded(BUFFER, B)
        streams.freed(BUFFER)
        streams.allocated(BUFFER, A)
        streams.run(A, [(BUFFER, WRITE)], "made anew", "empty")
        assert pairs(streams) == ([] if recorded else [("used aside", "made anew")])
        assert all(race.freed for race in streams.races.values())


# ------------------------------------------------------------ through torch


@contextmanager
def watching(device: str, **settings: Any) -> Iterator[Any]:
    torch = pytest.importorskip("torch")
    races = Races(torch, device, **settings)
    assert races.begin()
    try:
        yield races
    finally:
        races.end()
        races.stop()


def operations(races: Races) -> list[tuple[str, str]]:
    return [(race.earlier.operation, race.later.operation) for race in races.streams.races.values()]


def test_operations_on_two_streams_are_ordered_by_what_torchs_hooks_are_told() -> None:
    torch = pytest.importorskip("torch")
    from torch.cuda import _gpu_trace as trace

    side = torch.cpu.Stream()
    with watching("cpu") as races:
        x = torch.ones(8)
        with torch.cpu.stream(side):
            y = x * 2
        trace.EventRecordCallbacks.fire_callbacks(5, id(side))
        trace.EventWaitCallbacks.fire_callbacks(5, id(torch.cpu.current_stream()))
        z = y + 1
        with torch.cpu.stream(side):
            z.add_(1)
        trace.DeviceSynchronizationCallbacks.fire_callbacks()
        z.add_(1)
    assert operations(races) == [("ones", "mul"), ("add", "add_")]
    assert races.modes.failed == 0


def test_views_of_one_buffer_are_told_apart_by_their_bytes() -> None:
    torch = pytest.importorskip("torch")
    side = torch.cpu.Stream()
    with watching("cpu") as races:
        buffer = torch.zeros(4, 8)
        races.streams.host_waits_for_all()
        buffer[0].fill_(1)
        with torch.cpu.stream(side):
            buffer[1].fill_(2)
            assert operations(races) == []
            buffer[:2].add_(1)
    assert operations(races) == [("fill_", "add_")]


def test_new_tensors_at_the_place_of_old_ones_are_others() -> None:
    torch = pytest.importorskip("torch")
    side = torch.cpu.Stream()
    with watching("cpu") as races:
        for _ in range(50):
            a = torch.ones(64)
            del a
            with torch.cpu.stream(side):
                b = torch.ones(64)
                del b
    assert operations(races) == []


def test_pinned_memory_that_a_copy_still_reads_is_not_to_be_written() -> None:
    torch = pytest.importorskip("torch")
    for pinned, waits in ((True, False), (True, True), (False, False)):
        with watching("meta", is_pinned=lambda tensor, pinned=pinned: pinned) as races:
            host = torch.ones(8)
            host.to("meta", non_blocking=True)
            if waits:
                races.streams.host_waits_for_all()
            host.fill_(2)
        assert operations(races) == ([("_to_copy", "fill_")] if pinned and not waits else [])


def test_a_copy_that_is_waited_for_leaves_nothing_behind() -> None:
    torch = pytest.importorskip("torch")
    with watching("meta", is_pinned=lambda tensor: True) as races:
        host = torch.ones(8)
        host.to("meta")
        host.fill_(2)
    assert operations(races) == []


def test_what_came_to_the_host_is_not_to_be_read_before_the_copy_is_done() -> None:
    torch = pytest.importorskip("torch")
    for waits in (True, False):
        with watching("meta") as races:
            there, host = torch.ones(8, device="meta"), torch.zeros(8)
            access = [(races._place(host), Access(0, 32, True, False))]
            races.streams.run(races.current(), access, "copy", "copy_")  # no copy from `meta` has anything to bring
            if waits:
                races.streams.host_waits_for_stream(races.current())
            races.read_by_host(host)
            races.read_by_host(there)
        assert [later for _, later in operations(races)] == ([] if waits else ["read by the host"])


def test_hooks_are_gone_when_nobody_watches_any_more() -> None:
    pytest.importorskip("torch")
    from torch.cuda import _gpu_trace as trace

    before = [list(getattr(trace, name).callback_list) for name in dir(trace) if name.endswith("Callbacks")]
    with watching("cpu"):
        assert len(trace.EventRecordCallbacks.callback_list) == 1
    assert [list(getattr(trace, name).callback_list) for name in dir(trace) if name.endswith("Callbacks")] == before


# ------------------------------------------------------------ whole runs


def trace(folder: Path, bugs: str) -> list[tuple[str, str, int, str]]:
    command = [sys.executable, "-m", "llmlint", "trace", "--races", "--step", "streaming.py:Experts.step"]
    program = ["--device", "cpu", "--out", str(folder), "--", sys.executable, "streaming_main.py"]
    env = {**os.environ, "BUGS": bugs, "LLMLINT_TICK": "0.02"}
    done = subprocess.run([*command, *program], cwd=PROGRAMS, env=env, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    document = json.loads((folder / "findings.json").read_text())
    return [(one["rule"], one["path"], one["line"], one["verdict"]["status"]) for one in document["findings"]]


def test_a_tensor_that_crosses_unordered_is_found_in_a_run_and_one_that_waits_is_not(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    there, back = line_of("return hidden * 2"), line_of("self.out.copy_(")
    assert sorted(trace(tmp_path / "bug", "unordered")) == [
        ("LLM302", "streaming.py", back, "confirmed"),
        ("LLM302", "streaming.py", there, "confirmed"),
    ]
    assert trace(tmp_path / "clean", "") == []


def judged(folder: Path, bugs: str) -> Verdict:
    pytest.importorskip("torch")
    block = Block(targets=(Target("Experts.expert", "scope"), Target("Experts.step", "scope")))
    one = finding("stream-not-ordered", block, "streaming.py", "Experts.expert", line_of("return hidden * 2"))
    one = msgspec.structs.replace(one, symbol="Experts.expert")
    prepare(folder, with_device_watch(make_plan([one], NO_PAGES, PROGRAMS), DeviceWatch(device="cpu"), PROGRAMS))
    env = environment(folder, base={**os.environ, "BUGS": bugs, "LLMLINT_TICK": "0.02"})
    program = [sys.executable, "streaming_main.py"]
    done = subprocess.run(program, cwd=PROGRAMS, env=env, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    return verdicts([one], read_run(str(folder)))[0]


def test_a_finding_is_confirmed_by_the_race_in_its_function_and_never_refuted(tmp_path: Path) -> None:
    found = judged(tmp_path / "bug", "unordered")
    assert found.status == "confirmed", found
    assert "mul reads at" in found.evidence[0]
    clean = judged(tmp_path / "clean", "")
    assert clean.status == "exercised-clean", clean
