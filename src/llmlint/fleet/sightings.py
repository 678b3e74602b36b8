"""A revision's findings as rows of the data set."""

from __future__ import annotations

from llmlint.fleet.dataset import Revision, Sighting
from llmlint.fleet.git_objects import Commit
from llmlint.fleet.revision_scan import Scanned


def sightings_of(scanned: Scanned, commit: Commit) -> list[Sighting]:
    return [
        Sighting(
            commit=commit.sha,
            date=commit.date,
            rule=finding.rule,
            name=finding.name,
            path=finding.path,
            symbol=finding.symbol,
            line=finding.line,
            severity=finding.severity,
            confidence=finding.confidence,
            message=finding.message,
            fingerprint=finding.fingerprint,
            about=tuple(sorted({step.path for step in finding.evidence} - {finding.path})),
        )
        for finding in scanned.findings
    ]


def revision_of(scanned: Scanned, project: str, commit: Commit) -> Revision:
    """Its number is for who knows all revisions of the project."""
    return Revision(
        project=project,
        number=0,
        commit=commit.sha,
        date=commit.date,
        files=scanned.counts.scanned,
        lines=scanned.counts.lines,
        findings=len(scanned.findings),
        faults=len(scanned.faults),
    )
