"""What a checker says and what becomes of it: reports, findings, evidence, fingerprints."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable
from types import FrameType
from typing import Any

import msgspec

SEVERITIES = ("P0", "P1", "P2", "P3")
"""From worst to least, as in the bug taxonomy."""

CONFIDENCES = ("low", "medium", "high", "certain")
"""From least to most; `certain` is only ever written by a traced run."""

SCHEMA_VERSION = 1


class Place(msgspec.Struct, frozen=True, gc=False):
    """A stretch of code. `path` is empty while a file is looked at by itself: its facts don't know its name."""

    path: str
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0


class Step(msgspec.Struct, frozen=True, gc=False):
    """One piece of evidence, in the order a reader should follow."""

    path: str
    line: int
    message: str


class Report(msgspec.Struct, frozen=True, gc=False):
    """What a checker found. The engine knows whose report it is, adds what the rule's page says and makes a Finding.

    `subject` names what is wrong (the fields left behind, the map that leaks) and is part of the fingerprint, so that
    two findings at one place stay apart and a finding ends when what it names is mended. `cause` and `severity` are
    given only where they differ from the page's. `data` is for the rule's probe and for its autofix: plain data.
    `mechanism` names the function of the checker that made the report, where the checker names no other.
    `origin` names what one mend would put right at all the places that share it: those of one file are told once.
    `read_as` is a name that some code must read, or nobody is harmed.
    """

    at: Place
    symbol: str
    message: str
    evidence: tuple[Step, ...] = ()
    confidence: str = "medium"
    reason: str = ""
    subject: str = ""
    cause: str = ""
    severity: str = ""
    fix: str = ""
    data: dict[str, Any] = {}
    mechanism: str = ""
    origin: str = ""
    read_as: str = ""

    def __post_init__(self) -> None:
        if not self.mechanism:  # one that was read back from the cache has its own
            msgspec.structs.force_setattr(self, "mechanism", _reporting(sys._getframe(1)))


class Suppression(msgspec.Struct, frozen=True, gc=False):
    kind: str
    reason: str
    line: int = 0


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What a traced run said: confirmed, suspicious, refuted, exercised-clean, not-exercised or untestable."""

    status: str
    summary: str
    evidence: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    reproduce: str = ""


ALSO_AT = "also_at"
"""In a finding's data: line, column and their ends of the other places that its fix mends."""


class Finding(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The published form (docs/finding.schema.json): field names are a contract."""

    rule: str
    name: str
    causes: tuple[str, ...]
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    symbol: str
    severity: str
    confidence: str
    confidence_reason: str
    message: str
    evidence: tuple[Step, ...]
    fingerprint: str
    fix: str = ""
    verdict: Verdict | None = None
    suppressed: Suppression | None = None
    runtime: dict[str, Any] | None = None
    data: dict[str, Any] = {}
    mechanism: str = ""
    """Which function of the rule's checker found it: what the benchmarks keep score by."""

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        return (self.path, self.line, self.column, self.rule, self.fingerprint)


def fingerprint(rule: str, symbol: str, code: str, subject: str, ordinal: int) -> str:
    """Survives moving and reformatting the code; line numbers never enter."""
    folded = "".join(code.split())
    text = "\0".join((rule, symbol, folded, subject, str(ordinal)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


class Ordinals:
    """Counts equal fingerprints within one file, so that the second of two equal lines keeps its own."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str, str, str, str]] = Counter()

    def next(self, path: str, rule: str, symbol: str, code: str, subject: str) -> int:
        key = (path, rule, symbol, "".join(code.split()), subject)
        self._seen[key] += 1
        return self._seen[key] - 1


def at_least(confidence: str, floor: str) -> bool:
    return CONFIDENCES.index(confidence) >= CONFIDENCES.index(floor)


def as_severe(severity: str, floor: str) -> bool:
    return SEVERITIES.index(severity) <= SEVERITIES.index(floor)


def lowered(confidence: str) -> str:
    """One step less sure: what a finding in a region that did not parse gets."""
    return CONFIDENCES[max(0, CONFIDENCES.index(confidence) - 1)]


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), -CONFIDENCES.index(f.confidence), f.order))


_CHECKERS = ("llmlint.checkers.", "llmlint.own.")
_BUILDERS = frozenset({"report", "_report"})
"""Functions that only put a report together: what found it is who calls them."""


def _reporting(frame: FrameType) -> str:
    """The nearest function that speaks for itself, under its module: `unbounded_wait.idle_stop._judged`."""
    while frame.f_back is not None and _is_aside(frame.f_code.co_name):
        frame = frame.f_back
    module = str(frame.f_globals.get("__name__", ""))
    if module.startswith(_CHECKERS):  # behind the name of the chapter, or of the folder
        module = module.split(".", 3)[3]
    return f"{module}.{frame.f_code.co_name}"


def _is_aside(name: str) -> bool:
    return name in _BUILDERS or name.startswith("<")
