"""An issue or pull request as GitHub's REST interface gives it, and as we keep it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

_ADDRESS = re.compile(r"/(?:repos/)?([\w.-]+/[\w.-]+)/(?:issues|pull|pulls)/\d+(?:[/#?]|$)")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


class NotAnIssue(ValueError):
    """What should be an issue lacks what makes one; the message says what."""


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """Times are ISO 8601 in UTC, "" where unknown. Who wrote it is not kept, only how they belong to the project."""

    repository: str
    number: int
    title: str
    body: str = ""
    state: str = "open"
    reason: str = ""
    """Why it was closed: completed, not_planned, duplicate."""
    labels: tuple[str, ...] = ()
    association: str = ""
    comments: int = 0
    reactions: int = 0
    created: str = ""
    updated: str = ""
    closed: str = ""
    is_pull: bool = False
    merged: str = ""
    """When the pull request was merged."""
    url: str = ""
    """Where a browser shows it."""

    @property
    def text(self) -> str:
        """Title and body as one text; places in it are what evidence points at."""
        return f"{self.title}\n\n{self.body}"


def is_repository(name: str) -> bool:
    return _REPOSITORY.fullmatch(name) is not None


def issue_of(given: Mapping[str, Any], repository: str = "") -> Issue:
    """The issue in one entry of GitHub's answer; `repository` is for entries that do not say theirs."""
    number, title = given.get("number"), given.get("title")
    if not isinstance(number, int) or not isinstance(title, str):
        raise NotAnIssue("an issue has a number and a title")
    pull = given.get("pull_request")
    return Issue(
        repository=_repository_of(given) or _needed(repository, number),
        number=number,
        title=title,
        body=_text(given, "body"),
        state=_text(given, "state") or "open",
        reason=_text(given, "state_reason"),
        labels=tuple(_labels(given.get("labels") or ())),
        association=_text(given, "author_association"),
        comments=_count(given.get("comments")),
        reactions=_count((given.get("reactions") or {}).get("total_count")),
        created=_moment(given, "created_at"),
        updated=_moment(given, "updated_at"),
        closed=_moment(given, "closed_at"),
        is_pull=isinstance(pull, dict),
        merged=_moment(pull, "merged_at") if isinstance(pull, dict) else "",
        url=_text(given, "html_url"),
    )


def _repository_of(given: Mapping[str, Any]) -> str:
    found = (_ADDRESS.search(_text(given, key)) for key in ("html_url", "url"))
    return next((match[1] for match in found if match), "")


def _needed(repository: str, number: int) -> str:
    if not repository:
        raise NotAnIssue(f"issue {number} does not say which repository it is of")
    return repository


def _labels(given: Iterable[Any]) -> Iterable[str]:
    for label in given:
        name = label.get("name") if isinstance(label, dict) else label
        if isinstance(name, str):
            yield name


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _moment(given: Mapping[str, Any], key: str) -> str:
    """One way of writing a time, so that times compare as text."""
    return _text(given, key).replace("+00:00", "Z")
