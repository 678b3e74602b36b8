"""Findings that no scan made: what a run saw of memory and of the device, at the line where it happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from llmlint.catalogue import Catalogue
from llmlint.dynamic.oracles.tensors import grows
from llmlint.dynamic.read import Process, Run
from llmlint.findings import Finding, Suppression, Verdict, fingerprint
from llmlint.runtime.device_watch import DeviceWatch
from llmlint.runtime.timeline import holders_in, state_of, timelines_of, write_timelines
from llmlint.suppressions import Suppressions, directives_of

_PLACE = re.compile(r"^(?P<file>.+):(?P<line>\d+) (?P<symbol>.+)$", re.DOTALL)
SURE = 64
"""So many steps in which a site grew are no accident; after fewer it is only suspicious."""


class Place:
    """A line as a process names it, and as a scan of the root would."""

    def __init__(self, text: str, root: Path) -> None:
        match = _PLACE.match(text)
        file, line, symbol = (match["file"], match["line"], match["symbol"]) if match else (text, "1", "")
        whole, base = Path(file).resolve(), root.resolve()
        self.file = whole
        self.is_inside = whole.is_relative_to(base)
        self.path = whole.relative_to(base).as_posix() if self.is_inside else str(whole)
        self.line = int(line)
        self.symbol = symbol.replace(".<locals>", "").removesuffix("<module>")

    def code(self) -> str:
        lines = _text_of(self.file).splitlines()
        return lines[self.line - 1].strip() if 0 < self.line <= len(lines) else ""


def seen_in(run: Run, root: Path, catalogue: Catalogue) -> list[Finding]:
    return [finding for process in run.processes for finding in _retained(run, process, root, catalogue)]


def write_what_was_measured(folder: Path, run: Run, watch: DeviceWatch) -> None:
    if watch.memory:
        write_timelines(folder, timelines_of([run]))


def _retained(run: Run, process: Process, root: Path, catalogue: Catalogue) -> Iterator[Finding]:
    """Lines of which more is there after each stretch of steps, and never less."""
    for holder in holders_in(state_of(run, process)):
        growth = grows(holder.points)
        if growth is None:
            continue
        steps, things, size = growth
        evidence = [
            f"after {step} recorded steps: {count} tensors, {size_of(held)}" for step, count, held in holder.points
        ]
        yield found_at(
            Place(holder.place, root),
            "accumulating-buffer",
            "tensors that are made here stay, and there are more of them with each step",
            Verdict(
                "confirmed" if steps >= SURE else "suspicious",
                f"{things} tensors more ({size_of(size)}) in {steps} recorded steps, never fewer; {process.label()}",
                tuple(evidence),
                (run.folder,),
            ),
            catalogue,
            cause="tensor-retained",
            fix="find who keeps them (a list, a closure, an autograd graph) and let go of them when the step has ended",
        )


def found_at(
    place: Place, name: str, message: str, verdict: Verdict, catalogue: Catalogue, cause: str = "", fix: str = ""
) -> Finding:
    """Under the rule of this name; suppressed where a comment on the line says so."""
    rule = next(rule for rule in catalogue if rule.name == name)
    is_sure = verdict.status == "confirmed"
    return Finding(
        rule=rule.code, name=name, causes=(cause,) if cause else rule.causes, path=place.path, line=place.line,
        column=1, end_line=place.line, end_column=1, symbol=place.symbol, severity=rule.severity,
        confidence="certain" if is_sure else "low", confidence_reason="seen in a traced run, not by a scan",
        message=message, evidence=(), fingerprint=fingerprint(rule.code, place.symbol, place.code(), "seen", 0),
        fix=fix, verdict=verdict, suppressed=suppression_of(place, rule.code, catalogue),
    )  # fmt: skip


def suppression_of(place: Place, code: str, catalogue: Catalogue) -> Suppression | None:
    names = {word.lower(): rule.code for rule in catalogue for word in (rule.code, rule.name)}
    directives = directives_of(_text_of(place.file), "python")
    said = Suppressions(directives, (), names).covering(place.line, code)
    return Suppression(said.kind, said.reason, said.line) if said is not None else None


@cache
def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def size_of(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
