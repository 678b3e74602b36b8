"""Counted as in the study that llmlint grew from: pieces of text, many categories each (`rules/issue_compat.toml`)."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from llmlint.study.issue import Issue

OTHER = "other"
_FILE = Path(__file__).parents[1] / "rules" / "issue_compat.toml"


class CompatWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    first: int
    """So many bugs, the newest, were put into categories."""
    production: tuple[str, ...]
    labels: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]


class CompatCount(msgspec.Struct, frozen=True):
    """One repository as the study counted it, over all of its bugs and over the first of them."""

    repository: str
    production: int
    bugs: int
    over_all: dict[str, int]
    over_first: dict[str, int]


@lru_cache
def compat_words() -> CompatWords:
    return msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), CompatWords)


def count(repository: str, issues: Sequence[Issue]) -> CompatCount:
    """`issues` with the newest first, as the study's files had them."""
    words = compat_words()
    production = [issue for issue in issues if _holds(issue, words.production)]
    bugs = [issue for issue in production if {label.lower() for label in issue.labels} & set(words.labels)]
    found = [categories(issue) for issue in bugs]
    return CompatCount(repository, len(production), len(bugs), _counted(found), _counted(found[: words.first]))


def categories(issue: Issue) -> list[str]:
    return [name for name, pieces in compat_words().categories.items() if _holds(issue, pieces)] or [OTHER]


def _holds(issue: Issue, pieces: Iterable[str]) -> bool:
    text = f"{issue.title} {issue.body}".lower()
    return any(piece in text for piece in pieces)


def _counted(found: Iterable[Sequence[str]]) -> dict[str, int]:
    counts = Counter(name for names in found for name in names)
    return {name: counts[name] for name in (*compat_words().categories, OTHER)}
