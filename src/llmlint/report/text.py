"""The terminal: for each finding a frame that shows every place of its evidence, in the order to read them."""

from __future__ import annotations

import textwrap
from collections import Counter

from llmlint.findings import Finding, Step
from llmlint.plain import one_line
from llmlint.report import Style
from llmlint.report.sources import Sources
from llmlint.scan import ScanResult

_COLOURS = {"P0": "1;31", "P1": "31", "P2": "33", "P3": "36", "dim": "2", "bold": "1", "path": "1", "mark": "1;34"}


def render(result: ScanResult, style: Style) -> str:
    pages = {rule.code: rule.doc_url for rule in result.rules}
    frames = _Frames(style, pages)
    findings = result.findings if style.show_suppressed else result.shown
    parts = [frames.frame(finding) for finding in findings]
    return "\n".join([*parts, _summary(result, findings, style)]) + "\n"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def style_text(style: Style, kind: str, text: str) -> str:
    return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if style.color else text


class _Frames:
    def __init__(self, style: Style, pages: dict[str, str]) -> None:
        self.style = style
        self.pages = pages
        self._sources = Sources(style.root)

    def frame(self, finding: Finding) -> str:
        style = self.style
        head = f"{style_text(style, 'path', f'{finding.path}:{finding.line}:{finding.column}')}  "
        rule = self._link(self.pages.get(finding.rule, ""), f"{finding.rule} {finding.name}")
        head += style_text(style, finding.severity, rule)
        head += style_text(style, "dim", f"  {finding.severity}, {finding.confidence} confidence")
        lines = [head, *self._wrap(finding.message, "  ")]
        lines += self._places(finding)
        if finding.confidence_reason:
            lines += self._wrap(f"why: {finding.confidence_reason}", "  ", "dim")
        if finding.fix:
            lines += self._wrap(f"fix: {finding.fix}", "  ")
        if finding.verdict is not None:
            lines += self._wrap(f"run: {finding.verdict.status}: {finding.verdict.summary}", "  ", "bold")
        if finding.suppressed is not None:
            lines += self._wrap(f"suppressed: {finding.suppressed.reason or 'no reason given'}", "  ", "dim")
        return "\n".join(lines) + "\n"

    def _places(self, finding: Finding) -> list[str]:
        """Each place once with its line of code; a new file gets its name first."""
        steps = list(finding.evidence)
        if not any(s.path == finding.path and s.line == finding.line for s in steps):
            steps.insert(0, Step(finding.path, finding.line, ""))
        gutter = max(len(str(step.line)) for step in steps)
        lines, path = [], finding.path
        number = 0
        for step in steps:
            if step.path != path:
                path = step.path
                lines.append(f"  {'-' * gutter}> {path}")
            code = _cut(self._code(step.path, step.line), max(20, self.style.width - gutter - 5))
            lines.append(f"  {style_text(self.style, 'mark', f'{step.line:>{gutter}} |')} {code}".rstrip())
            if step.message:
                number += 1
                label = f"{number}. {step.message}" if len(finding.evidence) > 1 else step.message
                margin = " " * (gutter + 3) + "| "
                indent = " " * (len(code) - len(code.lstrip()))
                room = max(30, self.style.width - len(margin) - len(indent) - 2)
                for index, part in enumerate(textwrap.wrap(label, room) or [""]):
                    mark = "^ " if index == 0 else "  "
                    lines.append(style_text(self.style, "mark", f"{margin}{indent}{mark}{part}"))
        return lines

    def _code(self, path: str, line: int) -> str:
        lines = self._sources.lines(path)
        return one_line(lines[line - 1].expandtabs(4).rstrip()) if 0 < line <= len(lines) else ""

    def _wrap(self, text: str, indent: str, kind: str = "") -> list[str]:
        wrapped = textwrap.wrap(text, max(40, self.style.width), initial_indent=indent, subsequent_indent=indent + "  ")
        return [style_text(self.style, kind, line) if kind else line for line in wrapped]

    def _link(self, url: str, text: str) -> str:
        return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\" if self.style.links and url else text


def _summary(result: ScanResult, findings: list[Finding], style: Style) -> str:
    counts = result.counts
    lines = []
    by_rule = Counter((f.rule, f.name) for f in findings)
    if by_rule and (style.statistics or len(by_rule) > 1 or len(findings) > 3):
        width = max(len(name) for _, name in by_rule)
        for (rule, name), count in sorted(by_rule.items(), key=lambda item: (-item[1], item[0])):
            lines.append(f"  {count:>5}  {rule}  {name:<{width}}")
    found = f"{len(findings)} finding{'s' if len(findings) != 1 else ''}" if findings else "No findings"
    suppressed = sum(1 for f in result.findings if f.suppressed is not None)
    more = f" ({suppressed} suppressed)" if suppressed and not style.show_suppressed else ""
    lines.append(f"{style_text(style, 'bold', found)}{more} in {counts.scanned} files, {counts.lines:,} lines.")
    if counts.regions_not_parsed:
        lines.append(
            f"{counts.regions_not_parsed} regions ({counts.lines_not_parsed:,} lines) did not parse: "
            "findings there are less sure."
        )
    if counts.failed or counts.skipped:
        lines.append(f"{counts.failed} files failed, {counts.skipped} skipped.")
    return "\n".join(lines)
