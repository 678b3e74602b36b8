"""Reports become findings: the page's words are added, broken regions lower confidence, suppressions are applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from llmlint.catalogue import Catalogue, Rule
from llmlint.findings import ALSO_AT, Finding, Ordinals, Place, Report, Step, Suppression, fingerprint, lowered
from llmlint.kept_files import KeptFiles
from llmlint.reading import FileRecord
from llmlint.suppressions import Directive, Suppressions
from llmlint.unread_names import UnreadNames

if TYPE_CHECKING:
    from llmlint.code.link.program import Program

UNUSED = "LLM001"
MALFORMED = "LLM002"


class Judge:
    """Takes the reports of all rules, then gives the findings. `text_of` answers with a file's content; `program` is
    None where there was nothing to link."""

    def __init__(
        self,
        records: Mapping[str, FileRecord],
        catalogue: Catalogue,
        rules: Sequence[Rule],
        text_of: Callable[[str], str],
        program: Program | None,
        kept: KeptFiles | None = None,
    ) -> None:
        self._records = records
        self._rules = {rule.code: rule for rule in rules}
        self._reports: list[tuple[Rule, str, Report]] = []
        self._text_of = text_of
        self._lines: dict[str, list[str]] = {}
        self._ordinals = Ordinals()
        self._program = program
        self._kept = kept
        self._unused: dict[tuple[str, int], str] = {}
        self._unread = UnreadNames(records, text_of, kept)
        names = {name.lower(): rule.code for rule in catalogue for name in (*rule.former, rule.code, rule.name)}
        self.suppressions = {
            path: Suppressions(record.directives, _bodies(record), names)
            for path, record in records.items()
            if record.directives
        }

    def add(self, rule: Rule, reports: Iterable[tuple[str, Report]]) -> None:
        self._reports += [(rule, path, report) for path, report in reports if path in self._records]

    def findings(self) -> list[Finding]:
        """All findings in the order of files and lines, suppressed ones marked."""
        self._reports.sort(key=_order)
        sure = [item for item in self._reports if not item[0].reported_by_engine and item[2].confidence != "low"]
        if self._program is not None:
            from llmlint.unused_code import UnusedCode

            unused_code = UnusedCode(self._program, self._records, self._text_of, self._kept)
            self._unused = unused_code.reasons_at((path, report.at.line) for _, path, report in sure)
        found = list(_told_once([(report, self._judged(rule, path, report)) for rule, path, report in self._reports]))
        found += [self._finding(rule, path, report) for rule, path, report in self._about_directives()]
        return sorted(found, key=lambda finding: finding.order)

    def _judged(self, rule: Rule, path: str, report: Report) -> Finding:
        finding = self._finding(rule, path, report)
        covering = self.suppressions.get(path)
        directive = covering.covering(finding.line, rule.code) if covering else None
        if directive is None:
            return finding
        return msgspec.structs.replace(finding, suppressed=Suppression("comment", directive.reason, directive.line))

    def _finding(self, rule: Rule, path: str, report: Report) -> Finding:
        at = report.at
        code = self._line(path, at.line)
        confidence, reason = report.confidence, report.reason
        if self._is_broken(path, at.line):
            confidence = lowered(confidence)
            reason = f"{reason}; part of the code here did not parse".lstrip("; ")
        beside = self._beside(rule, path, at.line)
        if not beside and confidence != "low" and report.read_as and report.read_as in self._unread:
            beside = f"nothing in this tree reads {report.read_as}"
        if beside:
            confidence, reason = "low", f"{reason}; {beside}".lstrip("; ")
        ordinal = self._ordinals.next(path, rule.code, report.symbol, code, report.subject)
        data = dict(report.data)
        about = (report.symbol, code, report.subject, ordinal) if not report.origin else ("", "", report.origin, 0)
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
            severity=report.severity or rule.severity,
            confidence=confidence,
            confidence_reason=reason,
            message=report.message,
            evidence=tuple(Step(step.path or path, step.line, step.message) for step in report.evidence),
            fingerprint=fingerprint(rule.code, *about),
            fix=report.fix,
            runtime=runtime,
            data=data,
            mechanism=report.mechanism,
        )

    def _beside(self, rule: Rule, path: str, line: int) -> str:
        """Why a finding of the rule at this line harms no service; "" where it may."""
        if self._program is None or rule.reported_by_engine:
            return ""
        from llmlint.code.domain.roots import COPY, SCRIPT, TOOL, roots_of

        roots = roots_of(self._program)
        if roots.is_template(path):
            return "another file is generated from this one, and runs in its place"
        kind = roots.kind(path)
        if kind in (SCRIPT, TOOL) and rule.harms != "service":
            kind = ""
        if kind == COPY:
            return "this is a copy of code that is kept elsewhere, or of old code"
        article = "an" if kind[:1] in ("a", "e") else "a"
        if kind:
            return f"this is code of {article} {kind}, which ends soon"
        return self._unused.get((path, line), "")

    def _line(self, path: str, line: int) -> str:
        if path not in self._lines:
            text = self._text_of(path)
            self._lines[path] = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        lines = self._lines[path]
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _is_broken(self, path: str, line: int) -> bool:
        return any(start <= line <= end for start, end in self._records[path].facts.broken)

    def _about_directives(self) -> Iterable[tuple[Rule, str, Report]]:
        """LLM001 and LLM002: comments that cover nothing, or that say nothing llmlint understands."""
        for path in sorted(self.suppressions):
            here = self.suppressions[path]
            if MALFORMED in self._rules:
                for directive, problem in here.malformed:
                    yield self._rules[MALFORMED], path, _about(directive, problem, directive.rules)
            if UNUSED in self._rules:
                for directive, vain in here.unused(self._rules):
                    message = f"no finding of {', '.join(vain)} is left here to ignore"
                    yield self._rules[UNUSED], path, _about(directive, message, vain)


def _told_once(judged: Sequence[tuple[Report, Finding]]) -> Iterator[Finding]:
    """What has one origin in one file is one finding, with its other places as evidence; suppressed ones stay apart."""
    shared: dict[tuple[str, str, str], list[Finding]] = {}
    for report, finding in judged:
        if not report.origin or finding.suppressed is not None:
            yield finding
        else:
            shared.setdefault((finding.path, finding.rule, report.origin), []).append(finding)
    for first, *others in shared.values():
        places = tuple(Step(first.path, other.line, "and the same here") for other in others)
        mended_alike = [(o.line, o.column, o.end_line, o.end_column) for o in others if o.data == first.data]
        data = {**first.data, ALSO_AT: mended_alike} if first.data and mended_alike else first.data
        yield msgspec.structs.replace(first, evidence=(*first.evidence, *places), data=data)


def _order(item: tuple[Rule, str, Report]) -> tuple[str, int, int, str, str, str]:
    rule, path, report = item
    return (path, report.at.line, report.at.column, rule.code, report.subject, report.message)


def _bodies(record: FileRecord) -> list[tuple[int, int]]:
    functions = [(f.line, f.end_line) for f in record.facts.functions if f.name != "<module>"]
    return functions + [(c.line, c.end_line) for c in record.facts.classes]


def _about(directive: Directive, message: str, rules: Sequence[str]) -> Report:
    end = directive.column + len(directive.comment.partition("\n")[0])
    at = Place("", directive.line, directive.column, directive.line, end)
    return Report(at, "", message, confidence="high", reason="the comment itself", subject=",".join(rules))
