"""What the tracer itself failed at in a run: a verdict that comes out right all the same is no excuse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llmlint.dynamic.read import Process, read_run
from llmlint.plain import counted


def troubles(folder: Path, is_killed: bool = False) -> list[str]:
    """Starts that failed, faults, records that were lost; and, but where the run kills it, a process without an end."""
    run = read_run(str(folder))
    found = [f"the tracer did not start: {why}" for why in run.failures]
    found += [f"{run.unwritten} processes could write down nothing"] if run.unwritten else []
    found += [f"{child['argv']} was not traced" for child in run.untraced()]
    for process in run.processes:
        found += [f"{process.label()}: {trouble}" for trouble in _of(process, is_killed)]
    return found if run.processes else [*found, "no process was traced"]


def _of(process: Process, is_killed: bool) -> Iterator[str]:
    if process.faults:
        samples = "; ".join(process.tail.get("samples", ())) or "not on record"
        yield f"{counted(process.faults, 'fault')} of the tracer ({samples})"
    if process.lost:
        yield f"{counted(process.lost, 'record')} lost"
    if not process.ended_cleanly and not is_killed:
        yield "its end is not on record"
