"""The labels, and how far a classifier agrees with them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from llmlint.study.classifying import classify
from llmlint.study.compat import categories
from llmlint.study.issue import Issue

LABELS = Path(__file__).parent / "labels.tsv"
CHAPTERS = ("memory", "concurrency", "gpu", "api", "model", "performance", "distributed", "state")
NONE, UNCLEAR = "none", "unclear"
COMPAT = {"scaling": "distributed"}
"""Where the study's category has another name than our chapter."""


class Label(msgspec.Struct, frozen=True):
    repository: str
    number: int
    chapter: str
    set: str
    """learn: words were chosen by it; blind: nobody looked at it before they were; second: another reading, later."""


class Read(msgspec.Struct, frozen=True):
    """One issue with what a reader says of it, and what classifiers say: ours one chapter, the study's any number."""

    label: str
    ours: str
    study: tuple[str, ...]
    confidence: str = ""
    """Of ours, where it is a fault for us."""


class Agreement(msgspec.Struct, frozen=True):
    chapter: str
    labelled: int
    said: int
    both: int


def labels(of: str = "") -> list[Label]:
    with LABELS.open(encoding="utf-8") as lines:
        rows = [
            Label(r["repository"], int(r["number"]), r["chapter"], r["set"])
            for r in csv.DictReader(lines, delimiter="\t")
        ]
    return [row for row in rows if of in ("", row.set)]


def read(labelled: Iterable[Label], issues: dict[tuple[str, int], Issue]) -> list[Read]:
    """Those that a reader could put somewhere."""
    return [_read(label, issues[label.repository, label.number]) for label in labelled if label.chapter != UNCLEAR]


def _read(label: Label, issue: Issue) -> Read:
    verdict = classify(issue)
    ours = verdict.subject if verdict.kind == "fault" else NONE
    study = tuple(COMPAT.get(name, name) for name in categories(issue))
    return Read(label.chapter, ours, study, verdict.confidence if verdict.kind == "fault" else "")


def per_chapter(reads: Sequence[Read], says: Callable[[Read, str], bool]) -> list[Agreement]:
    return [
        Agreement(
            chapter,
            sum(one.label == chapter for one in reads),
            sum(says(one, chapter) for one in reads),
            sum(one.label == chapter and says(one, chapter) for one in reads),
        )
        for chapter in (*CHAPTERS, NONE)
    ]


def kappa(reads: Sequence[Read]) -> float:
    """Cohen's: agreement beyond what two who draw lots as often would have."""
    seen = sum(one.label == one.ours for one in reads) / len(reads)
    theirs, ours = Counter(one.label for one in reads), Counter(one.ours for one in reads)
    lots = sum(theirs[name] * ours[name] for name in theirs) / len(reads) ** 2
    return (seen - lots) / (1 - lots)
