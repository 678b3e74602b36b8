"""Which findings a fix made go away: its parent and itself are scanned, each with the files around what it touches."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from llmlint.baseline import match
from llmlint.files import language_of
from llmlint.findings import Finding
from llmlint.project import Request, scan
from llmlint.study.clone import Clone, Commit, Ranges, near
from llmlint.study.link import Gone, Seen

_REACH = 3
"""Lines that a finding may lie away from what the fix touches."""
_MOST_FILES = 400
"""A commit that touches more folders than that is no fix of one bug."""


def seen(clone: Clone, fix: Commit, cache: str | None = None) -> Seen:
    changed = {path: lines for path, lines in clone.changed(fix).items() if language_of(path)}
    if not changed:
        return Seen(problem="touches no code that llmlint reads")
    before, after = (_around(clone.files(commit), changed) for commit in (fix.parent, fix.id))
    if len(before) > _MOST_FILES:
        return Seen(problem=f"{len(before)} files stand around it")
    old = _findings(clone, fix.parent, before, cache)
    new = _findings(clone, fix.id, after, cache)
    kept = match([_mark(finding) for finding in old], [_mark(finding) for finding in new])
    said = {_saying(finding) for finding in new}
    lost = [f for at, f in enumerate(old) if at not in kept and _saying(f) not in said]
    return Seen(tuple(_gone(finding) for finding in lost if _touched(finding, changed)))


def _around(files: Iterable[str], changed: Ranges) -> list[str]:
    """What is touched, and the code beside it."""
    folders = {PurePosixPath(path).parent for path in changed}
    return [file for file in files if language_of(file) and PurePosixPath(file).parent in folders]


def _findings(clone: Clone, commit: str, files: Sequence[str], cache: str | None) -> list[Finding]:
    """What is shown by default, with paths as the repository has them."""
    with tempfile.TemporaryDirectory(prefix="llmlint-fix-") as folder:
        home = os.path.realpath(folder)
        clone.lay_out(commit, files, Path(home))
        result = scan(Request((home,), no_config=True, jobs=1, use_cache=cache is not None, cache_dir=cache))
        return [msgspec.structs.replace(f, path=_inside(f.path, home)) for f in result.shown]


def _inside(path: str, home: str) -> str:
    return Path(os.path.relpath(os.path.abspath(path), home)).as_posix()


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
