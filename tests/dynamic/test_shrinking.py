"""A trace of requests that confirmed something, with fewer requests that confirm it still."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tracing import PROGRAMS

from llmlint.runtime.shrinking import shrink, write_requests
from llmlint.runtime.timed_requests import Requests, TimedRequest, read_requests


def requests(*numbers: int) -> Requests:
    return tuple(TimedRequest(at=float(number), body={"number": number}) for number in numbers)


def shrunk(needed: set[int], of: int, most_runs: int = 1000) -> tuple[list[int], int, bool, list[int]]:
    """What is left, after how many runs, whether no less would do, and how long each smaller trace was."""
    lengths: list[int] = []
    found = shrink(
        requests(*range(of)),
        lambda fewer: needed <= {request.body["number"] for request in fewer},
        most_runs,
        lambda fewer: lengths.append(len(fewer)),
    )
    return [request.body["number"] for request in found.requests], found.runs, found.is_smallest, lengths


@pytest.mark.parametrize("needed", [{0}, {63}, {31, 32}, {3, 40, 41, 60}, set(range(8))])
def test_what_is_left_is_what_is_needed(needed: set[int]) -> None:
    left, _, is_smallest, lengths = shrunk(needed, of=64)
    assert (set(left), is_smallest) == (needed, True)
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] == len(left)


def test_one_needed_request_of_many_takes_few_runs() -> None:
    assert shrunk({17}, of=1024)[1] <= 2 * 10


def test_runs_are_bounded_and_what_was_reached_is_kept() -> None:
    left, runs, is_smallest, _ = shrunk({3, 40, 41, 60}, of=64, most_runs=6)
    assert (runs, is_smallest) == (6, False)
    assert {3, 40, 41, 60} <= set(left)


def test_a_trace_of_which_nothing_can_be_left_out_stays() -> None:
    assert shrunk(set(range(4)), of=4)[0] == [0, 1, 2, 3]


def test_what_is_written_begins_at_once_and_keeps_its_distances(tmp_path: Path) -> None:
    one = msgspec.structs.replace(requests(12)[0], leave_after=3, path="/v1/completions")
    file = tmp_path / "requests.jsonl"
    write_requests(file, (*requests(10), one))
    assert read_requests(file) == tuple(
        msgspec.structs.replace(request, at=at) for request, at in zip((*requests(10), one), (0.0, 2.0), strict=True)
    )
    assert file.stat().st_mode & 0o077 == 0


def asked(number: int, leaves: bool) -> TimedRequest:
    body = {"messages": [], "max_tokens": 400 if leaves else 4, "request_id": f"r{number}"}
    return TimedRequest(at=0.02 * number, body=body, leave_after=1 if leaves else None)


def test_of_a_leak_on_disconnect_only_clients_that_leave_are_needed(tmp_path: Path) -> None:
    """End to end, with the command started anew for each smaller trace."""
    from test_stress import free_port

    all_of_them, fewer = tmp_path / "all.jsonl", tmp_path / "fewer.jsonl"
    write_requests(all_of_them, tuple(asked(number, leaves=number % 4 == 3) for number in range(16)))
    port = free_port()
    watch = ["--watch", "Requests.start:enter:request_id, finish:leave, disconnect:leave", "--container", "streams"]
    drive = ["--drive", f"http://127.0.0.1:{port}", "--stress", str(all_of_them), "--for", "20s"]
    shrinking = ["--shrink-to", str(fewer), "--shrink-runs", "10"]
    command = [sys.executable, "-m", "llmlint", "trace", *watch, *drive, *shrinking, "--out", str(tmp_path / "run")]
    surroundings = {**os.environ, "BUGS": "disconnect", "LLMLINT_TICK": "0.05"}
    done = subprocess.run(
        [*command, "--", sys.executable, "serve.py", str(port)],
        cwd=PROGRAMS, env=surroundings, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "1 confirmed" in done.stderr, done.stderr
    left = read_requests(fewer)
    assert f"{len(left)} of 16 requests confirm the same" in done.stderr, done.stderr
    assert len(left) < 16
    assert any(request.leave_after is not None for request in left)
