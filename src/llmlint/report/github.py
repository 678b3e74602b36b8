"""GitHub workflow commands: each finding an annotation on its line.

GitHub shows ten errors, ten warnings and ten notices of a step, the first it meets, so the worst come first.
"""

from __future__ import annotations

from llmlint.findings import Finding, worst_first
from llmlint.report import Style
from llmlint.report.sources import Sources
from llmlint.scan import ScanResult

_COMMANDS = {"P0": "error", "P1": "error", "P2": "warning", "P3": "notice"}


def render(result: ScanResult, style: Style) -> str:
    sources = Sources(style.root)
    findings = worst_first(result.findings if style.show_suppressed else result.shown)
    lines = [_annotation(finding, sources) for finding in findings]
    unread = [problem for problem in result.problems if problem.kind != "partly-read"]
    lines += [f"::warning file={_property(sources.in_repository(p.path))}::{_data(p.message)}" for p in unread]
    lines += [f"::error::{_data(fault)}" for fault in result.faults]
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding, sources: Sources) -> str:
    properties = {
        "file": sources.in_repository(finding.path),
        "line": str(finding.line),
        "endLine": str(max(finding.end_line, finding.line)),
        "title": f"{finding.rule} {finding.name}",
    }
    if finding.end_line <= finding.line:
        properties["col"] = str(finding.column)
        properties["endColumn"] = str(max(finding.end_column, finding.column))
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {written}::{_data(_message(finding))}"


def _message(finding: Finding) -> str:
    parts = [finding.message]
    parts += [f"{number}. {s.path}:{s.line}: {s.message}" for number, s in enumerate(finding.evidence, 1)]
    parts.append(f"{finding.severity}, {finding.confidence} confidence: {finding.confidence_reason}".rstrip(": "))
    if finding.fix:
        parts.append(f"Fix: {finding.fix}")
    if finding.verdict is not None:
        parts.append(f"Traced run: {finding.verdict.status}: {finding.verdict.summary}")
    return "\n".join(parts)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
