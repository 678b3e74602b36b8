"""Mends findings whose fix is mechanical: edits that are kept only when a new scan no longer finds what they mend.

`edit_table.py` names one edit for each kind of fix a checker asks for in `Report.data`. Files are rewritten through
libcst, so comments, formatting, encoding and line endings stay as they are.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from llmlint.files import language_of
from llmlint.findings import ALSO_AT, Finding, at_least
from llmlint.opening import read_file
from llmlint.project import Request
from llmlint.project import scan as scan_project
from llmlint.writing import write_file

if TYPE_CHECKING:
    from llmlint.fixing.edits import Edits

Judged = Callable[[Mapping[str, bytes]], Iterable[Finding]]
"""The findings there are when these files, by path, hold this content."""

_SAFE_FROM = {
    "clear": "high",
    "plain": "low",
    "argument": "",  # how long to wait is for the project to say
    "maxsize": "",  # how many entries to keep, likewise
    "release": "",  # what is given back twice is worse than what is not given back
    "super": "",  # the base may do more than what is missing
    "snapshot": "high",
    "ask_done": "",  # what becomes of the answer then is for the reader to say
    "await_sleep": "",  # others get their turn meanwhile
    "hand_on": "",  # it may have been left out on purpose
    "format": "medium",
    "f_before": "",  # it may be a pattern that somebody fills
    "give_back": "",  # callers may not be ready for it
}
"""The keys of a report's data that ask for an edit: with what confidence it may be made without a look ("": never)."""


class Mended(msgspec.Struct):
    """What was mended: each file before and after, the findings that are gone, and those a bolder fix has."""

    files: dict[str, tuple[bytes, bytes]]
    fixed: list[Finding]
    unsafe: list[Finding]

    def diff(self) -> str:
        return "".join(_diff(path, before, after) for path, (before, after) in sorted(self.files.items()))

    def write(self) -> Iterator[str]:
        """Writes the files that are still as they were read; says of each other one why it was left alone."""
        for path, (before, after) in self.files.items():
            try:
                write_file(Path(path), after, before)
            except OSError as error:
                self.fixed = [finding for finding in self.fixed if finding.path != path]
                yield f"{path}: not mended: {error.strerror}"


def is_fixable(finding: Finding, unsafe: bool = True) -> bool:
    """Does the finding say how to mend it? Whether the code allows it shows when it is tried."""
    kind = _kind(finding)
    if not kind or language_of(finding.path) != "python":
        return False
    safe_from = _SAFE_FROM[kind]
    return unsafe or (bool(safe_from) and at_least(finding.confidence, safe_from))


def _kind(finding: Finding) -> str:
    return next((kind for kind in _SAFE_FROM if kind in finding.data), "")


def mend(request: Request, findings: Sequence[Finding], unsafe: bool) -> Mended:
    """Edits for all findings that have one, less those after which the finding is still there or another one is new."""

    def judged(content: Mapping[str, bytes]) -> Iterable[Finding]:
        return scan_project(msgspec.structs.replace(request, given={**request.given, **content})).findings

    return mend_content(findings, judged, request.given, unsafe)


def mend_content(
    findings: Sequence[Finding], judged: Judged, content: Mapping[str, bytes], unsafe: bool, only: str = ""
) -> Mended:
    """`content` holds files that differ from what is on disk. `only`: the fingerprint of the one finding to mend."""
    known = [f for f in findings if f.suppressed is None and is_fixable(f) and only in ("", f.fingerprint)]
    wanted = [finding for finding in known if is_fixable(finding, unsafe)]
    left_out = [finding for finding in known if finding not in wanted]
    before = dict(_contents({finding.path for finding in wanted}, content))
    while wanted:
        after, edited = _edited(wanted, before)
        failed = _failed(findings, edited, judged({**content, **after}), set(after)) if edited else []
        if not failed:
            return Mended({path: (before[path], after[path]) for path in after}, edited, left_out)
        wanted = [finding for finding in edited if finding not in failed]
    return Mended({}, [], left_out)


def _contents(paths: Iterable[str], content: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for path in sorted(paths):
        with suppress(OSError):  # it went away after it was scanned
            yield path, content[path] if path in content else read_file(path)


def _edited(wanted: Sequence[Finding], before: Mapping[str, bytes]) -> tuple[dict[str, bytes], list[Finding]]:
    """The files with all edits made, and the findings whose edit found its place."""
    from llmlint.fixing.edits import UnfitFile, open_file

    after: dict[str, bytes] = {}
    edited: list[Finding] = []
    for path, data in before.items():
        try:
            edits = open_file(data)
        except UnfitFile:
            continue
        here = [finding for finding in wanted if finding.path == path and _make(edits, finding)]
        if here:
            after[path] = edits.bytes()
            edited += here
    return after, edited


def _make(edits: Edits, finding: Finding) -> bool:
    from llmlint.fixing.edit_table import EDITS

    edit = EDITS[_kind(finding)]
    others = (
        msgspec.structs.replace(finding, line=line, column=column, end_line=end_line, end_column=end_column)
        for line, column, end_line, end_column in finding.data.get(ALSO_AT, ())
    )
    made = [edit(edits, place) for place in (finding, *others)]
    return all(made)


def _failed(
    before: Iterable[Finding], edited: Sequence[Finding], after: Iterable[Finding], changed: set[str]
) -> list[Finding]:
    """The mended findings that are still there, and all those of a file that has a finding it did not have."""
    had, has = Counter(map(_likeness, before)), Counter(map(_likeness, after))
    expected = had - Counter(map(_likeness, edited))
    spoilt = {path for path, *rest in has if path in changed and has[path, *rest] > had[path, *rest]}
    return [f for f in edited if f.path in spoilt or has[_likeness(f)] > expected[_likeness(f)]]


def _likeness(finding: Finding) -> tuple[str, ...]:
    """What stays of a finding when lines above it come and go."""
    return (finding.path, finding.rule, finding.symbol, finding.message)


def _diff(path: str, before: bytes, after: bytes) -> str:
    old, new = (re.findall(r".*\n|.+", data.decode("utf-8", "replace")) for data in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
