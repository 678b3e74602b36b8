"""What a run has seen so far as numbers, for Prometheus and OpenTelemetry; of a run that goes on as well.

Each process overwrites what it has to say in place, so reading again gives the newest numbers. A process that was
watched several times counts for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from llmlint.dynamic.read import Process, Run

PREFIX = "llmlint_"

METRICS = {
    "processes": ("gauge", "Processes that are watched now."),
    "entities_live": ("gauge", "Entities under way: they entered, and did not end."),
    "entities_entered_total": ("counter", "Entities that entered."),
    "entities_ended_total": ("counter", "Entities that ended, by the way they did."),
    "entities_left": ("gauge", "Entities that ended and are still held, by container."),
    "resets_left_total": ("counter", "Resets that left something behind, by attribute."),
    "loop_stalls_total": ("counter", "Times that an event loop stood still."),
    "loop_stall_longest_milliseconds": ("gauge", "The longest time in which the event loop stood still."),
    "calls_total": ("counter", "Calls that watched functions told of."),
    "watcher_seconds_total": ("counter", "Seconds of the processor that watching for a finding took."),
    "watcher_shed": ("gauge", "1 for a finding that is not watched any more, as that cost too much."),
    "tracer_seconds_total": ("counter", "Seconds of the processor that no finding can be blamed for, by what for."),
    "tracer_budget_ratio": ("gauge", "What watching may take of a core; 0 for as much as it needs."),
    "tracer_faults_total": ("counter", "Faults of the tracer, all contained."),
    "tracer_lost_total": ("counter", "Records that could not be written."),
}
"""By name: its kind, and what it says."""

_OF_A_FINDING = {
    "live": "entities_live",
    "entered": "entities_entered_total",
    "stalled": "loop_stalls_total",
    "longest": "loop_stall_longest_milliseconds",
}
_BY_NAME = {
    "ended": ("entities_ended_total", "via"),
    "left": ("entities_left", "container"),
    "stale": ("resets_left_total", "container"),
}

Labels = tuple[tuple[str, str], ...]


class Sample(NamedTuple):
    name: str
    labels: Labels
    value: float


def metrics_of(runs: Sequence[Run]) -> str:
    """In Prometheus' text format."""
    lines: list[str] = []
    of_a_name: dict[str, list[Sample]] = {}
    for sample in samples_of(runs):
        of_a_name.setdefault(sample.name, []).append(sample)
    for name, samples in sorted(of_a_name.items()):
        kind, said = METRICS[name]
        lines += [f"# HELP {PREFIX}{name} {said}", f"# TYPE {PREFIX}{name} {kind}"]
        lines += [f"{PREFIX}{name}{_told(sample.labels)} {_number(sample.value)}" for sample in samples]
    return "".join(f"{line}\n" for line in lines)


def samples_of(runs: Iterable[Run]) -> list[Sample]:
    """One for a name and its labels: what is counted is added up, of what is measured the most counts."""
    found: dict[tuple[str, Labels], float] = {}
    for name, labels, value in _samples(runs):
        before = found.get((name, labels), 0)
        found[name, labels] = before + value if METRICS[name][0] == "counter" else max(before, value)
    return [Sample(name, labels, value) for (name, labels), value in found.items()]


def _samples(runs: Iterable[Run]) -> Iterator[Sample]:
    for run in runs:
        findings = {entry["key"]: entry for entry in run.plan.get("findings", [])}
        if run.processes:
            yield Sample("processes", (), sum(not process.ended_cleanly for process in run.processes))
        for process in run.processes:
            yield from _of_the_tracer(process)
            for key, entry in findings.items():
                yield from _of_a_finding(entry, process, process.states.get(key, {}))


def _of_the_tracer(process: Process) -> Iterator[Sample]:
    place = _process(process)
    yield Sample("tracer_faults_total", place, process.faults)
    yield Sample("tracer_lost_total", place, process.lost)
    if process.cost:
        yield Sample("tracer_budget_ratio", place, float(process.cost["budget"]))
        for what in ("starting", "own"):
            yield Sample("tracer_seconds_total", (*place, ("what", what)), float(process.cost[what]))
    calls: dict[str, int] = {}
    for record in process.patched:
        slot = int(record["slot"])
        if slot < len(process.counters):
            calls[record["qualname"]] = process.counters[slot]
    for function, count in sorted(calls.items()):
        yield Sample("calls_total", (*place, ("function", function)), count)


def _of_a_finding(finding: dict[str, Any], process: Process, state: dict[str, Any]) -> Iterator[Sample]:
    place = (*_process(process), ("rule", finding["rule"]), ("path", finding["path"]), ("symbol", finding["symbol"]))
    containers = ",".join(sorted(watched["attribute"] for watched in finding["watch"]))
    for field, name in _OF_A_FINDING.items():
        if field in state:
            label = (("container", containers),) if name.startswith("entities") else ()
            yield Sample(name, (*place, *label), int(state[field]))
    for field, (name, called) in _BY_NAME.items():
        for which, count in sorted(dict(state.get(field, {})).items()):
            yield Sample(name, (*place, (called, str(which))), int(count))
    if finding["key"] in process.cost.get("findings", {}):
        yield Sample("watcher_seconds_total", place, float(process.cost["findings"][finding["key"]]))
        yield Sample("watcher_shed", place, int(finding["key"] in process.shed))


def _process(process: Process) -> Labels:
    rank = (("rank", str(process.rank)),) if process.rank is not None else ()
    return (("pid", str(process.pid)), *rank)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6f}".rstrip("0")


def _told(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{pairs}}}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
