"""Which findings a fix made go away: its parent and itself are scanned, each with the files around what it touches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from llmlint.baseline import match
from llmlint.catalogue import load_catalogue
from llmlint.config import Confidence
from llmlint.files import language_of
from llmlint.findings import Finding
from llmlint.fleet.git_trees import TreeFilter
from llmlint.fleet.revision_scan import Asked, Scanned, scan_revision
from llmlint.scan import Counts
from llmlint.study.clone import Clone, Commit, Ranges, near
from llmlint.study.link import Gone, Seen

_REACH = 3
"""Lines that a finding may lie away from what the fix touches."""
_MOST_FILES = 400
"""A commit that touches more folders than that is no fix of one bug."""


def seen(clone: Clone, fix: Commit, least: Confidence, cache: str | None = None) -> Seen:
    changed = {path: lines for path, lines in clone.changed(fix).items() if language_of(path)}
    if not changed:
        return Seen(problem="touches no code that llmlint reads")
    before, after = (_around(clone.files(commit), changed) for commit in (fix.parent, fix.id))
    if len(before) > _MOST_FILES:
        return Seen(problem=f"{len(before)} files stand around it")
    scans = [_scanned(clone, commit, files, least, cache) for commit, files in ((fix.parent, before), (fix.id, after))]
    if faults := [fault for one in scans for fault in one.faults]:
        return Seen(problem=faults[0])
    old, new = (one.findings for one in scans)
    kept = match([_mark(finding) for finding in old], [_mark(finding) for finding in new])
    said = {_saying(finding) for finding in new}
    lost = [f for at, f in enumerate(old) if at not in kept and _saying(f) not in said]
    return Seen(tuple(_gone(finding) for finding in lost if _touched(finding, changed)))


def _around(files: Iterable[str], changed: Ranges) -> list[str]:
    """What is touched, and the code beside it."""
    folders = {PurePosixPath(path).parent for path in changed}
    return [file for file in files if language_of(file) and PurePosixPath(file).parent in folders]


def _scanned(clone: Clone, commit: str, files: Sequence[str], least: Confidence, cache: str | None) -> Scanned:
    """No files are none of them, where a filter without paths would be all."""
    if not files:
        return Scanned((), Counts())
    rules = tuple(rule.code for rule in load_catalogue() if rule.default)
    wanted = TreeFilter(paths=tuple(files))
    return scan_revision(Asked("", str(clone.folder), wanted, rules, least, cache), commit)


def _mark(finding: Finding) -> tuple[str, str]:
    return finding.path, finding.fingerprint


def _saying(finding: Finding) -> tuple[str, str, str, str]:
    """A finding whose line was rewritten, and that says the same of the same symbol, has not gone."""
    return finding.rule, finding.path, finding.symbol, finding.message


def _touched(finding: Finding, changed: Ranges) -> bool:
    places = ((finding.path, finding.line), *((step.path, step.line) for step in finding.evidence))
    return any(near(changed.get(path, ()), line, _REACH) for path, line in places)


def _gone(finding: Finding) -> Gone:
    return Gone(finding.rule, finding.causes, finding.path, finding.line, finding.symbol, finding.message)
