"""Drives an OpenAI-style server down the paths where requests end badly, and breaks children on purpose.

Terminal paths are where requests leak, and a happy run never takes them. Only servers on the loopback are driven, with
a bounded number of requests and for a bounded time; only descendants of the traced command are ever signalled.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from llmlint.runtime.native.faults import CLOCK, FULL_DISK, order, why_not_reached
from llmlint.runtime.timed_requests import CHAT, NoRequests, Requests, drive, exchange, read_requests

KINDS = ("plain", "abort", "error", "preempt", "cancel-storm", "vary", "bigint")
FAULTS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
SLOW = "slow"
"""A peer that gets one part in five of its time: it is there, and answers late."""
INSIDE = (FULL_DISK, CLOCK)
VERBS = (*FAULTS, SLOW, *INSIDE)
STOPPED, RUNNING = 0.2, 0.05
LASTING = 10.0
"""Seconds for which a fault is there that goes away again."""
TIMEOUT = 15.0
AFTERMATH = 12.0
"""Seconds a program is left alone after a fault, where the time that was given allows it."""
BIG = 2**53 + 1


class WorkloadError(ValueError):
    """Not a workload; the message says what is wrong with it."""


class Workload(msgspec.Struct, frozen=True):
    host: str
    port: int
    kinds: tuple[str, ...]
    requests: int
    seconds: float
    faults: tuple[tuple[str, str], ...] = ()
    timed: Requests = ()
    """Requests of a file, in place of the kinds."""
    folder: Path = Path()
    """Of the run: where faults inside of a process are ordered."""

    @classmethod
    def of(
        cls, url: str, stress: str, requests: int, seconds: float, faults: Sequence[str], folder: Path = Path()
    ) -> Workload:
        parts = urlsplit(url)
        if url and (parts.scheme != "http" or not is_loopback(parts.hostname or "")):
            raise WorkloadError(f"--drive takes an http URL of this machine's loopback, not {url!r}")
        if stress.endswith(".jsonl"):
            try:
                timed, stress = read_requests(Path(stress)), ""
            except NoRequests as error:
                raise WorkloadError(str(error)) from None
            except OSError as error:
                raise WorkloadError(f"{stress}: {error.strerror}") from None
        else:
            timed = ()
        kinds = tuple(part.strip() for part in stress.split(",") if part.strip()) or ("plain",)
        for kind in kinds:
            if kind not in KINDS:
                raise WorkloadError(f"there is no stress {kind!r}; there are {', '.join(KINDS[1:])}")
        given = tuple((verb, name) for verb, _, name in (fault.partition(":") for fault in faults))
        for verb, name in given:
            if verb not in VERBS or not name:
                raise WorkloadError(f"--fault takes {', '.join(VERBS)} with :CHILD, not {verb}:{name}")
        return cls(parts.hostname or "", parts.port or 80, kinds, requests, seconds, given, timed, folder)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def run_workload(workload: Workload, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Drives, breaks, and says what it did: part of the evidence."""
    deadline = time.monotonic() + workload.seconds
    counts: Counter[str] = Counter()
    if workload.host and not _is_up(workload, process, deadline):
        return {"error": f"nothing answered on {workload.host}:{workload.port}"}
    broken: list[tuple[float, str]] = []
    hardships: list[str] = []
    """A peer that has it hard is none that has gone: no wait counts as stuck for it."""
    breaker = threading.Thread(target=_break, args=(workload, process.pid, broken, hardships, deadline))
    breaker.start()
    seen: list[str] = []
    if workload.timed:
        counts, seen = drive(workload.timed, lambda: _connection(workload), deadline)
    elif workload.host:
        with ThreadPoolExecutor(8) as pool:
            outcomes = pool.map(lambda number: _one(workload, number, deadline), range(workload.requests))
            counts.update(outcome for outcome in outcomes if outcome)
    breaker.join()
    if workload.host and process.poll() is not None:
        seen.append(f"the command ended while it was driven, with {process.returncode}")
    _let_it_go_on(process, min(deadline, time.monotonic() + (AFTERMATH if broken else 1.0)))
    faults, times = [said for _, said in broken], [at for at, _ in broken]
    done = {"kinds": workload.kinds, "outcomes": dict(counts), "seen": seen}
    return {**done, "faults": faults, "fault_times": times, "hardships": hardships}


def _let_it_go_on(process: subprocess.Popen[bytes], until: float) -> None:
    """What a fault has done takes a while to show: a wait counts as stuck after ten seconds."""
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.1)


def _is_up(workload: Workload, process: subprocess.Popen[bytes], deadline: float) -> bool:
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((workload.host, workload.port), 1).close()
            return True
        except OSError:
            time.sleep(0.1)
    return False


def _one(workload: Workload, number: int, deadline: float) -> str:
    """One request of one kind; the answer is what became of it."""
    if time.monotonic() > deadline:
        return ""
    kind = workload.kinds[number % len(workload.kinds)]
    body = _body(kind, number)
    read = {"abort": 2, "cancel-storm": 0}.get(kind)
    try:
        status, _ = exchange(_connection(workload), CHAT, body, read)
    except (OSError, http.client.HTTPException) as error:
        return f"{kind}: {type(error).__name__}"
    return f"{kind}: left" if read is not None else f"{kind}: {status}"


def _body(kind: str, number: int) -> dict[str, Any]:
    pick = random.Random(number)
    body: dict[str, Any] = {
        "model": "default",
        "messages": [{"role": "user", "content": f"request {number}: " + "word " * pick.randint(1, 12)}],
        "max_tokens": 16,
        "stream": True,
        "request_id": f"stress-{number}",
    }
    if kind == "error":
        body |= pick.choice([{"max_tokens": -1}, {"messages": "not a list"}, {"temperature": "hot"}])
    elif kind == "preempt":
        body["max_tokens"] = 256
    elif kind in ("abort", "cancel-storm"):
        body["max_tokens"] = 512
    elif kind == "vary":
        body |= {"temperature": pick.random(), "top_p": pick.random(), "seed": number, "lora": f"adapter-{number % 5}"}
    elif kind == "bigint":
        body |= {"tools": [_tool()], "tool_choice": "required"}
        body["messages"][0]["content"] = f"call set_id with {BIG} and {123456789 + number}"
    return body


def _tool() -> dict[str, Any]:
    schema = {"type": "object", "properties": {"value": {"type": "integer"}}}
    return {"type": "function", "function": {"name": "set_id", "parameters": schema}}


def _connection(workload: Workload) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(workload.host, workload.port, timeout=TIMEOUT)


def _break(
    workload: Workload, pid: int, broken: list[tuple[float, str]], hardships: list[str], deadline: float
) -> None:
    """Half-way, the faults: each hits one descendant of the command whose name or command line holds the word given."""
    if not workload.faults:
        return
    time.sleep(max(0.0, min(2.0, (deadline - time.monotonic()) / 2)))
    for verb, name in workload.faults:
        child = next((child for child in descendants(pid) if name in command_line(child)), None)
        if child is None:
            broken.append((time.monotonic(), f"{verb}:{name}: no such child"))
        elif verb in FAULTS:
            os.kill(child, FAULTS[verb])
            broken.append((time.monotonic(), f"{verb}:{name}: process {child}"))
        else:
            until = min(deadline, time.monotonic() + LASTING)
            hindered = _slow_down(child, until) if verb == SLOW else _have_inside(workload.folder, verb, child, until)
            hardships.append(f"{verb}:{name}: process {child}" + (f": {hindered}" if hindered else ""))


def _have_inside(folder: Path, verb: str, child: int, until: float) -> str:
    """What hindered it, if anything did."""
    hindered = why_not_reached(folder, child)
    if not hindered:
        try:
            order(folder, verb, child)
            time.sleep(max(0.0, until - time.monotonic()))
        finally:
            order(folder, verb, 0)
    return hindered


def _slow_down(child: int, until: float) -> str:
    """Stopped again and again, and left running in the end; nothing hinders that."""
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.kill(child, signal.SIGSTOP)
            try:
                time.sleep(STOPPED)
            finally:
                os.kill(child, signal.SIGCONT)
            time.sleep(RUNNING)
    return ""


def descendants(pid: int) -> Iterator[int]:
    """Children first, then theirs."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                children = [int(child) for child in task.read_text().split()]
            except OSError:
                continue
            found += children
            yield from children


def command_line(pid: int) -> str:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        return f"{line} {Path(f'/proc/{pid}/comm').read_text()}"
    except OSError:
        return ""
