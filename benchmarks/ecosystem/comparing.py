"""Two scans of one tree by two versions of llmlint: what is new, what is gone, and what is told in another way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from llmlint.findings import Finding, at_least

Key = Callable[[Finding], tuple[object, ...]]


class Difference(msgspec.Struct, frozen=True):
    """Of one tree. `changed` are findings of the same code by the same rule, before and after."""

    tree: str
    lines: int
    added: tuple[Finding, ...]
    removed: tuple[Finding, ...]
    changed: tuple[tuple[Finding, Finding], ...]
    shown: tuple[int, int]
    """How many findings a user sees who asks for nothing in particular, before and after."""
    seconds: tuple[float, float]
    """CPU-seconds, before and after."""

    @property
    def is_none(self) -> bool:
        return not (self.added or self.removed or self.changed)


def is_shown(finding: Finding) -> bool:
    return finding.suppressed is None and at_least(finding.confidence, "medium")


def compared(
    before: Sequence[Finding], after: Sequence[Finding]
) -> tuple[list[Finding], list[Finding], list[tuple[Finding, Finding]]]:
    """Added, removed, changed. First by fingerprint in the same file, then by rule and line: words may be others."""
    left, right = list(before), list(after)
    pairs: list[tuple[Finding, Finding]] = []
    for key in (_by_fingerprint, _by_line):
        found = _paired(left, right, key)
        pairs += found
        left = [finding for finding in left if not any(finding is old for old, _ in found)]
        right = [finding for finding in right if not any(finding is new for _, new in found)]
    changed = [(old, new) for old, new in pairs if _said(old) != _said(new)]
    return _in_order(right), _in_order(left), sorted(changed, key=lambda pair: pair[1].order)


def _paired(before: Sequence[Finding], after: Sequence[Finding], key: Key) -> list[tuple[Finding, Finding]]:
    waiting: defaultdict[tuple[object, ...], list[Finding]] = defaultdict(list)
    for finding in reversed(before):
        waiting[key(finding)].append(finding)
    return [(waiting[key(finding)].pop(), finding) for finding in after if waiting[key(finding)]]


def _by_fingerprint(finding: Finding) -> tuple[object, ...]:
    return (finding.path, finding.rule, finding.fingerprint)


def _by_line(finding: Finding) -> tuple[object, ...]:
    return (finding.path, finding.rule, finding.line)


def _said(finding: Finding) -> tuple[object, ...]:
    """What a reader would notice."""
    return (finding.severity, finding.confidence, finding.message, finding.suppressed is None)


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    """What is shown by default comes first."""
    return sorted(findings, key=lambda finding: (not is_shown(finding), finding.order))
