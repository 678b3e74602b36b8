"""What llmlint tells of a file as it was before a mend, each file for itself."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from benchmarks.histories import History, HistoryError
from benchmarks.mended.edits import Mend
from llmlint.findings import Finding
from llmlint.project import Request, scan


class Told(Enum):
    SHOWN = "shown"
    LOW = "low"
    NOT = "not"


def told_of(mends: Sequence[Mend], clones: dict[str, Path]) -> list[Told]:
    return [_told(mend, clones[mend.project]) for mend in mends]


def _told(mend: Mend, repository: Path) -> Told:
    text = _before(mend, repository)
    if text is None:
        return Told.NOT
    name = mend.path.rpartition("/")[2]
    request = Request((name,), given={name: text.encode()}, use_cache=False, isolated=True, min_confidence="low")
    lines = _lines(text, mend.old)
    at = [finding for finding in scan(request).findings if _is_at(finding, lines)]
    if any(finding.confidence != "low" for finding in at):
        return Told.SHOWN
    return Told.LOW if at else Told.NOT


def _before(mend: Mend, repository: Path) -> str | None:
    with History(repository) as history:
        try:
            blob = history.files(f"{mend.commit}^").get(mend.path)
            data = history.blob(blob) if blob else None
        except HistoryError:
            return None
    return data.decode("utf-8", "replace") if data is not None else None


def _lines(text: str, old: str) -> set[int]:
    wanted = {line.strip() for line in old.split("\n") if line.strip()}
    return {number for number, line in enumerate(text.split("\n"), 1) if line.strip() in wanted}


def _is_at(finding: Finding, lines: set[int]) -> bool:
    return any(finding.line - 1 <= line <= max(finding.line, finding.end_line) + 1 for line in lines)
