"""From an issue to the pull request that fixes it, and on to the commit: by what pull requests and commits say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from llmlint.study.clone import Commit
from llmlint.study.issue import Issue
from llmlint.study.link import How, Link

_CLOSES = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b:?\s+(?:issue\s+)?"
    r"(?:https?://[^/\s]+/(?P<far>[\w.-]+/[\w.-]+)/issues/|(?P<other>[\w.-]+/[\w.-]+)?\#)(?P<number>\d+)\b",
    re.IGNORECASE,
)
"""The words that GitHub closes an issue by (docs.github.com, "Linking a pull request to an issue")."""
_OWN_PULL = re.compile(r"\(#(\d+)\)\s*$")
"""What GitHub puts behind the subject of a squashed pull request."""
_NAMED = re.compile(r"(?<![\w/#])#(\d+)\b")
_ABOUT_THEN = timedelta(days=7)


def closed_by(text: str, repository: str) -> Iterator[int]:
    """The issues of the repository that a text says it closes."""
    for match in _CLOSES.finditer(text):
        if (match["far"] or match["other"] or repository).lower() == repository.lower():
            yield int(match["number"])


def links(repository: str, issues: Sequence[Issue], pulls: Iterable[Issue], commits: Iterable[Commit]) -> list[Link]:
    """One for each issue that has any: the surest, and of those the latest fix, which the ones before did not do."""
    known = {issue.number: issue for issue in issues}
    by_pull: dict[int, Commit] = {}
    found: list[Link] = []
    for commit in commits:
        own = _OWN_PULL.search(commit.subject)
        if own:
            by_pull.setdefault(int(own[1]), commit)
        found += _of_commit(repository, known, commit, int(own[1]) if own else 0)
    found += _of_pulls(repository, known, pulls, by_pull)
    best: dict[int, Link] = {}
    for link in sorted(found, key=_surest_last):
        best[link.issue] = link
    return [best[number] for number in sorted(best)]


def _surest_last(link: Link) -> tuple[bool, int, int]:
    return bool(link.commit), ("named", "commit", "pull").index(link.how), link.pull


def _of_pulls(
    repository: str, known: dict[int, Issue], pulls: Iterable[Issue], by_pull: dict[int, Commit]
) -> Iterator[Link]:
    for pull in pulls:
        if pull.merged or pull.number in by_pull:
            commit = by_pull.get(pull.number)
            for number in closed_by(pull.text, repository):
                if number in known:
                    yield _link(repository, number, pull.number, commit, "pull")


def _of_commit(repository: str, known: dict[int, Issue], commit: Commit, pull: int) -> Iterator[Link]:
    closes = set(closed_by(f"{commit.subject}\n{commit.body}", repository))
    named = {int(match[1]) for match in _NAMED.finditer(commit.subject)} - {pull} - closes
    for number in closes & known.keys():
        yield _link(repository, number, pull, commit, "commit")
    for number in named & known.keys():
        if _closed_about(known[number], commit):
            yield _link(repository, number, pull, commit, "named")


def _closed_about(issue: Issue, commit: Commit) -> bool:
    if not issue.closed:
        return False
    return abs(datetime.fromisoformat(issue.closed) - datetime.fromisoformat(commit.when)) <= _ABOUT_THEN


def _link(repository: str, issue: int, pull: int, commit: Commit | None, how: How) -> Link:
    return Link(repository, issue, pull, commit.id if commit else "", commit.parent if commit else "", how)
