"""One line a finding, for grep and for editors."""

from __future__ import annotations

from llmlint.report import Style
from llmlint.scan import ScanResult


def render(result: ScanResult, style: Style) -> str:
    findings = result.findings if style.show_suppressed else result.shown
    return "".join(
        f"{f.path}:{f.line}:{f.column}: {f.rule} {f.name} [{f.severity} {f.confidence}] {f.message}\n" for f in findings
    )
