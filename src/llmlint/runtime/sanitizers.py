"""Reports of sanitizers and valgrind, read as evidence for findings in C and C++.

A sanitizer sees the bug itself, with a stack. A finding is confirmed when its function is on that stack, in its file,
and the kind of report fits the rule. Sanitizers never refute: they say nothing of what they did not see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from llmlint.findings import Finding, Verdict
from llmlint.runtime.frames import Frame, is_called, same_file

LEAK, MEMORY, RACE = "leak", "memory error", "data race"
UNDEFINED, UNINITIALISED = "undefined behaviour", "uninitialised value"
BARRIER, ANSWER = "barrier that not all threads reach", "error of the GPU's runtime"

_FITS = {
    LEAK: ("leak", "refcount", "unbounded", "accumulating", "request-state", "destructor", "release", "free"),
    MEMORY: ("bounds", "overflow", "index", "use-after", "double-free", "dangling", "unchecked", "refcount", "size"),
    RACE: ("race", "lock", "unlocked", "shared", "concurr", "deadlock"),
    UNDEFINED: ("overflow", "shift", "null", "cast", "align", "unchecked", "index", "bounds", "divide", "enum"),
    UNINITIALISED: ("uninit", "initial", "unset"),
    BARRIER: ("barrier", "syncthreads", "divergent"),
    ANSWER: ("gpu-call", "capture", "graph-unsafe"),
}
"""Words in a rule's name or causes that go with each kind of report."""

_FRAME = re.compile(
    r"^\s*#\d+\s+(?:0x[0-9a-f]+\s+)?(?:in\s+)?(?P<function>.+?)\s+(?P<file>[^\s()]+?):(?P<line>\d+)(?::\d+)?\b"
)
_VALGRIND_FRAME = re.compile(r"^==\d+==\s+(?:at|by) 0x[0-9A-F]+: (?P<function>.+?) \((?P<file>[^:()]+):(?P<line>\d+)\)")
_COMPUTE_FRAMES = (
    re.compile(r" in (?P<file>[^\s:]+):(?P<line>\d+):(?P<function>[^\[]+?)(?:\s*\[.*)?$"),
    re.compile(r"(?:Host|Device) Frame:\s*(?P<file>[^\s:]+\.\w+):(?P<line>\d+):(?P<function>[^\[]+?)\s*(?:[\[(].*)?$"),
    re.compile(
        r"^(?:.*?(?:\bat |\bat$|Frame:))?\s*(?P<function>[\w:~<>(), *&.\[\]]+?)(?:\s*\+0x[0-9a-f]+)?"
        r" in (?P<file>[^\s:]+):(?P<line>\d+)\b"
    ),
)
"""Places as cuda-memcheck wrote them (`in file:line:function`) and as compute-sanitizer does (`function+0x10 in
file:line`); that of a race stands on the line that reports it."""

_STARTS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"^(?:Direct|Indirect) leak of (.+)"), LEAK, "LeakSanitizer"),
    (re.compile(r"ERROR: AddressSanitizer: ([\w-]+)"), MEMORY, "AddressSanitizer"),
    (re.compile(r"WARNING: ThreadSanitizer: ([\w -]+?)(?: \(|$)"), RACE, "ThreadSanitizer"),
    (re.compile(r"WARNING: MemorySanitizer: ([\w-]+)"), UNINITIALISED, "MemorySanitizer"),
    (re.compile(r"^==\d+== (.*?are (?:definitely|possibly) lost.*)"), LEAK, "valgrind"),
    (re.compile(r"^==\d+== (Invalid (?:read|write|free).*)"), MEMORY, "valgrind"),
    (re.compile(r"^==\d+== (.*uninitialised value.*)"), UNINITIALISED, "valgrind"),
    (re.compile(r"^==\d+== (Possible data race.*)"), RACE, "valgrind"),
    (re.compile(r"^========= (Leaked .*)"), LEAK, "compute-sanitizer"),
    (re.compile(r"^========= (Invalid __\w+__ \w+.*|Out-of-range .*|Misaligned .*)"), MEMORY, "compute-sanitizer"),
    (re.compile(r"^========= (Program hit .*)"), ANSWER, "compute-sanitizer"),
    (
        re.compile(r"^========= (?:\w+:\s*)?(?:\(.*?\) ?)?(Race reported.*|Potential .* hazard.*)", re.IGNORECASE),
        RACE,
        "compute-sanitizer",
    ),
    (re.compile(r"^========= (Barrier error detected.*)"), BARRIER, "compute-sanitizer"),
    (re.compile(r"^========= (Uninitialized .*)"), UNINITIALISED, "compute-sanitizer"),
)
_UBSAN = re.compile(r"^(?P<file>[^\s:]+):(?P<line>\d+):\d+: runtime error: (?P<what>.+)")


class Sighting(msgspec.Struct, frozen=True):
    """One report of a tool."""

    tool: str
    kind: str
    what: str
    frames: tuple[Frame, ...]


def read_log(text: str) -> list[Sighting]:
    """All reports in a log, whichever of the tools wrote it."""
    found: list[Sighting] = []
    frames: list[Frame] = []
    start: tuple[str, str, str] | None = None
    for line in [*text.splitlines(), ""]:
        begun = _start_of(line)
        undefined = _UBSAN.match(line)
        if (begun or undefined) and start is not None:
            found.append(Sighting(*start, tuple(frames)))
            start = None
        if begun is not None:
            start, frames = begun, [frame for frame in [_compute_frame_of(line)] if frame is not None]
        elif undefined is not None:
            start = ("UndefinedBehaviorSanitizer", UNDEFINED, undefined["what"])
            frames = [Frame("", undefined["file"], int(undefined["line"]))]
        elif start is not None:
            frame = _frame_of(line)
            if frame is not None:
                frames.append(frame)
    if start is not None:
        found.append(Sighting(*start, tuple(frames)))
    return found


def _start_of(line: str) -> tuple[str, str, str] | None:
    for pattern, kind, tool in _STARTS:
        match = pattern.search(line)
        if match is not None:
            return tool, kind, match[1].strip()
    return None


def _frame_of(line: str) -> Frame | None:
    for pattern in (_VALGRIND_FRAME, _FRAME):
        match = pattern.match(line)
        if match is not None:
            return Frame(match["function"], match["file"], int(match["line"]))
    return _compute_frame_of(line)


def _compute_frame_of(line: str) -> Frame | None:
    told = line.removeprefix("=========")
    if told == line:
        return None
    for pattern in _COMPUTE_FRAMES:
        match = pattern.search(told)
        if match is not None:
            return Frame(match["function"].strip(), match["file"], int(match["line"]))
    return None


def confirmed_by(finding: Finding, sightings: Iterable[Sighting]) -> Iterator[Sighting]:
    """The reports whose stack goes through the finding and whose kind fits its rule."""
    for sighting in sightings:
        if _fits(finding, sighting.kind) and any(_is_in(finding, frame) for frame in sighting.frames):
            yield sighting


def _fits(finding: Finding, kind: str) -> bool:
    said = " ".join((finding.name, *finding.causes))
    return any(word in said for word in _FITS[kind])


def _is_in(finding: Finding, frame: Frame) -> bool:
    if not same_file(finding.path, frame.file):
        return False
    if is_called(frame.function, finding.symbol):
        return True
    return finding.line <= frame.line <= max(finding.line, finding.end_line)


def with_sightings(findings: Sequence[Finding], sightings: Sequence[Sighting], logs: Sequence[str]) -> list[Finding]:
    """C and C++ findings that a tool saw happen are confirmed; all others stay as they are."""
    found = []
    for finding in findings:
        seen = [] if finding.path.endswith(".py") else list(confirmed_by(finding, sightings))
        found.append(_confirmed(finding, seen, logs) if seen else finding)
    return found


def _confirmed(finding: Finding, seen: Sequence[Sighting], logs: Sequence[str]) -> Finding:
    evidence = tuple(
        f"{sighting.tool}: {sighting.what} at {frame.file}:{frame.line}"
        for sighting in seen[:5]
        for frame in sighting.frames
        if _is_in(finding, frame)
    )[:8]
    summary = f"{seen[0].tool} reported a {seen[0].kind} through this function ({len(seen)} reports)"
    return msgspec.structs.replace(
        finding,
        verdict=Verdict("confirmed", summary, evidence, tuple(logs)),
        confidence="certain",
        confidence_reason=f"seen by {seen[0].tool}",
    )
