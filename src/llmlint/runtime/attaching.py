"""Wakes the processes of a dormant run, or goes into one that nobody prepared, for a time.

An order is a file in the run's folder, which sleeping processes look for (`dynamic/inject/llmlint_sleeps.py`). Where
Python itself can send a script into a process (3.14), one that was started without us is taught to sleep first.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from llmlint.dynamic.read import Process, read_run
from llmlint.findings import Finding
from llmlint.plain import one_line
from llmlint.runtime.private import write_private
from llmlint.runtime.trace import DORMANT, INJECT

ORDER = "order.json"
PATIENCE = 5.0
"""Seconds in which a process of the run wakes, or ends its watching."""


class CannotAttach(Exception):
    """The message says what is missing."""


def sleeping_run_of(pid: int) -> Path | None:
    """The folder of the dormant run that a process belongs to."""
    try:
        texts = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError as error:
        raise CannotAttach(f"process {pid}: {error.strerror}") from None
    given = [os.fsdecode(text.partition(b"=")[2]) for text in texts if text.startswith(b"LLMLINT_TRACE=")]
    folder = Path(given[0]) if given else None
    return folder if folder is not None and (folder / DORMANT).is_file() else None


def give_order(folder: Path, seconds: float, budget: float, pids: Sequence[int] = ()) -> str:
    """The order's name. It appears in one step, as somebody may look at any moment."""
    name = secrets.token_hex(8)
    draft = folder / f"{ORDER}.{name}"
    write_private(draft, json.dumps({"order": name, "seconds": seconds, "budget": budget, "pids": list(pids)}))
    draft.replace(folder / ORDER)
    return name


def take_back(folder: Path, order: str) -> None:
    """Whoever watches by this order stops within a second; a newer one of somebody else's stands."""
    with contextlib.suppress(OSError, ValueError):
        if json.loads((folder / ORDER).read_text(encoding="utf-8"))["order"] == order:
            (folder / ORDER).unlink()


def can_be_sent() -> bool:
    return hasattr(sys, "remote_exec")


def why_not_sent(pid: int) -> str:
    return (
        f"process {pid} was not started by `llmlint trace --dormant`, and attaching to any other takes Python 3.14 "
        f"on both sides: this is {sys.version.split()[0]}"
    )


def send_into(pid: int, folder: Path) -> None:
    """A sleeper for one order, by Python's own way into a process of the same version."""
    remote_exec: Callable[[int, str], None] = sys.remote_exec  # type: ignore[attr-defined]
    script = folder / "sent.py"
    write_private(script, script_for(folder))
    try:
        remote_exec(pid, str(script.resolve()))
    except (OSError, RuntimeError) as error:
        raise CannotAttach(f"process {pid}: {error}") from None


def script_for(folder: Path) -> str:
    """What a process runs that is to be watched though nobody prepared it."""
    return (
        "import sys\n"
        f"sys.path.insert(0, {str(INJECT)!r})\n"
        "try:\n"
        "    import llmlint_sleeps\n"
        f"    llmlint_sleeps.begin({str(folder.resolve())!r})\n"
        "except Exception:\n"  # the folder may be gone when the process comes to it
        "    pass\n"
        "finally:\n"
        f"    sys.path.remove({str(INJECT)!r})\n"
    )


def watch_for(folder: Path, order: str, seconds: float, patience: float = PATIENCE) -> list[Process]:
    """Waits until the time is over, or nobody watches any more; who did."""
    until = time.monotonic() + seconds
    try:
        woken = _wait(folder, order, time.monotonic() + patience, lambda processes: bool(processes))
        if woken:
            woken = _wait(folder, order, until, _are_done)
    except KeyboardInterrupt:
        click.echo("llmlint: the watching ends early", err=True)
    finally:
        take_back(folder, order)
    return _wait(folder, order, time.monotonic() + PATIENCE, _are_done)


def _wait(folder: Path, order: str, until: float, enough: Callable[[list[Process]], bool]) -> list[Process]:
    while True:
        found = [process for process in read_run(str(folder)).processes if process.attached == order]
        if enough(found) or time.monotonic() >= until:
            return found
        time.sleep(min(0.5, max(0.01, until - time.monotonic())))


def _are_done(processes: list[Process]) -> bool:
    return all(process.ended_cleanly or not Path(f"/proc/{process.pid}").exists() for process in processes)


def account_of(process: Process, findings: Mapping[str, Finding]) -> str:
    """How long a process was watched, what that took, and who was shed for it."""
    cost = process.cost
    seconds = float(cost.get("seconds", 0.0)) or 1.0
    taken = float(cost.get("own", 0.0)) + sum(float(one) for one in dict(cost.get("findings", {})).values())
    said = f"{process.label()} was watched for {seconds:.0f} s at {100 * taken / seconds:.1f} % of a core"
    said += f", and {1000 * float(cost.get('starting', 0.0)):.0f} ms to begin with"
    for key, shed in process.shed.items():
        finding = findings.get(key)
        what = f"{finding.rule} at {finding.path}:{finding.line}" if finding is not None else key
        said += f"; shed after {shed['after']:.1f} s at {100 * shed['share']:.1f} %: {what}"
    return said


def did_not_come_to_it(pid: int, seconds: float) -> str:
    """Python runs what it is sent between two instructions of the main thread, and nowhere else."""
    if not Path(f"/proc/{pid}").exists():
        return f"process {pid} ended before it came to what it was sent"
    return (
        f"process {pid} did not come to what it was sent in {seconds:.0f} s: its main thread was in one call all the "
        "time (a read, a lock, an idle loop), and Python looks for it between two instructions of that thread; "
        "a request that the thread serves itself wakes it"
    )


def nobody_woke(folder: Path) -> str:
    why = one_line("; ".join(read_run(str(folder)).failures)) or "does the command still run?"
    return f"no process of {folder} woke: {why}"
