"""The terminal: a frame for each finding, the worst first, and a summary that says what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from llmlint.findings import SEVERITIES, Finding, worst_first
from llmlint.fixing import is_fixable
from llmlint.plain import counted
from llmlint.report import Style
from llmlint.report.frame import Frames
from llmlint.report.painting import paint
from llmlint.scan import Counts, ScanResult

_KNOWN_FROM = {"baseline": "in the baseline", "pre-existing": "there before", "comment": "silenced by comments"}
"""Kinds of suppression, as the summary counts them."""

_SPENT = {"read": "to read", "check": "to link and check"}

_FEW = 3
"""So many findings are seen at a glance; more are counted by rule too."""

_OFTEN = 5
"""So many functions of one name and one fault are read; more of them are a pattern."""


def render(result: ScanResult, style: Style) -> str:
    frames = Frames(style, {rule.code: rule.doc_url for rule in result.rules})
    findings = worst_first(result.findings if style.show_suppressed else result.shown)
    parts = [frames.frame(first, copies) for first, *copies in _alike(findings, frames)]
    return "\n".join([*parts, "\n".join(_summary(result, findings, style))]) + "\n"


def _alike(findings: list[Finding], frames: Frames) -> Iterable[list[Finding]]:
    """Together what is said in the same words of the same line of code, or of many functions of one name: people copy
    and generate, and read one copy."""
    often = Counter((finding.symbol, *_words(finding)) for finding in findings)
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        line = frames.code(finding.path, finding.line).strip()
        told_apart = finding.suppressed or finding.verdict or not line
        words = _words(finding)
        named = (finding.symbol, *words)
        key = named if often[named] > _OFTEN else (line, *words)
        groups.setdefault(id(finding) if told_apart else key, []).append(finding)
    return groups.values()


def _words(finding: Finding) -> tuple[str, ...]:
    return finding.rule, finding.message, finding.confidence_reason


def _summary(result: ScanResult, findings: list[Finding], style: Style) -> list[str]:
    lines = _by_rule(findings, style)
    counts = result.counts
    lines.append(f"{_found(result, findings, style)} in {', '.join([*_size(counts), *_seconds(result, style)])}.")
    if counts.regions_not_parsed:
        lines.append(
            f"{counted(counts.regions_not_parsed, 'region')} ({counts.lines_not_parsed:,} lines, "
            f"{100 * counts.lines_not_parsed / max(1, counts.lines):.2f} %) did not parse: "
            "findings there are less sure."
        )
    if counts.failed or counts.skipped:
        lines.append(f"{counted(counts.failed, 'file')} failed, {counts.skipped} skipped.")
    return lines + _next_steps(findings)


def _by_rule(findings: list[Finding], style: Style) -> list[str]:
    by_rule = Counter((finding.rule, finding.name) for finding in findings)
    if not by_rule or not (style.statistics or len(by_rule) > 1 or len(findings) > _FEW):
        return []
    ordered = sorted(by_rule.items(), key=lambda item: (-item[1], item[0]))
    return [f"{count:>5}  {rule} {name}" for (rule, name), count in ordered]


def _found(result: ScanResult, findings: list[Finding], style: Style) -> str:
    """How many findings there are and how bad they are, and what became of those that are not shown."""
    severities = Counter(finding.severity for finding in findings)
    shown = [f"{severities[severity]} {severity}" for severity in SEVERITIES if severities[severity]]
    fixable = sum(map(is_fixable, findings))
    unshown = Counter(f.suppressed.kind for f in result.findings if f.suppressed and not style.show_suppressed)
    aside = [f"{unshown[kind]} {words}" for kind, words in _KNOWN_FROM.items() if unshown[kind]]
    told = [", ".join(shown), f"{fixable} fixable" if fixable else "", ", ".join(aside), _less_sure(result.less_sure)]
    found = paint(style, "bold", counted(len(findings), "finding") if findings else "No findings")
    return f"{found} ({'; '.join(filter(None, told))})" if any(told) else found


def _less_sure(more: int | None) -> str:
    """How to be told more; how many that would be is known only where all of them were looked for."""
    told = "less sure ones" if more is None else f"{more:,} more" if more else ""
    return f"{told} with --min-confidence low" if told else ""


def _size(counts: Counts) -> list[str]:
    asked = counts.asked or counts.scanned
    more = f" ({counts.scanned:,} read)" if asked != counts.scanned else ""
    return [f"{counted(asked, 'file')}{more}", f"{counts.lines:,} lines"]


def _seconds(result: ScanResult, style: Style) -> list[str]:
    """All of them, and with the statistics what they went to."""
    spent = result.timings
    if "total" not in spent:
        return []
    parts = ", ".join(f"{spent[name]:.1f} s {what}" for name, what in _SPENT.items() if name in spent)
    return [f"{spent['total']:.1f} s" + (f" ({parts})" if parts and style.statistics else "")]


def _next_steps(findings: list[Finding]) -> list[str]:
    """How to mend what can be mended, and how to read more."""
    if not findings:
        return []
    safe = sum(is_fixable(finding, unsafe=False) for finding in findings)
    bolder = sum(map(is_fixable, findings)) - safe
    parts = [f"{safe} with --fix"] if safe else []
    parts += [f"{bolder}{' more' if safe else ''} with --unsafe-fixes"] if bolder else []
    mend = [f"Can be mended: {', '.join(parts)} (and --diff-fixes, to look first)."] if parts else []
    return [*mend, f"`llmlint explain {findings[0].rule}` tells what a rule means and how to mend what it finds."]
