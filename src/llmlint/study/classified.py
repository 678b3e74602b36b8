"""Issues with their verdicts: from the store where they were made with the same words, else made now and stored."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import msgspec

from llmlint import __version__
from llmlint.study.classifying import classify
from llmlint.study.issue import Issue
from llmlint.study.issue_store import IssueStore
from llmlint.study.issue_words import WORDS_FILE
from llmlint.study.verdict import Verdict

SUBJECTS = (
    *("memory", "concurrency", "gpu", "api", "model", "performance", "distributed", "state", "unclear"),
    *("feature", "question", "build", "upkeep"),
)
"""The taxonomy's chapters and faults of none; then what is no fault."""

_TELL_EVERY = 200


class Classified(msgspec.Struct, frozen=True):
    issue: Issue
    verdict: Verdict


def classified(
    store: IssueStore, repositories: Sequence[str] = (), tell: Callable[[int, int], None] = lambda _done, _total: None
) -> list[Classified]:
    known = store.verdicts(_made_with())
    found, fresh = [], []
    issues = list(store.issues(repositories))
    for done, issue in enumerate(issues):
        verdict = known.get((issue.repository, issue.number))
        if verdict is None:
            verdict = classify(issue)
            fresh.append((issue, verdict))
        found.append(Classified(issue, verdict))
        if done % _TELL_EVERY == 0:
            tell(done, len(issues))
    store.put_verdicts(_made_with(), fresh)
    return found


@cache
def _made_with() -> str:
    """This llmlint and its words."""
    return hashlib.sha256(__version__.encode() + WORDS_FILE.read_bytes()).hexdigest()[:16]


def by_repository(found: Iterable[Classified]) -> dict[str, Counter[str]]:
    """How many issues of each repository are about what."""
    counts: dict[str, Counter[str]] = {}
    for one in found:
        counts.setdefault(one.issue.repository, Counter())[one.verdict.subject] += 1
    return counts
