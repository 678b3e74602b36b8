"""How a traced command is driven, by its options: requests, faults, and a file of requests that is shrunk."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from llmlint.plain import one_line, without_commands
from llmlint.runtime.units import Seconds

WRONG_USE = 2


def wrong_use(message: str) -> NoReturn:
    click.echo(f"llmlint: {without_commands(one_line(message))}", err=True)
    sys.exit(WRONG_USE)


def stress_options(command: Callable[..., object]) -> Callable[..., object]:
    for option in (
        click.option("--drive", metavar="URL", help="Send requests to this OpenAI-style server on the loopback."),
        click.option(
            "--stress",
            default="",
            metavar="KINDS",
            help="abort, error, preempt, cancel-storm, vary, bigint; or a file of timed requests (.jsonl).",
        ),
        click.option("--requests", default=64, show_default=True, type=click.IntRange(1, 10_000), help="How many."),
        click.option("--for", "seconds", type=Seconds(), default="60s", show_default=True, help="How long to drive."),
        click.option(
            "--fault",
            "faults",
            multiple=True,
            metavar="FAULT:CHILD",
            help="End (kill), stop or slow down (slow) a child, fill its disk (full-disk), change its clock (clock).",
        ),
        click.option("--ids", is_flag=True, help="Write request ids as they are instead of hashed."),
    ):
        command = option(command)
    return command


def driver(
    folder: Path, drive: str | None, stress: str, requests: int, seconds: float, faults: Sequence[str]
) -> Callable[[subprocess.Popen[bytes]], object] | None:
    """What goes on beside the command; nothing, where nothing is asked for."""
    if not drive and not faults:
        return None
    from llmlint.runtime.stress import Workload, WorkloadError, run_workload

    try:
        workload = Workload.of(drive or "", stress, requests, seconds, faults, folder)
    except WorkloadError as error:
        wrong_use(str(error))
    if workload.timed and not workload.host:
        wrong_use("a file of timed requests goes with --drive")

    def driven(process: subprocess.Popen[bytes]) -> dict[str, Any]:
        account = run_workload(workload, process)
        for seen in account.get("seen", ()):
            click.echo(f"llmlint: {seen}", err=True)
        return account

    return driven


def prepare_driving(folder: Path, faults: Sequence[str]) -> None:
    """What a fault inside of a process needs there from its start."""
    from llmlint.runtime.native.faults import prepare_faults
    from llmlint.runtime.stress import INSIDE

    if any(fault.partition(":")[0] in INSIDE for fault in faults):
        problem = prepare_faults(folder)
        if problem:
            click.echo(f"llmlint: no {' and no '.join(INSIDE)}: {problem}", err=True)


Confirms = Callable[[Path, str], frozenset[str]]
"""Runs the command anew, with this folder and this file of requests: which findings that confirms, by fingerprint."""


def shrink_requests(stress: str, smallest: Path, most_runs: int, confirmed: frozenset[str], confirms: Confirms) -> None:
    """Writes the fewest requests that confirm what all of them did, and says how many that are."""
    from llmlint.runtime.shrinking import shrink, write_requests
    from llmlint.runtime.timed_requests import Requests, read_requests

    if not confirmed:
        click.echo(f"llmlint: nothing was confirmed, so {stress} is not shrunk", err=True)
        return

    def still_confirms(requests: Requests) -> bool:
        with tempfile.TemporaryDirectory(prefix="llmlint-") as scratch:
            fewer = Path(scratch) / "requests.jsonl"
            write_requests(fewer, requests)
            return confirmed <= confirms(Path(scratch) / "run", str(fewer))

    requests = read_requests(Path(stress))
    write_requests(smallest, requests)
    found = shrink(requests, still_confirms, most_runs, lambda fewer: write_requests(smallest, fewer))
    enough = f"{len(found.requests)} of {len(requests)} requests confirm the same"
    more = "" if found.is_smallest else "; with more runs it may be fewer"
    click.echo(f"llmlint: {smallest}: {enough}, after {found.runs} runs{more}", err=True)
