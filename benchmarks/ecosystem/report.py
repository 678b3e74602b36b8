"""The differences as Markdown: one line a finding, and the code of the first that are new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.ecosystem.comparing import Difference, is_shown
from llmlint.findings import Finding
from llmlint.report.markdown import as_text, in_html

_LISTED = 60
_WITH_CODE = 12
_AROUND = 3


def markdown(differences: Sequence[Difference], folders: dict[str, Path]) -> str:
    return (
        "\n".join([*_head(differences), *(line for one in differences for line in _tree(one, folders[one.tree]))])
        + "\n"
    )


def _head(differences: Sequence[Difference]) -> Iterator[str]:
    yield "## What this change does to findings on pinned trees"
    yield ""
    if all(one.is_none for one in differences):
        yield "Nothing: each tree has the same findings, in the same words."
        yield ""
    yield "| tree | lines | shown before | shown after | added | removed | changed | CPU-seconds |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for one in differences:
        added, removed = (f"{_shown(found)} (+{len(found) - _shown(found)})" for found in (one.added, one.removed))
        seconds = f"{one.seconds[0]:.1f} → {one.seconds[1]:.1f}"
        counts = f"{one.shown[0]} | {one.shown[1]} | {added} | {removed} | {len(one.changed)}"
        yield f"| {one.tree} | {one.lines:,} | {counts} | {seconds} |"
    yield ""
    yield "In brackets: findings of low confidence, which are hidden unless they are asked for."
    yield ""


def _shown(findings: Sequence[Finding]) -> int:
    return sum(map(is_shown, findings))


def _tree(one: Difference, folder: Path) -> Iterator[str]:
    if one.is_none:
        return
    yield f"### {one.tree}"
    yield ""
    yield from _list("Added", [_line(finding) for finding in one.added])
    yield from _code(one.added[:_WITH_CODE], folder)
    yield from _list("Removed", [_line(finding) for finding in one.removed])
    yield from _list("Told otherwise", [_change(old, new) for old, new in one.changed])


def _list(title: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    yield f"**{title}**"
    yield ""
    yield from (f"- {line}" for line in lines[:_LISTED])
    if len(lines) > _LISTED:
        yield f"- and {len(lines) - _LISTED} more"
    yield ""


def _line(finding: Finding) -> str:
    kind = f"{finding.rule} {finding.severity} {finding.confidence}"
    return f"{kind} `{finding.path}:{finding.line}` {as_text(finding.message)}"


def _change(old: Finding, new: Finding) -> str:
    parts = [
        f"{name}: {as_text(str(before))} → {as_text(str(after))}"
        for name, before, after in (
            ("severity", old.severity, new.severity),
            ("confidence", old.confidence, new.confidence),
            ("message", old.message, new.message),
            ("suppressed", old.suppressed is not None, new.suppressed is not None),
        )
        if before != after
    ]
    return f"{new.rule} `{new.path}:{new.line}` {'; '.join(parts)}"


def _code(findings: Sequence[Finding], folder: Path) -> Iterator[str]:
    """Folded away: a reader opens what he wants to judge."""
    for finding in findings:
        lines = (folder / finding.path).read_text("utf-8", "replace").splitlines()
        first = max(1, finding.line - _AROUND)
        place = f"<code>{in_html(finding.path)}:{finding.line}</code>"
        yield f"<details><summary>{place} {in_html(finding.message)}</summary>"
        yield ""
        for number, line in enumerate(lines[first - 1 : finding.line + _AROUND], first):
            yield f"    {'>' if number == finding.line else ' '}{number:6}  {line}"
        yield ""
        yield "</details>"
        yield ""
