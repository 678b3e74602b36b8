"""What a commit, or a range of commits, teaches: each file that it changes, before and after, straight from git."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.alike.lessons import Lesson, lessons_of
from llmlint.alike.lookalikes import BESIDE
from llmlint.code.domain.roots import Roots
from llmlint.code.facts.facts import FileFacts
from llmlint.code.syntax.errors import Unreadable
from llmlint.files import language_of
from llmlint.fleet.git_objects import Commit, Git, GitError
from llmlint.reading import read_facts
from llmlint.vocabulary import Vocabulary


class Fix(NamedTuple):
    """`lessons` are those of each function; `files` counts the changed files that were compared."""

    commit: Commit
    lessons: list[Lesson]
    files: int


class _Change(NamedTuple):
    old: str
    new: str


def fix_at(git: Git, revision: str, vocabulary: Vocabulary) -> Fix:
    """`A..B` is what lies between the two; a commit is compared with its first parent. Raises GitError."""
    base, dots, head = revision.partition("..")
    commit = git.commit((head.lstrip(".") or "HEAD") if dots else revision)
    before = git.commit(base or "HEAD").sha if dots else _parent(git, commit)
    roots = Roots({}, vocabulary)
    found: list[Lesson] = []
    files = 0
    for change in _changes(git, before, commit.sha):
        language = language_of(change.new)
        if not language or roots.by_place(change.new) in BESIDE:
            continue
        old = _facts(git, before, change.old, language)
        new = _facts(git, commit.sha, change.new, language)
        if old is not None and new is not None:
            files += 1
            found += lessons_of(change.new, old, new)
    return Fix(commit, found, files)


def _parent(git: Git, commit: Commit) -> str:
    try:
        return git.resolved(f"{commit.sha}^1")
    except GitError as error:
        raise GitError(f"{git.folder}: {commit.sha[:12]} has no parent here to compare it with") from error


def _changes(git: Git, before: str, after: str) -> Iterator[_Change]:
    """Files that both revisions have, under their names in each."""
    fields = iter(git.ask("diff-tree", "-r", "-z", "-M", "--name-status", before, after).split("\0"))
    for status in fields:
        if status[:1] == "R":
            yield _Change(next(fields), next(fields))
        elif status:
            path = next(fields)
            if status[:1] in "MT":
                yield _Change(path, path)


def _facts(git: Git, commit: str, path: str, language: str) -> FileFacts | None:
    try:
        return read_facts(git.file(commit, path), language)
    except (Unreadable, RecursionError, MemoryError):
        return None
