"""Reads issues from JSON files that somebody kept of GitHub's answers: a list, or a list under `items` or `issues`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from llmlint.study.issue import Issue, NotAnIssue, issue_of

_UNDER = ("items", "issues")


class ImportProblem(ValueError):
    """A file that was named holds no issues; the message says why."""


def issues_in(paths: Iterable[Path], repository: str = "") -> Iterator[tuple[Path, list[Issue]]]:
    """Each file with its issues. A folder stands for all JSON files below it; some may be of something else."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*.json")):
                yield file, _if_issues(file, repository)
        else:
            yield path, _issues(path, repository)


def _if_issues(file: Path, repository: str) -> list[Issue]:
    try:
        return _issues(file, repository)
    except ImportProblem:
        return []


def _issues(file: Path, repository: str) -> list[Issue]:
    try:
        return [issue_of(entry, repository) for entry in _entries(json.loads(file.read_bytes()))]
    except (OSError, ValueError) as error:
        raise ImportProblem(f"{file}: {error}") from error


def _entries(document: Any) -> list[Any]:
    if isinstance(document, dict):
        document = next((document[key] for key in _UNDER if isinstance(document.get(key), list)), None)
    if not isinstance(document, list) or not all(isinstance(entry, dict) for entry in document):
        raise NotAnIssue("holds no list of issues")
    return document
