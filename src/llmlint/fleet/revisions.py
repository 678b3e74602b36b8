"""Which commits of a repository a fleet file means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from fnmatch import fnmatchcase

from llmlint.fleet.fleet_file import Repository
from llmlint.fleet.git_objects import Commit, Git, GitError


def revisions_of(repository: Repository, git: Git) -> list[Commit]:
    """Oldest first. The branch is followed by its first parents: what is merged came at its merge."""
    history = git.commits("--first-parent", git.resolved(repository.branch))
    chosen = {commit.sha: commit for commit in _chosen(repository, git, history)}
    kept = [commit for commit in chosen.values() if _is_between(commit, repository.since, repository.until)]
    if not kept:
        raise GitError(f"{repository.name}: no revision is left of what the fleet file asks for")
    place = {commit.sha: -number for number, commit in enumerate(history)}
    ordered = sorted(kept, key=lambda commit: (_moment(commit), place.get(commit.sha, 0)))
    return ordered[-repository.last :] if repository.last else ordered


def _chosen(repository: Repository, git: Git, history: Sequence[Commit]) -> Iterator[Commit]:
    if repository.range:
        yield from _range(git, repository.range)[:: repository.every or 1]
    elif repository.every:
        yield from history[:: repository.every]
    if repository.monthly:
        yield from _on(history, _months(history))
    yield from _on(history, map(_midnight, repository.dates))
    if repository.tags:
        for tag in git.ask("tag", "--list").split():
            if any(fnmatchcase(tag, pattern) for pattern in repository.tags):
                yield git.commit(f"refs/tags/{tag}")
    if not (repository.range or repository.every or repository.monthly or repository.dates or repository.tags):
        yield from history[:1]


def _range(git: Git, text: str) -> list[Commit]:
    start, dots, end = text.partition("..")
    if not dots or not start or not end or end.startswith("."):
        raise GitError(f"{git.folder}: a range is written A..B, not {text!r}")
    first = git.commit(start)
    return [*git.commits("--first-parent", f"{first.sha}..{git.resolved(end)}"), first]


def _months(history: Sequence[Commit]) -> Iterator[datetime]:
    """The first of each month that the history reaches into."""
    first, last = _moment(history[-1]).date(), _moment(history[0]).date()
    months = range(first.year * 12 + first.month, last.year * 12 + last.month)
    for month in months:
        yield _midnight(date(month // 12, month % 12 + 1, 1))


def _midnight(day: date) -> datetime:
    """As it begins (UTC)."""
    return datetime.combine(day, time(), UTC)


def _on(history: Sequence[Commit], moments: Iterable[datetime]) -> Iterator[Commit]:
    """The newest commit before each moment; none where the history had not begun."""
    for moment in moments:
        yield from [commit for commit in history if _moment(commit) < moment][:1]


def _moment(commit: Commit) -> datetime:
    return datetime.fromisoformat(commit.date)


def _is_between(commit: Commit, since: date | None, until: date | None) -> bool:
    """Both days included."""
    day = _moment(commit).date()
    return (since is None or day >= since) and (until is None or day <= until)
