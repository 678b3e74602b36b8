"""Markdown, as a job's summary shows it: the counts, then the worst findings with their evidence folded away."""

from __future__ import annotations

import html
import re
from collections import Counter

from llmlint.findings import SEVERITIES, Finding, Step, worst_first
from llmlint.plain import counted
from llmlint.report import Style
from llmlint.report.sources import Sources
from llmlint.scan import ScanResult

_MOST = 50


def render(result: ScanResult, style: Style) -> str:
    sources = Sources(style.root)
    findings = worst_first(result.findings if style.show_suppressed else result.shown)
    parts = ["## llmlint", _headline(result, findings)]
    if findings:
        parts.append(_by_rule(findings))
        parts += [_entry(finding, sources) for finding in findings[:_MOST]]
    if len(findings) > _MOST:
        parts.append(f"… and {len(findings) - _MOST:,} more, all in the SARIF report.")
    parts += [f"**Internal fault:** {as_text(fault)}" for fault in result.faults]
    return "\n\n".join(parts) + "\n"


def _headline(result: ScanResult, findings: list[Finding]) -> str:
    counts = result.counts
    number = counted(len(findings), "finding") if findings else "No findings"
    return f"**{number}** in {counts.scanned:,} files, {counts.lines:,} lines."


def _by_rule(findings: list[Finding]) -> str:
    rows = ["| rule | " + " | ".join(SEVERITIES) + " |", "| --- |" + " ---: |" * len(SEVERITIES)]
    counts = Counter((f.rule, f.name, f.severity) for f in findings)
    for rule, name in sorted({(f.rule, f.name) for f in findings}):
        cells = [str(counts[rule, name, severity] or "") for severity in SEVERITIES]
        rows.append(f"| {rule} {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _entry(finding: Finding, sources: Sources) -> str:
    where = f"{sources.in_repository(finding.path)}:{finding.line}"
    verdict = f", {finding.verdict.status} by a traced run" if finding.verdict is not None else ""
    lines = [
        f"<details><summary><b>{finding.severity}</b> {in_html(finding.message)}<br><code>{in_html(where)}</code> "
        f"{finding.rule} {finding.name}, {finding.confidence} confidence{verdict}</summary>\n",
        *(f"{n}. {_place(s)} {as_text(s.message)}" for n, s in enumerate(finding.evidence, 1)),
    ]
    if finding.fix:
        lines.append(f"\nFix: {as_text(finding.fix)}")
    return "\n".join([*lines, "\n</details>"])


def _place(step: Step) -> str:
    return f"<code>{as_text(f'{step.path}:{step.line}')}</code>"


def as_text(text: str) -> str:
    """As it stands: no markup of ours or of the code's is meant."""
    return re.sub(r"[\\`*_\[\]|~#]", r"\\\g<0>", in_html(text))


def in_html(text: str) -> str:
    """Within an element; an empty comment keeps hosts from making links, mentions and references of words."""
    escaped = html.escape(text.replace("\n", " "), quote=False)
    return re.sub(r"@|#(?=\d)|:(?=//)|www(?=\.)", r"\g<0><!-- -->", escaped)
