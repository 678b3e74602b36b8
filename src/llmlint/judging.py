"""Reports become findings: the page's words are added, broken regions lower confidence, suppressions are applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from llmlint.catalogue import Catalogue, Rule
from llmlint.findings import Finding, Ordinals, Place, Report, Step, Suppression, fingerprint, lowered
from llmlint.reading import FileRecord
from llmlint.suppressions import Directive, Suppressions

UNUSED = "LLM001"
MALFORMED = "LLM002"


class Judge:
    def __init__(
        self, records: Mapping[str, FileRecord], files: Mapping[str, Path], severity: Mapping[str, str]
    ) -> None:
        self._records = records
        self._files = files
        self._severity = severity
        self._reports: list[tuple[Rule, str, Report]] = []
        self._lines: dict[str, list[str]] = {}

    def add(self, rule: Rule, reports: Sequence[tuple[str, Report]]) -> None:
        self._reports += [(rule, path, report) for path, report in reports]

    def findings(self, catalogue: Catalogue, rules: Sequence[Rule]) -> list[Finding]:
        """All findings in the order of files and lines, suppressed ones marked."""
        ordinals = Ordinals()
        suppressions = {path: self._suppressions_of(path) for path, r in self._records.items() if r.directives}
        self._reports.sort(
            key=lambda item: (item[1], item[2].at.line, item[2].at.column, item[0].code, item[2].subject)
        )
        found = []
        for rule, path, report in self._reports:
            finding = self._finding(rule, path, report, ordinals)
            covering = suppressions.get(path)
            directive = covering.covering(finding.line, (rule.code, rule.name)) if covering else None
            found.append(_suppressed(finding, directive) if directive else finding)
        found += self._about_directives(catalogue, rules, suppressions, ordinals)
        return sorted(found, key=lambda finding: finding.order)

    def _finding(self, rule: Rule, path: str, report: Report, ordinals: Ordinals) -> Finding:
        at = report.at
        code = self._line(path, at.line)
        confidence, reason = report.confidence, report.reason
        if self._is_broken(path, at.line):
            confidence = lowered(confidence)
            reason = f"{reason}; part of the code here did not parse".lstrip("; ")
        ordinal = ordinals.next(path, rule.code, report.symbol, code, report.subject)
        data = dict(report.data)
        runtime = data.pop("runtime", None)
        return Finding(
            rule=rule.code,
            name=rule.name,
            causes=(report.cause,) if report.cause else rule.causes,
            path=path,
            line=at.line,
            column=at.column,
            end_line=at.end_line or at.line,
            end_column=at.end_column or at.column,
            symbol=report.symbol,
            severity=self._severity.get(rule.code) or self._severity.get(rule.name) or report.severity or rule.severity,
            confidence=confidence,
            confidence_reason=reason,
            message=report.message,
            evidence=tuple(Step(step.path or path, step.line, step.message) for step in report.evidence),
            fingerprint=fingerprint(rule.code, report.symbol, code, report.subject, ordinal),
            fix=report.fix,
            runtime=runtime,
            data=data,
        )

    def _line(self, path: str, line: int) -> str:
        if path not in self._lines:
            file = self._files.get(path)
            text = file.read_bytes().decode("utf-8", "replace") if file is not None else ""
            self._lines[path] = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        lines = self._lines[path]
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _is_broken(self, path: str, line: int) -> bool:
        return any(start <= line <= end for start, end in self._records[path].facts.broken)

    def _suppressions_of(self, path: str) -> Suppressions:
        record = self._records[path]
        bodies = [(f.line, f.end_line) for f in record.facts.functions if f.name != "<module>"]
        bodies += [(c.line, c.end_line) for c in record.facts.classes]
        return Suppressions(record.directives, bodies)

    def _about_directives(
        self,
        catalogue: Catalogue,
        rules: Sequence[Rule],
        suppressions: Mapping[str, Suppressions],
        ordinals: Ordinals,
    ) -> list[Finding]:
        """LLM001 and LLM002: comments that cover nothing, or that say nothing llmlint understands."""
        chosen = {rule.code: rule for rule in rules}
        found = []
        for path in sorted(suppressions):
            if MALFORMED in chosen:
                for directive in suppressions[path].directives:
                    if directive.problem:
                        report = _about(directive, directive.problem)
                        found.append(self._finding(chosen[MALFORMED], path, report, ordinals))
            if UNUSED in chosen:
                for directive in suppressions[path].unused:
                    named = [catalogue.get(r) for r in directive.rules]
                    if all(rule is None or rule.code in chosen for rule in named):
                        report = _about(directive, f"no finding of {', '.join(directive.rules)} is left here to ignore")
                        found.append(self._finding(chosen[UNUSED], path, report, ordinals))
        return found


def _about(directive: Directive, message: str) -> Report:
    at = Place("", directive.line, directive.column, directive.line, directive.column)
    return Report(at, "", message, confidence="high", reason="the comment itself", subject=",".join(directive.rules))


def _suppressed(finding: Finding, directive: Directive) -> Finding:
    import msgspec

    return msgspec.structs.replace(finding, suppressed=Suppression("comment", directive.reason, directive.line))
