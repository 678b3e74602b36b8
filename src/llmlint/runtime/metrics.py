"""What a run has seen so far as numbers for Prometheus, in its text format; of a run that goes on as well.

Each process overwrites what it has to say in place, so reading again gives the newest numbers: write them where
node_exporter's textfile collector looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from llmlint.dynamic.read import Process, Run

_NUMBERS = {
    "live": ("entities_live", "gauge", "Entities under way: they entered, and did not end."),
    "entered": ("entities_entered_total", "counter", "Entities that entered."),
    "longest": ("loop_stall_longest_milliseconds", "gauge", "The longest time in which the event loop stood still."),
}
_BY_NAME = {
    "ended": ("entities_ended_total", "counter", "Entities that ended, by the way they did.", "via"),
    "left": ("entities_left", "gauge", "Entities that ended and are still held, by container.", "container"),
    "stale": ("resets_left_total", "counter", "Resets that left something behind, by attribute.", "container"),
}


class Sample(NamedTuple):
    """One line of the format, and what stands above all lines of its name."""

    name: str
    kind: str
    help: str
    labels: tuple[tuple[str, str], ...]
    value: int


def metrics_of(runs: Sequence[Run]) -> str:
    lines: list[str] = []
    of_a_name: dict[str, list[Sample]] = {}
    for sample in _samples(runs):
        of_a_name.setdefault(sample.name, []).append(sample)
    for name, samples in sorted(of_a_name.items()):
        lines += [f"# HELP llmlint_{name} {samples[0].help}", f"# TYPE llmlint_{name} {samples[0].kind}"]
        lines += [f"llmlint_{name}{{{_told(sample.labels)}}} {sample.value}" for sample in samples]
    return "".join(f"{line}\n" for line in lines)


def _samples(runs: Iterable[Run]) -> Iterator[Sample]:
    for run in runs:
        findings = {entry["key"]: entry for entry in run.plan.get("findings", [])}
        for process in run.processes:
            yield from _of_the_tracer(process)
            for key, state in process.states.items():
                if key in findings:
                    yield from _of_a_finding(findings[key], process, state)


def _of_the_tracer(process: Process) -> Iterator[Sample]:
    place = _process(process)
    yield Sample("tracer_faults_total", "counter", "Faults of the tracer, all contained.", place, process.faults)
    yield Sample("tracer_lost_total", "counter", "Records that could not be written.", place, process.lost)
    calls: dict[str, int] = {}
    for record in process.patched:
        slot = int(record["slot"])
        if slot < len(process.counters):
            calls[record["qualname"]] = process.counters[slot]
    for function, count in sorted(calls.items()):
        labels = (*place, ("function", function))
        yield Sample("calls_total", "counter", "Calls that watched functions told of.", labels, count)


def _of_a_finding(finding: dict[str, Any], process: Process, state: dict[str, Any]) -> Iterator[Sample]:
    place = (*_process(process), ("rule", finding["rule"]), ("path", finding["path"]), ("symbol", finding["symbol"]))
    for field, (name, kind, said) in _NUMBERS.items():
        if field in state:
            yield Sample(name, kind, said, place, int(state[field]))
    for field, (name, kind, said, label) in _BY_NAME.items():
        for which, count in sorted(dict(state.get(field, {})).items()):
            yield Sample(name, kind, said, (*place, (label, str(which))), int(count))


def _process(process: Process) -> tuple[tuple[str, str], ...]:
    rank = (("rank", str(process.rank)),) if process.rank is not None else ()
    return (("pid", str(process.pid)), *rank)


def _told(labels: Iterable[tuple[str, str]]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
