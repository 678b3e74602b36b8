"""Snapshots of the memory of a device that torch has pickled (`torch.cuda.memory._dump_snapshot`), drawn and joined to
findings of allocation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from llmlint.dynamic.oracles.allocators import largest_free
from llmlint.dynamic.oracles.tensors import held_in, sizes_in
from llmlint.findings import Finding, Verdict
from llmlint.runtime.frames import same_file
from llmlint.runtime.plain_pickles import NotPlain, read_pickle
from llmlint.timelines import COLUMNS, Holder, Sizes, Timeline

ALLOCATIONS, SIZES = 32, 8
"""So many allocations at a line, in so many sizes, are taken anew in each step."""
_GROWS = {
    "segment_alloc": ("reserved", 1),
    "segment_map": ("reserved", 1),
    "segment_free": ("reserved", -1),
    "segment_unmap": ("reserved", -1),
    "alloc": ("allocated", 1),
    "free_completed": ("allocated", -1),
}


def read_snapshot(file: Path) -> dict[str, Any]:
    snapshot = read_pickle(file)
    if not isinstance(snapshot, dict) or not isinstance(snapshot.get("segments"), list):
        raise NotPlain(f"{file}: it has no segments of a snapshot")
    return {"device_traces": [], **snapshot}


def timelines_in(snapshot: Mapping[str, Any], name: str) -> list[Timeline]:
    """One for each device in it: by its history, where it has one, else of the one moment."""
    devices = sorted({int(segment["device"]) for segment in snapshot["segments"]})
    return [_of_device(snapshot, device, name) for device in devices]


def _of_device(snapshot: Mapping[str, Any], device: int, name: str) -> Timeline:
    segments = [segment for segment in snapshot["segments"] if segment["device"] == device]
    traces = snapshot["device_traces"]
    trace = traces[device] if device < len(traces) else []
    holders = [Holder(place, [[0, count, size]], False) for place, (count, size) in _most(held_in(segments, ""))]
    sizes = [Sizes(place, **told) for place, told in sizes_in([trace], "").items()]
    return Timeline(name, f"cuda:{device}", COLUMNS, _samples(segments, trace, device), holders, sizes)


def _most(held: Mapping[str, tuple[int, int]]) -> list[tuple[str, tuple[int, int]]]:
    return sorted(held.items(), key=lambda one: -one[1][1])[:24]


def _samples(segments: Sequence[Any], trace: Sequence[Any], device: int) -> list[list[float]]:
    """From what there was at last back to what there was before each event, as far as the history goes."""
    there = {
        "reserved": sum(int(segment["total_size"]) for segment in segments),
        "allocated": sum(int(b["size"]) for s in segments for b in s["blocks"] if b["state"] == "active_allocated"),
    }
    began = _seconds(trace[0]) if trace else 0.0
    last = _seconds(trace[-1]) - began if trace else 0.0
    samples = [[last, len(trace), -1, -1, there["reserved"], there["allocated"], largest_free(segments, device)]]
    for number, entry in reversed(list(enumerate(trace))):
        what, sign = _GROWS.get(str(entry["action"]), ("reserved", 0))
        there[what] -= sign * int(entry["size"])
        if sign:
            at = round(_seconds(entry) - began, 6)
            samples.append([at, number, -1, -1, max(0, there["reserved"]), max(0, there["allocated"]), -1])
    return samples[::-1]


def _seconds(entry: Mapping[str, Any]) -> float:
    return float(entry.get("time_us", 0)) / 1e6


def with_snapshots(
    findings: Sequence[Finding], snapshots: Sequence[Mapping[str, Any]], files: Sequence[str]
) -> list[Finding]:
    """Findings of allocations in the step whose function was on the stack of many, in many sizes, are confirmed."""
    return [_judged(one, snapshots, files) if one.name == "hot-path-allocation" else one for one in findings]


def _judged(finding: Finding, snapshots: Sequence[Mapping[str, Any]], files: Sequence[str]) -> Finding:
    sizes = [size for snapshot in snapshots for size in _sizes_at(finding, snapshot)]
    if len(sizes) < ALLOCATIONS or len(set(sizes)) < SIZES:
        return finding
    said = f"{len(sizes)} allocations in {len(set(sizes))} sizes, of {min(sizes)} to {max(sizes)} bytes"
    return msgspec.structs.replace(
        finding,
        verdict=Verdict("confirmed", f"{said}, went through this line", (), tuple(files)),
        confidence="certain",
        confidence_reason="seen in a snapshot of the device's memory",
    )


def _sizes_at(finding: Finding, snapshot: Mapping[str, Any]) -> Iterator[int]:
    for entry in (entry for trace in snapshot["device_traces"] for entry in trace):
        if entry["action"] == "alloc" and any(_is_at(finding, frame) for frame in entry.get("frames", ())):
            yield int(entry["size"])


def _is_at(finding: Finding, frame: Mapping[str, Any]) -> bool:
    lines = range(finding.line, max(finding.line, finding.end_line) + 1)
    return int(frame["line"]) in lines and same_file(finding.path, str(frame["filename"]))
