"""The findings of a run beside its records: what it was asked about, with what it saw of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from llmlint.catalogue import load_catalogue
from llmlint.dynamic.read import Run
from llmlint.findings import Finding
from llmlint.runtime.private import write_private

FILE = "findings.json"


def write_own_findings(
    folder: Path, findings: Sequence[Finding], runs: Sequence[Run] = (), seen: Sequence[Finding] = ()
) -> list[Finding]:
    """With the verdicts of the runs, where there are any yet; and what the runs saw that nobody had asked about."""
    from llmlint.report import Style, render
    from llmlint.runtime.verdicts import with_verdicts
    from llmlint.scan import Counts, ScanResult

    catalogue = load_catalogue()
    judged = [*(with_verdicts(findings, runs, catalogue) if runs else findings), *seen]
    result = ScanResult(findings=judged, counts=Counts(), rules=tuple(catalogue))
    write_private(folder / FILE, render("json", result, Style()))
    return judged


def own_findings(folder: Path) -> list[Finding]:
    from llmlint.report.json import Document

    document: Any = msgspec.json.decode((folder / FILE).read_bytes(), type=Document)
    found: list[Finding] = document.findings
    return found
