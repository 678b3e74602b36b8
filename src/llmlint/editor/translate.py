"""Findings as an editor wants them: diagnostics, hovers, edits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from lsprotocol import types
from pygls.workspace import PositionCodec

from llmlint.catalogue import Rule, load_catalogue
from llmlint.findings import Finding
from llmlint.rule_page import prose_of
from llmlint.suppressions import comment_above

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""A line as editors count them: str.splitlines would also split at form feeds."""

_SEVERITY = {
    "P0": types.DiagnosticSeverity.Error,
    "P1": types.DiagnosticSeverity.Warning,
    "P2": types.DiagnosticSeverity.Warning,
    "P3": types.DiagnosticSeverity.Information,
}


def diagnostic_of(finding: Finding, lines: Sequence[str], codec: PositionCodec) -> types.Diagnostic:
    """`lines` and `codec` are those of the open document: editors count columns in their own units."""
    rule = load_catalogue().rule(finding.rule)
    return types.Diagnostic(
        range=codec.range_to_client_units(lines, _range(finding)),
        message=f"{finding.message}\n{finding.confidence} confidence: {finding.confidence_reason}",
        severity=_SEVERITY[finding.severity],
        code=finding.rule,
        code_description=types.CodeDescription(href=rule.doc_url) if rule.doc_url else None,
        source="llmlint",
        related_information=[
            types.DiagnosticRelatedInformation(
                location=types.Location(uri=Path(step.path).absolute().as_uri(), range=_line(step.line)),
                message=step.message,
            )
            for step in finding.evidence
        ],
        data={"fingerprint": finding.fingerprint},
    )


def _range(finding: Finding) -> types.Range:
    """The first line of what is meant: a function underlined to its end would hide everything else."""
    start = types.Position(finding.line - 1, finding.column - 1)
    if finding.end_line > finding.line:
        return types.Range(start, types.Position(finding.line, 0))
    return types.Range(start, types.Position(finding.line - 1, max(finding.end_column - 1, finding.column)))


def _line(line: int) -> types.Range:
    return types.Range(types.Position(line - 1, 0), types.Position(line, 0))


def hover_of(findings: Sequence[Finding]) -> types.Hover | None:
    if not findings:
        return None
    rules = [load_catalogue().rule(code) for code in dict.fromkeys(finding.rule for finding in findings)]
    text = "\n\n---\n\n".join(map(_page, rules))
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text))


def _page(rule: Rule) -> str:
    head = f"{rule.code} {rule.name}"
    return f"### {f'[{head}]({rule.doc_url})' if rule.doc_url else head}\n\n{rule.title}\n\n{prose_of(rule)}"


def ignoring(finding: Finding, lines: Sequence[str], reason: str) -> types.TextEdit:
    """A comment on a line of its own above the finding."""
    text = lines[finding.line - 1] if finding.line <= len(lines) else ""
    at = types.Position(finding.line - 1, 0)
    return types.TextEdit(types.Range(at, at), comment_above(finding.path, text, [finding.rule], reason) + "\n")


def difference(before: str, after: str) -> types.TextEdit:
    """The lines that differ, as one edit."""
    old, new = _LINE.findall(before), _LINE.findall(after)
    above = _same(old, new)
    below = _same(old[above:][::-1], new[above:][::-1])
    span = types.Range(types.Position(above, 0), types.Position(len(old) - below, 0))
    return types.TextEdit(span, "".join(new[above : len(new) - below]))


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
