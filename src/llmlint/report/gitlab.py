"""GitLab's code quality report (the subset of the Code Climate format that GitLab reads)."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from llmlint.findings import Finding, worst_first
from llmlint.report import Style
from llmlint.report.sources import Sources
from llmlint.scan import ScanResult

_SEVERITIES = {"P0": "blocker", "P1": "critical", "P2": "major", "P3": "minor"}


def render(result: ScanResult, style: Style) -> str:
    sources = Sources(style.root)
    findings = worst_first(result.findings if style.show_suppressed else result.shown)
    issues = [_issue(finding, sources.in_repository(finding.path)) for finding in findings]
    return msgspec.json.format(msgspec.json.encode(issues), indent=2).decode() + "\n"


def _issue(finding: Finding, path: str) -> dict[str, Any]:
    verdict = f" (traced run: {finding.verdict.status})" if finding.verdict is not None else ""
    return {
        "description": f"{finding.rule} {finding.name}: {finding.message}{verdict}",
        "check_name": finding.rule,
        "fingerprint": hashlib.sha256(f"{path}\0{finding.fingerprint}".encode()).hexdigest(),
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": path, "lines": {"begin": finding.line, "end": max(finding.end_line, finding.line)}},
    }
