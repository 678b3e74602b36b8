"""What counts: when a finding points at a case's place, and when the case is found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from benchmarks.real_bugs.cases import Case, Where
from llmlint.findings import Finding, at_least

NEAR = 3
"""Lines a finding may lie away from the place."""

SHOWN = "medium"
"""The least confidence a user sees by default."""


class Judgement(msgspec.Struct, frozen=True):
    """`pointed` and `found` count what is shown by default; the `_low` twins count everything."""

    pointed: bool
    found: bool
    pointed_low: bool
    found_low: bool
    pointers: tuple[str, ...]
    """Rule, line and symbol of each finding at the place, and whether it is gone: for a reader."""
    found_by: tuple[str, ...] = ()
    """The mechanisms that find it, of what is shown by default."""


def judge(case: Case, before: Sequence[Finding], after: Sequence[Finding]) -> Judgement:
    pointing = [finding for finding in before if points_at(case, finding)]
    finding_it = [f for f in pointing if case.cause in f.causes and not (case.gone and remains(f, after))]
    return Judgement(
        pointed=any(map(shown, pointing)),
        found=any(map(shown, finding_it)),
        pointed_low=bool(pointing),
        found_low=bool(finding_it),
        pointers=tuple(_described(finding, remains(finding, after)) for finding in pointing),
        found_by=tuple(sorted({mechanism(finding) for finding in finding_it if shown(finding)})),
    )


def points_at(case: Case, finding: Finding) -> bool:
    return any(at_place(where, finding) for where in case.where)


def at_place(where: Where, finding: Finding) -> bool:
    first, last = where.lines
    near = first - NEAR <= finding.line <= last + NEAR
    return finding.path == where.file and (near or within(finding.symbol, where.symbol))


def within(symbol: str, outer: str) -> bool:
    """`outer` is the symbol or encloses it; a namespace or class in front of either does not matter."""
    inner_parts, outer_parts = _parts(symbol), _parts(outer)
    count = len(outer_parts)
    starts = range(len(inner_parts) - count + 1)
    return count > 0 and any(inner_parts[start : start + count] == outer_parts for start in starts)


def remains(finding: Finding, after: Iterable[Finding]) -> bool:
    """Whether the fixed tree still has it: by fingerprint, or reformatted but saying the same of the same symbol."""
    return any(
        other.fingerprint == finding.fingerprint
        or (other.rule, other.path, other.symbol, other.message)
        == (finding.rule, finding.path, finding.symbol, finding.message)
        for other in after
    )


def mechanism(finding: Finding) -> str:
    return f"{finding.rule} {finding.mechanism}"


def shown(finding: Finding) -> bool:
    return at_least(finding.confidence, SHOWN)


def _parts(symbol: str) -> list[str]:
    return [part for part in re.split(r"::|\.", symbol) if part and part != "<locals>"]


def _described(finding: Finding, still_there: bool) -> str:
    state = "still there" if still_there else "gone"
    return f"{finding.rule} {finding.confidence} {finding.path}:{finding.line} {finding.symbol} ({state})"
