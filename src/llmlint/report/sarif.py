"""SARIF 2.1.0 for GitHub code scanning: rules with their pages, results with the path of their evidence.

Within GitHub's limits: when there is more than fits, the most severe and most confident stay and the cut is announced.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from typing import Any
from urllib.parse import quote

import attr
import msgspec
import sarif_om as om

from llmlint import __version__
from llmlint.catalogue import Rule
from llmlint.earned import most_confident
from llmlint.findings import Finding, Step, Verdict, worst_first
from llmlint.report import Style
from llmlint.report.line_hash import line_hashes
from llmlint.report.sources import Sources
from llmlint.rule_page import description_of, prose_of
from llmlint.scan import ScanResult

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://llmlint.readthedocs.io/"
MOST_RESULTS = 25_000
MOST_BYTES = 10_000_000
"""What GitHub accepts of one run, and of one file when gzipped."""

_MOST_TAGS = 10
_LONGEST_TEXT = 1024
_LEVELS = {"P0": "error", "P1": "error", "P2": "warning", "P3": "note"}
_PROBLEM_SEVERITIES = {"P0": "error", "P1": "error", "P2": "warning", "P3": "recommendation"}
_SECURITY_SEVERITIES = {"P0": "9.1", "P1": "7.5", "P2": "5.0", "P3": "2.0"}


def render(result: ScanResult, style: Style) -> str:
    findings = worst_first(result.findings if style.show_suppressed else result.shown)
    text, kept = _fitting(result, style, findings)
    if kept < len(findings):
        print(f"llmlint: {_cut_message(kept, len(findings))}", file=sys.stderr)
    return text


def _fitting(result: ScanResult, style: Style, findings: Sequence[Finding]) -> tuple[str, int]:
    """The report with as many findings as GitHub takes, and how many those are."""
    log = _Log(result, style, len(findings))
    kept = min(len(findings), MOST_RESULTS)
    while True:
        text = _json(log.of(findings[:kept]))
        packed = _packed_size(text)
        if packed <= MOST_BYTES or kept == 0:
            return text, kept
        kept = min(kept - 1, int(kept * 0.95 * MOST_BYTES / packed))


def _packed_size(text: str) -> int:
    """Small reports need no packing to be known to fit."""
    data = text.encode()
    return len(gzip.compress(data, compresslevel=6, mtime=0)) if len(data) > MOST_BYTES else len(data)


def _cut_message(kept: int, found: int) -> str:
    return f"the SARIF report holds the worst {kept:,} of {found:,} findings: more than that GitHub does not accept"


def _json(log: om.SarifLog) -> str:
    document = plain(log)
    ordered = {"$schema": document.pop("$schema"), "version": document.pop("version"), **document}
    return msgspec.json.format(msgspec.json.encode(ordered), indent=2).decode() + "\n"


def plain(value: Any) -> Any:
    """sarif-om objects as JSON data.

    Defaults are left out, as the index fields' -1 is invalid when written; `level` always stays, as a result without
    one takes its rule's. The library calls a suppression's `status` by a name that the standard has dropped.
    """
    kind = type(value)
    if attr.has(kind):
        return {
            written: plain(item)
            for name, written, default, always in _fields(kind)
            if (item := getattr(value, name)) is not None and (always or item != default)
        }
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value


@cache
def _fields(kind: type) -> list[tuple[str, str, Any, bool]]:
    """Of each field its name, its name in JSON, its default, and whether it is written even so."""
    return [(f.name, _written_name(kind, f), _default(f), f.name == "level") for f in attr.fields(kind)]


def _written_name(kind: type, field: attr.Attribute[Any]) -> str:
    if kind is om.Suppression and field.name == "state":
        return "status"
    return str(field.metadata.get("schema_property_name", field.name))


def _default(field: attr.Attribute[Any]) -> Any:
    default: Any = field.default
    return default.factory() if isinstance(default, attr.Factory) else default  # type: ignore[arg-type]


class _Log:
    """Builds the log of one scan."""

    def __init__(self, result: ScanResult, style: Style, found: int) -> None:
        self._result = result
        self._style = style
        self._found = found
        self._sources = Sources(style.root)
        self._hashes: dict[str, list[str]] = {}

    @cached_property
    def _rules(self) -> list[om.ReportingDescriptor]:
        return [_descriptor(rule) for rule in self._result.rules]

    @cached_property
    def _rule_index(self) -> dict[str, int]:
        return {rule.code: index for index, rule in enumerate(self._result.rules)}

    def of(self, findings: Sequence[Finding]) -> om.SarifLog:
        driver = om.ToolComponent(
            name="llmlint",
            version=__version__,
            semantic_version=__version__,
            information_uri=HOME,
            rules=self._rules,
        )
        category = self._style.sarif_category
        run = om.Run(
            tool=om.Tool(driver=driver),
            column_kind="unicodeCodePoints",
            automation_details=om.RunAutomationDetails(id=f"{category.rstrip('/')}/") if category else None,
            original_uri_base_ids={
                "%SRCROOT%": om.ArtifactLocation(description=om.Message(text="The top of the repository."))
            },
            invocations=[self._invocation(len(findings))],
            results=[self._of(finding) for finding in findings],
        )
        return om.SarifLog(runs=[run], version="2.1.0", schema_uri=SCHEMA_URI)

    def _invocation(self, kept: int) -> om.Invocation:
        """What else the scan has to say: files it could not read, its own faults, what had to be left out."""
        notes = [om.Notification(level="warning", message=_message(w)) for w in self._result.warnings]
        notes += [
            om.Notification(level="warning", message=_message(p.message), locations=[self._location(p.path, 0)])
            for p in self._result.problems
        ]
        notes += [om.Notification(level="error", message=_message(fault)) for fault in self._result.faults]
        if kept < self._found:
            notes.append(om.Notification(level="warning", message=_message(_cut_message(kept, self._found))))
        return om.Invocation(execution_successful=not self._result.faults, tool_execution_notifications=notes or None)

    def _of(self, finding: Finding) -> om.Result:
        steps = finding.evidence
        return om.Result(
            rule_id=finding.rule,
            rule_index=self._rule_index.get(finding.rule, -1),
            level=_LEVELS[finding.severity],
            message=om.Message(text=self._text(finding)),
            locations=[self._primary(finding)],
            related_locations=[self._step(step, number) for number, step in enumerate(steps, 1)] or None,
            code_flows=[self._code_flow(steps)] if steps else None,
            partial_fingerprints=self._fingerprints(finding),
            suppressions=_suppressions(finding),
            properties=_properties(finding),
        )

    def _text(self, finding: Finding) -> str:
        """The message as an alert shows it, with each step of the evidence linked to its place."""
        parts = [_escaped(finding.message)]
        if finding.evidence:
            parts.append(
                "\n".join(
                    f"{number}. [{_escaped(self._name(step))}]({number}): {_escaped(step.message)}"
                    for number, step in enumerate(finding.evidence, 1)
                )
            )
        parts.append(_escaped(f"Confidence {finding.confidence}: {finding.confidence_reason or 'no more is known'}."))
        if finding.fix:
            parts.append(_escaped(f"Fix: {finding.fix}."))
        if finding.verdict is not None:
            parts.append(_escaped(f"Traced run: {finding.verdict.status}: {finding.verdict.summary}"))
        return "\n\n".join(parts)

    def _name(self, step: Step) -> str:
        return f"{step.path.rpartition('/')[2]}:{step.line}"

    def _primary(self, finding: Finding) -> om.Location:
        location = self._location(finding.path, 0)
        location.physical_location.region = om.Region(
            start_line=finding.line,
            start_column=finding.column,
            end_line=max(finding.end_line, finding.line),
            end_column=_end_column(finding),
        )
        if finding.symbol:
            location.logical_locations = [om.LogicalLocation(fully_qualified_name=finding.symbol)]
        return location

    def _step(self, step: Step, number: int = -1) -> om.Location:
        location = self._location(step.path, step.line)
        location.id = number
        location.message = _message(step.message)
        return location

    def _location(self, path: str, line: int) -> om.Location:
        uri = quote(self._sources.in_repository(path), errors="surrogateescape")
        region = self._line_region(path, line) if line else None
        artifact = om.ArtifactLocation(uri=uri, uri_base_id="%SRCROOT%")
        return om.Location(physical_location=om.PhysicalLocation(artifact_location=artifact, region=region))

    def _line_region(self, path: str, line: int) -> om.Region:
        """A whole line from its first to its last sign: GitHub wants columns."""
        lines = self._sources.lines(path)
        code = lines[line - 1] if line <= len(lines) else ""
        first = len(code) - len(code.lstrip()) + 1
        last = len(code.rstrip()) + 1
        return om.Region(start_line=line, start_column=first, end_line=line, end_column=max(last, first + 1))

    def _code_flow(self, steps: Iterable[Step]) -> om.CodeFlow:
        locations = [om.ThreadFlowLocation(location=self._step(step)) for step in steps]
        return om.CodeFlow(thread_flows=[om.ThreadFlow(locations=locations)])

    def _fingerprints(self, finding: Finding) -> dict[str, str]:
        own = {"llmlintFinding/v1": finding.fingerprint}
        if finding.path not in self._hashes:
            self._hashes[finding.path] = line_hashes(self._sources.text(finding.path))
        hashes = self._hashes[finding.path]
        if 0 < finding.line <= len(hashes):
            return {"primaryLocationLineHash": hashes[finding.line - 1], **own}
        return own


def _end_column(finding: Finding) -> int:
    if finding.end_line > finding.line:
        return max(finding.end_column, 1)
    return max(finding.end_column, finding.column + 1)


def _message(text: str) -> om.Message:
    return om.Message(text=_escaped(text) or "(nothing to add)")


def _escaped(text: str) -> str:
    """Square brackets make links in SARIF messages; ours in code are not meant to."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _descriptor(rule: Rule) -> om.ReportingDescriptor:
    return om.ReportingDescriptor(
        id=rule.code,
        name="".join(word.capitalize() for word in rule.name.split("-")),
        short_description=om.MultiformatMessageString(text=rule.title),
        full_description=om.MultiformatMessageString(text=description_of(rule)[:_LONGEST_TEXT]),
        help=om.MultiformatMessageString(
            text=f"{rule.title}. See {rule.doc_url}".removesuffix(" See "), markdown=prose_of(rule)
        ),
        help_uri=rule.doc_url or None,
        default_configuration=om.ReportingConfiguration(level=_LEVELS[rule.severity]),
        properties=_rule_properties(rule),
    )


def _precision(rule: Rule) -> str:
    if rule.reported_by_engine:
        return "very-high"
    return "medium" if rule.is_own else most_confident(rule.code, rule.languages)


def _rule_properties(rule: Rule) -> dict[str, Any]:
    """GitHub puts alerts of precise rules first: what a rule has earned when its findings were read."""
    security = {"security-severity": _SECURITY_SEVERITIES[rule.severity]} if "security" in rule.tags else {}
    return {
        "precision": _precision(rule),
        "problem.severity": _PROBLEM_SEVERITIES[rule.severity],
        "tags": list(dict.fromkeys((rule.chapter, *rule.causes, *rule.tags)))[:_MOST_TAGS],
        **security,
    }


def _properties(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "confidence": finding.confidence,
        "confidenceReason": finding.confidence_reason,
        "causes": list(finding.causes),
        **({"fix": finding.fix} if finding.fix else {}),
        **({"verdict": _verdict(finding.verdict)} if finding.verdict is not None else {}),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(verdict).items() if value}


def _suppressions(finding: Finding) -> list[om.Suppression] | None:
    if finding.suppressed is None:
        return None
    kind = "external" if finding.suppressed.kind == "baseline" else "inSource"
    return [om.Suppression(kind=kind, state="accepted", justification=finding.suppressed.reason or None)]
