"""Mends findings whose fix is mechanical: edits that are kept only when a new scan no longer finds what they mend.

`edits.py` holds one edit for each kind of fix a checker asks for in `Report.data`. Files are rewritten through libcst,
so comments and formatting stay as they are.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import libcst as cst
import msgspec

from llmlint.findings import Finding
from llmlint.fixing.edits import edit_for
from llmlint.project import Request
from llmlint.project import scan as scan_project

_MOST_ROUNDS = 4


class Mended(msgspec.Struct):
    """What was mended: each file's text before and after, the findings that are gone, and those a bolder fix has."""

    files: dict[str, tuple[str, str]]
    fixed: list[Finding]
    unsafe: list[Finding]

    def diff(self) -> str:
        return "".join(_diff(path, before, after) for path, (before, after) in sorted(self.files.items()))

    def write(self) -> None:
        for path, (_, after) in self.files.items():
            Path(path).write_bytes(after.encode())


def mend(request: Request, findings: Sequence[Finding], unsafe: bool) -> Mended:
    """Edits for all findings that have one, less those after which the finding is still there or another one is new."""
    known = [finding for finding in findings if finding.suppressed is None and edit_for(finding) is not None]
    left_out = [] if unsafe else [finding for finding in known if not _is_safe(finding)]
    wanted = [finding for finding in known if finding not in left_out]
    before = Counter((finding.path, finding.rule) for finding in findings)
    for _ in range(_MOST_ROUNDS):
        texts, edited = _edited(wanted)
        if not edited:
            break
        given = {path: after.encode() for path, (_, after) in texts.items()}
        after = scan_project(msgspec.structs.replace(request, given={**request.given, **given})).findings
        there = {finding.fingerprint for finding in after}
        grown = {key for key, count in Counter((f.path, f.rule) for f in after).items() if count > before[key]}
        worse = {path for path, _ in grown}
        wanted = [f for f in edited if f.fingerprint not in there and f.path not in worse]
        if len(wanted) == len(edited):
            return Mended(texts, edited, left_out)
    return Mended({}, [], left_out)


def _is_safe(finding: Finding) -> bool:
    edit = edit_for(finding)
    return edit is not None and edit.is_safe(finding)


def _edited(findings: Iterable[Finding]) -> tuple[dict[str, tuple[str, str]], list[Finding]]:
    """The texts with all edits made, and the findings whose edit found its place."""
    by_file: dict[str, list[Finding]] = {}
    for finding in findings:
        by_file.setdefault(finding.path, []).append(finding)
    texts: dict[str, tuple[str, str]] = {}
    edited: list[Finding] = []
    for path, here in sorted(by_file.items()):
        data = Path(path).read_bytes()
        try:
            module = cst.parse_module(data)
        except (cst.ParserSyntaxError, UnicodeDecodeError):
            continue
        for finding in sorted(here, key=lambda f: f.line, reverse=True):  # from below, so that lines above stay put
            edit = edit_for(finding)
            changed = edit.apply(module, finding) if edit is not None else None
            if changed is not None:
                module = changed
                edited.append(finding)
        after = module.bytes
        if after != data:
            texts[path] = (data.decode(module.encoding), after.decode(module.encoding))
    return texts, edited


def _diff(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
