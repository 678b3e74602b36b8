"""The published JSON (docs/finding.schema.json): other tools depend on it."""

from __future__ import annotations

import msgspec

from llmlint import __version__
from llmlint.findings import SCHEMA_VERSION, Finding
from llmlint.report import Style
from llmlint.scan import Comparison, Counts, ScanResult


class Tool(msgspec.Struct, frozen=True):
    name: str = "llmlint"
    version: str = __version__
    rules: tuple[str, ...] = ()


class FileProblem(msgspec.Struct, frozen=True):
    path: str
    kind: str
    message: str


class Document(msgspec.Struct, frozen=True):
    """`diff` is there when the scan was compared with a revision; `faults` are mistakes of the tool's own."""

    schema_version: int
    tool: Tool
    findings: list[Finding]
    files: Counts
    problems: list[FileProblem]
    timings: dict[str, float]
    faults: list[str] = []
    warnings: list[str] = []
    diff: Comparison | None = None


def document(result: ScanResult) -> Document:
    """Suppressed findings stay in, with their reason."""
    return Document(
        SCHEMA_VERSION,
        Tool(rules=tuple(rule.code for rule in result.rules)),
        result.findings,
        result.counts,
        [FileProblem(p.path, p.kind, p.message) for p in result.problems],
        {name: round(seconds, 3) for name, seconds in result.timings.items()},
        result.faults,
        [*result.warnings, *result.errors],
        result.comparison,
    )


def render(result: ScanResult, style: Style) -> str:
    return msgspec.json.format(msgspec.json.encode(document(result)), indent=2).decode() + "\n"


def json_schema() -> dict[str, object]:
    """The schema of the document, made from its structs."""
    schema = msgspec.json.schema(Document)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "llmlint findings", **schema}
