"""What an issue is about: whether it tells of a fault at all, of which chapter, and by which cause, with the words
that say so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

from llmlint.study.issue import Issue
from llmlint.study.issue_text import said
from llmlint.study.issue_words import Chapter, Clue, Hit, Kind, KindWords, Phrases, as_phrase, issue_words
from llmlint.study.verdict import Verdict

_TAG = re.compile(r"\s*(?:[\[【]([^\]】]+)[\]】]|([\w .]{2,24}):(?=\s))")
_TITLE = 3
"""How many times as much a word counts in the title."""
_SURE_SAYS, _TAG_SAYS, _LABEL_SAYS, _WORD_SAYS = 20, 8, 5, 3
_COMMON: tuple[Chapter, ...] = ("model", "api", "gpu", "distributed", "performance", "memory", "concurrency", "state")
"""In doubt the chapter that more faults are of."""
_CLEAR, _ENOUGH = 2.0, 6


def classify(issue: Issue) -> Verdict:
    kind = kind_of(issue)
    if kind != "fault":
        return Verdict(kind=kind)
    found = _found(issue)
    scores = _scores(found, len(issue.title))
    if not scores:
        return Verdict(kind=kind)
    first, *others = sorted(scores, key=lambda chapter: (-scores[chapter], _COMMON.index(chapter)))
    words = [hit for hit in found if hit.value.chapter == first]
    best = min(words, key=lambda hit: (-_worth(hit, len(issue.title)), hit.start))
    cause = _cause([hit for hit in found if hit.value.chapter in (first, "")], len(issue.title))
    evidence = cause or best
    return Verdict(
        kind=kind,
        chapter=first,
        cause=cause.value.cause if cause else "",
        confidence=_confidence(scores[first], max((scores[other] for other in others), default=0)),
        start=evidence.start,
        end=evidence.end,
    )


# ------------------------------------------------------------------ is it a fault


def kind_of(issue: Issue) -> Kind:
    """By the tag of the title and the labels, and where they do not say it, by the title's words."""
    scores: defaultdict[Kind, int] = defaultdict(int)
    match = _TAG.match(issue.title)
    tag = as_phrase(match[1] or match[2]) if match else ""
    labels = {as_phrase(label) for label in issue.labels}
    for row in issue_words().kind:
        scores[row.kind] += _TAG_SAYS * (tag in row.tags)
        scores[row.kind] += _LABEL_SAYS * bool(labels & _label_phrases(row))
    for hit in _kind_phrases().hits(issue.title[match.end() if match and tag in _all_tags() else 0 :]):
        kind, worth = hit.value
        scores[kind] += worth
    if not any(scores.values()):
        scores["fault"] += _tells_of_a_fault(issue)
    return max(_KINDS, key=lambda kind: scores[kind]) if any(scores.values()) else "question"


_KINDS: tuple[Kind, ...] = ("fault", "build", "feature", "question", "upkeep")
"""In doubt the earlier."""


def _tells_of_a_fault(issue: Issue) -> bool:
    return any(_fault_words().within(line) for line in said(issue.body).split("\n"))


@lru_cache
def _label_phrases(row: KindWords) -> frozenset[str]:
    return frozenset(map(as_phrase, row.labels))


@lru_cache
def _all_tags() -> frozenset[str]:
    return frozenset(tag for row in issue_words().kind for tag in row.tags)


@lru_cache
def _kind_phrases() -> Phrases[tuple[Kind, int]]:
    said_by = ((row.kind, worth, words) for row in issue_words().kind for worth, words in _by_worth(row))
    return Phrases((word, (kind, worth)) for kind, worth, words in said_by for word in words)


def _by_worth(row: KindWords) -> tuple[tuple[int, tuple[str, ...]], ...]:
    return (_WORD_SAYS, row.words), (_SURE_SAYS, row.sure)


@lru_cache
def _fault_words() -> Phrases[None]:
    return Phrases((word, None) for row in issue_words().tells_error for word in row.words)


# ------------------------------------------------------------------ which chapter, which cause


@lru_cache
def _clues() -> Phrases[Clue]:
    return Phrases((word, clue) for clue in issue_words().clue for word in clue.words)


def _found(issue: Issue) -> list[Hit[Clue]]:
    """Each phrase once, where it stands first."""
    text = f"{issue.title}\n\n{said(issue.body)}"
    first: dict[tuple[str, str], Hit[Clue]] = {}
    for hit in _clues().hits(text):
        first.setdefault((hit.phrase, hit.value.chapter), hit)
    return list(first.values())


def _worth(hit: Hit[Clue], title: int) -> int:
    return hit.value.weight * (_TITLE if hit.start < title else 1)


def _scores(found: Iterable[Hit[Clue]], title: int) -> dict[Chapter, float]:
    """Of a chapter's clues each counts half as much as the one before: length alone wins nothing."""
    worths: defaultdict[Chapter, list[int]] = defaultdict(list)
    for hit in found:
        if hit.value.chapter:
            worths[hit.value.chapter].append(_worth(hit, title))
    return {
        chapter: sum(worth / 2**nth for nth, worth in enumerate(sorted(each, reverse=True)))
        for chapter, each in worths.items()
    }


def _cause(words: Sequence[Hit[Clue]], title: int) -> Hit[Clue] | None:
    named = [hit for hit in words if hit.value.cause]
    return min(named, key=lambda hit: (-_worth(hit, title), hit.start), default=None)


def _confidence(first: float, second: float) -> Literal["low", "medium", "high"]:
    if first >= _ENOUGH and first >= _CLEAR * second:
        return "high"
    return "medium" if first >= _ENOUGH and first > second + 2 else "low"
