"""JUnit XML, which nearly every build server shows: a suite a file, a failed case a finding."""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree import ElementTree

from llmlint.findings import Finding
from llmlint.report import Style
from llmlint.report.sources import Sources
from llmlint.scan import ScanResult

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(result: ScanResult, style: Style) -> str:
    sources = Sources(style.root)
    findings = sorted(result.findings if style.show_suppressed else result.shown, key=lambda f: f.order)
    root = ElementTree.Element("testsuites", name="llmlint", tests=str(max(1, len(findings)) + len(result.faults)))
    root.set("failures", str(sum(f.suppressed is None for f in findings)))
    root.set("errors", str(len(result.faults)))
    for path, group in groupby(findings, key=lambda f: f.path):
        _suite(root, sources.in_repository(path), list(group))
    if not findings:
        _clean_suite(root)
    if result.faults:
        _fault_suite(root, result.faults)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: ElementTree.Element, path: str, findings: list[Finding]) -> None:
    failures = sum(f.suppressed is None for f in findings)
    suite = ElementTree.SubElement(root, "testsuite", name=_xml(path), tests=str(len(findings)))
    suite.set("failures", str(failures))
    for finding in findings:
        name = f"{finding.rule} {finding.name} (line {finding.line})"
        case = ElementTree.SubElement(suite, "testcase", classname=_xml(path), name=name, file=_xml(path))
        case.set("line", str(finding.line))
        if finding.suppressed is not None:
            ElementTree.SubElement(case, "skipped", message=_xml(finding.suppressed.reason))
        else:
            failure = ElementTree.SubElement(case, "failure", type=finding.severity, message=_xml(finding.message))
            failure.text = _xml(_details(path, finding))


def _details(path: str, finding: Finding) -> str:
    lines = [f"{path}:{finding.line}:{finding.column}: {finding.message}"]
    lines += [f"{number}. {s.path}:{s.line}: {s.message}" for number, s in enumerate(finding.evidence, 1)]
    lines.append(f"{finding.confidence} confidence: {finding.confidence_reason}".rstrip(": "))
    lines += [f"fix: {finding.fix}"] if finding.fix else []
    if finding.verdict is not None:
        lines.append(f"traced run: {finding.verdict.status}: {finding.verdict.summary}")
    return "\n".join(lines)


def _clean_suite(root: ElementTree.Element) -> None:
    """A run that found nothing still shows that it ran."""
    suite = ElementTree.SubElement(root, "testsuite", name="llmlint", tests="1", failures="0")
    ElementTree.SubElement(suite, "testcase", classname="llmlint", name="no findings")


def _fault_suite(root: ElementTree.Element, faults: list[str]) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name="llmlint", tests=str(len(faults)), errors=str(len(faults)))
    for fault in faults:
        case = ElementTree.SubElement(suite, "testcase", classname="llmlint", name="internal fault")
        ElementTree.SubElement(case, "error", message=_xml(fault))


def _xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
