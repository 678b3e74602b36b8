"""One self-contained page: summary, charts, filters, and each finding with its code and evidence to step through.

The page loads nothing from anywhere. What findings say reaches it as JSON data and is only ever shown as text; besides,
its content security policy runs the one script below, by hash, and no other.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from llmlint import __version__
from llmlint.catalogue import CHAPTER_TITLES, Rule
from llmlint.findings import Finding, worst_first
from llmlint.plain import one_line, plain, plain_json
from llmlint.report import Style
from llmlint.report.sources import Sources
from llmlint.rule_page import description_of
from llmlint.scan import ScanResult

_PAGE = Path(__file__).parent / "page"
_SCRIPTS = ("model.js", "code.js", "charts.js", "list.js", "detail.js", "csv.js", "app.js", "memory.js")
_CONTEXT = 5
_LONGEST_LINE = 300
_SAMPLES = 600
"""So many samples of a run's memory are drawn: more than there are pixels would tell no more."""


def render(result: ScanResult, style: Style) -> str:
    script = "".join(_part(name) for name in _SCRIPTS)
    pieces = {"SCRIPT": script, "DATA": _safe_json(_data(result, style))}
    return page_of("llmlint report", _part("page.html"), _part("page.css"), pieces, script)


def page_of(title: str, body: str, css: str, pieces: Mapping[str, str], script: str = "") -> str:
    """A page in the colours of all of them, with a policy that lets its own style and script in, and no other."""
    style = _part("palette.css") + css
    scripts = f"script-src '{_hash_of(script)}'; " if script else ""
    policy = f"default-src 'none'; {scripts}style-src '{_hash_of(style)}'; base-uri 'none'"
    return _filled(_part("head.html"), {"TITLE": title, "POLICY": policy, "CSS": style}) + _filled(body, pieces)


def _filled(text: str, pieces: Mapping[str, str]) -> str:
    """With each `@@NAME@@` replaced, and nothing within what replaces it."""
    return "".join(pieces[part] if index % 2 else part for index, part in enumerate(text.split("@@")))


@cache
def _part(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _hash_of(text: str) -> str:
    """As a content security policy names a script or a style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _safe_json(data: Any) -> str:
    """JSON that cannot end the element it stands in."""
    text = plain_json(msgspec.json.encode(data).decode())
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _data(result: ScanResult, style: Style) -> dict[str, Any]:
    sources = Sources(style.root)
    findings = worst_first(result.findings if style.show_suppressed else result.shown)
    met = {finding.rule for finding in findings}
    return {
        "version": __version__,
        "project": plain(sources.repository.name),
        "made": ", ".join(filter(None, [f"commit {sources.commit}" if sources.commit else "", plain(style.made)])),
        "counts": result.counts,
        "notes": [*(plain(f"{p.path}: {p.message}") for p in result.problems), *map(plain, result.faults)],
        "chapters": CHAPTER_TITLES,
        "rules": {rule.code: _rule(rule) for rule in result.rules if rule.code in met},
        "findings": [_finding(finding) for finding in findings],
        "code": _code(findings, sources),
        "memory": [plain(msgspec.to_builtins(one.thinned(_SAMPLES))) for one in result.memory],
    }


def _rule(rule: Rule) -> dict[str, str]:
    return {
        "name": rule.name,
        "title": rule.title,
        "chapter": rule.chapter,
        "about": description_of(rule),
        "url": rule.doc_url,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    shown = msgspec.to_builtins(finding)
    for unused in ("runtime", "data", "name"):
        del shown[unused]
    return {key: plain(value) for key, value in shown.items() if value not in ("", None)}


def _code(findings: Iterable[Finding], sources: Sources) -> Mapping[str, Mapping[int, str]]:
    """Of each file the lines around the places that findings name, each line once."""
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for finding in findings:
        for path, line in ((finding.path, finding.line), *((step.path, step.line) for step in finding.evidence)):
            wanted[path].update(range(line - _CONTEXT, line + _CONTEXT + 1))
    return {plain(path): _excerpt(sources.lines(path), numbers) for path, numbers in sorted(wanted.items())}


def _excerpt(lines: list[str], numbers: set[int]) -> dict[int, str]:
    return {
        number: one_line(lines[number - 1].expandtabs(4).rstrip()[:_LONGEST_LINE])
        for number in sorted(numbers)
        if 0 < number <= len(lines)
    }
