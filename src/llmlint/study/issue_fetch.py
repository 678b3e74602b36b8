"""Fetches a repository's issues, the longest unchanged first, so that an end in the middle loses nothing.

Each page asks for what changed since the last issue of the page before. Page numbers would not do: an issue that
changes meanwhile moves to the end, all behind it move up by one, and the first of the next page is never seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

import msgspec

from llmlint.study.github_rest import Answer, GitHub
from llmlint.study.issue import Issue, issue_of
from llmlint.study.issue_store import IssueStore, Reached

_PAGE = 100


class Question(msgspec.Struct, frozen=True):
    """What to fetch of one repository. `since` is a time in ISO 8601, "" for all."""

    repository: str
    state: Literal["open", "closed", "all"] = "all"
    since: str = ""
    labels: tuple[str, ...] = ()
    pulls: bool = False

    def key(self, base_url: str) -> str:
        """Under which the store keeps how far it got."""
        return msgspec.json.encode([base_url, self]).decode()


class Told(msgspec.Struct, frozen=True):
    """How far a fetch is: entries seen in this run, of which so many were new or had changed."""

    seen: int
    changed: int
    updated: str
    got_on: bool
    """Whether the last page brought a later time of change."""


def fetch(question: Question, github: GitHub, store: IssueStore, tell: Callable[[Told], None] = lambda _: None) -> Told:
    """Goes on where the last fetch of the same question ended, finished or not."""
    key = question.key(github.base_url)
    before = store.reached(key)
    told = Told(0, 0, before.updated or question.since, False)
    url, etag = _address(github, question, told.updated), before.etag
    while url:
        answer = github.get(url, etag)
        if answer.entries is None:  # nothing has changed since the last fetch
            break
        told = _take(answer, question, store, key, told)
        tell(told)
        url, etag = _following(answer, github, question, told), ""
    return told


def _take(answer: Answer, question: Question, store: IssueStore, key: str, told: Told) -> Told:
    entries = [issue_of(entry, question.repository) for entry in answer.entries or ()]
    updated = max((told.updated, *(issue.updated for issue in entries)))
    # The tag of an answer is of use only where the next fetch will ask for the same address.
    etag = answer.etag if updated == told.updated and not answer.next_url else ""
    kept = [issue for issue in entries if question.pulls or not issue.is_pull]
    changed = store.put(_as_asked(kept, question), key, Reached(updated, etag))
    return Told(told.seen + len(entries), told.changed + changed, updated, updated != told.updated)


def _following(answer: Answer, github: GitHub, question: Question, told: Told) -> str:
    """Nothing after the last page. Where a whole page changed in one second, the server's own next one gets on."""
    if not answer.next_url:
        return ""
    return _address(github, question, told.updated) if told.got_on else answer.next_url


def _as_asked(issues: Sequence[Issue], question: Question) -> list[Issue]:
    """Under the name that was asked for, also where the repository was renamed since."""
    return [msgspec.structs.replace(issue, repository=question.repository) for issue in issues]


def _address(github: GitHub, question: Question, updated: str) -> str:
    wanted = {"state": question.state, "sort": "updated", "direction": "asc", "per_page": str(_PAGE)}
    if updated:
        wanted["since"] = _since(updated)
    if question.labels:
        wanted["labels"] = ",".join(question.labels)
    return f"{github.base_url}/repos/{question.repository}/issues?{urlencode(wanted)}"


def _since(updated: str) -> str:
    """A second earlier: others may have changed in the same one."""
    moment = datetime.fromisoformat(updated) - timedelta(seconds=1)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
