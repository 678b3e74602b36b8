"""Findings that no scan made: what a run saw of memory and of the device, at the line where it happens."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from llmlint.catalogue import Catalogue
from llmlint.code.domain.steps import ALLOWED
from llmlint.dynamic.oracles.device_races import told
from llmlint.dynamic.oracles.syncs import UNPINNED
from llmlint.dynamic.oracles.tensors import grows
from llmlint.dynamic.read import Process, Run
from llmlint.findings import Finding, Suppression, Verdict, fingerprint
from llmlint.runtime.device_watch import RACES, SYNCS, DeviceWatch
from llmlint.runtime.timeline import holders_in, state_of, timelines_of, write_timelines
from llmlint.suppressions import Suppressions, directives_of

_PLACE = re.compile(r"^(?P<file>.+):(?P<line>\d+) (?P<symbol>.+)$", re.DOTALL)
STEPS = 8
"""In so many steps, and in one of ten, a wait is a part of the step."""
OFTEN = 64
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
    """What the watchers of whole processes saw, each line once."""
    found: dict[tuple[str, str, int], Finding] = {}
    for process in run.processes:
        for seen in (_retained, _waits, _raced):
            for finding in seen(run, process, root, catalogue):
                found.setdefault((finding.rule, finding.path, finding.line), finding)
    return list(found.values())


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
            f"after {step} steps: {count} tensors that were recorded, {size_of(held)}"
            for step, count, held in holder.points
        ]
        yield found_at(
            Place(holder.place, root),
            "accumulating-buffer",
            "tensors that are made here stay, and there are more of them with each step",
            Verdict(
                "confirmed" if steps >= SURE else "suspicious",
                f"{things} tensors more ({size_of(size)}) of those recorded in {steps} steps, never fewer",
                tuple(evidence),
                (run.folder,),
            ),
            catalogue,
            cause="tensor-retained",
            fix="find who keeps them (a list, a closure, an autograd graph) and let go of them when the step has ended",
        )


def _waits(run: Run, process: Process, root: Path, catalogue: Catalogue) -> Iterator[Finding]:
    """Lines at which the host waited for the device in many steps, or often where no steps are known."""
    state = state_of(run, process, SYNCS)
    steps = int(state.get("steps", 0))
    for place, waits in _by_place(state.get("waits", ()), root).items():
        count, in_steps = (sum(int(wait[name]) for wait in waits) for name in ("count", "in_steps"))
        of_steps = max(int(wait["steps"]) for wait in waits)
        spent = sum(float(wait["milliseconds"]) for wait in waits)
        is_sure = of_steps >= max(STEPS, steps // 10)
        if not is_sure and (steps or count < OFTEN):
            continue
        unpinned = waits[0]["kind"] == UNPINNED
        operation = waits[0]["operation"]
        what = f"{operation}: {'copied from pageable memory' if unpinned else 'waited for the device'}"
        said = f"{what} {in_steps} times in {of_steps} of {steps} steps" if steps else f"{what} {count} times"
        aside = "" if steps else "; `--step` would tell whether that was in a step"
        yield found_at(
            Place(place, root),
            "unpinned-async-copy" if unpinned else "sync-in-hot-path",
            f"{operation} {'may wait' if unpinned else 'waits'} for the device{' in a step' if steps else ''}",
            Verdict(
                "confirmed" if is_sure else "suspicious",
                f"{said}, {spent:.1f} ms in all{aside}; {process.label()}",
                tuple(f"called from {' < '.join(wait['callers'][:4])}" for wait in waits[:4] if wait["callers"]),
                (run.folder,),
            ),
            catalogue,
            fix="pin it when it is made"
            if unpinned
            else "keep the value on the host, or read it when the step is over",
        )


def _by_place(waits: Iterable[dict[str, Any]], root: Path) -> dict[str, list[dict[str, Any]]]:
    """Waits at one line, but for those that a `with` around one of the lines on the way allows."""
    found: dict[str, list[dict[str, Any]]] = {}
    for wait in waits:
        ways = [wait["place"], *wait["callers"]]
        if not any(is_allowed(Place(way, root)) for way in ways):
            found.setdefault(wait["place"], []).append(wait)
    return found


def is_allowed(place: Place) -> bool:
    """Is the line in the body of `with gpu_sync_allowed():`, as vLLM marks waits that are meant?"""
    return any(first <= place.line <= last for first, last in _allowed_in(place.file))


@cache
def _allowed_in(file: Path) -> tuple[tuple[int, int], ...]:
    text = _text_of(file)
    if ALLOWED not in text:
        return ()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    withs = (node for node in ast.walk(tree) if isinstance(node, (ast.With, ast.AsyncWith)))
    return tuple(
        (node.lineno, node.end_lineno or node.lineno)
        for node in withs
        if any(ALLOWED in ast.unparse(item.context_expr) for item in node.items)
    )


def _raced(run: Run, process: Process, root: Path, catalogue: Catalogue) -> Iterator[Finding]:
    """Accesses that nothing orders: of two streams, or of the host and a copy."""
    for race in state_of(run, process, RACES).get("races", ()):
        earlier = Place(race["earlier"], root)
        does, did = ("writes" if race[f"{which}_writes"] else "reads" for which in ("later", "earlier"))
        first, later = race["operations"]
        who = "the host and a stream" if race["host"] else "two streams"
        yield found_at(
            Place(race["later"], root),
            "pending-copy-reuse" if race["host"] else "stream-not-ordered",
            f"{later} {does} what {first} {did} in line {earlier.line} of {earlier.path}, and nothing orders the two",
            Verdict(
                "confirmed" if race["sure"] else "suspicious",
                f"{who} used the same memory, and neither had waited for the other; {process.label()}",
                (told(race),),
                (run.folder,),
            ),
            catalogue,
            fix="have the later one wait: an event, `wait_stream`, or a synchronisation before the host looks",
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
