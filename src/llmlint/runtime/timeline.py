"""Memory over time, from the records of a run's processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from llmlint.dynamic.oracles.tensors import grows
from llmlint.dynamic.read import Process, Run
from llmlint.runtime.private import write_private
from llmlint.timelines import COLUMNS, Holder, Sizes, Timeline

FILE = "memory.json"
PROBE = "memory-timeline"


def timelines_of(runs: Iterable[Run]) -> list[Timeline]:
    return [timeline for run in runs for process in run.processes for timeline in _of_process(run, process)]


def _of_process(run: Run, process: Process) -> Iterator[Timeline]:
    state = state_of(run, process)
    places = sorted({str(record["place"]) for record in process.memory})
    for place in places:
        records = [record for record in process.memory if record["place"] == place]
        began = float(records[0]["at"])
        samples = [[round(record["at"] - began, 4), *(record[name] for name in COLUMNS[1:])] for record in records]
        is_first = place == places[0]  # whose allocations they are is not told apart
        yield Timeline(
            process.label(), place, COLUMNS, samples,
            holders_in(state) if is_first else [], _sizes_in(state) if is_first else [],
        )  # fmt: skip


def state_of(run: Run, process: Process, probe: str = PROBE) -> dict[str, Any]:
    """What the process's watcher for the whole program had to say."""
    keys = [entry["key"] for entry in run.plan.get("findings", ()) if entry["probe"] == probe]
    return next((dict(process.states[key]) for key in keys if key in process.states), {})


def holders_in(state: dict[str, Any]) -> list[Holder]:
    held = state.get("held", {})
    return [Holder(place, points, grows(points) is not None) for place, points in held.items()]


def _sizes_in(state: dict[str, Any]) -> list[Sizes]:
    return [Sizes(place, **told) for place, told in state.get("sizes", {}).items()]


def write_timelines(folder: Path, timelines: Sequence[Timeline]) -> None:
    write_private(folder / FILE, msgspec.json.encode(timelines).decode())
