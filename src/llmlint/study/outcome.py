"""All figures of a report, from issues and their verdicts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from llmlint.catalogue import load_catalogue
from llmlint.study.classified import SUBJECTS, Classified, by_repository
from llmlint.study.survival import Curve, Stay, curve
from llmlint.study.wilson import wilson

FAULTS = SUBJECTS[:9]
"""The taxonomy's chapters, and `unclear`."""

_STALE = frozenset({"stale", "inactive"})
"""Labels of bots that close what nobody answered. Source: labels of vllm-project/vllm and sgl-project/sglang issues."""
_EXAMPLES = 5
_SECONDS_A_DAY = 86_400


class Share(msgspec.Struct, frozen=True):
    """So many of so many, and the 95 % interval of the share."""

    hits: int
    of: int
    low: float
    high: float

    @classmethod
    def counted(cls, hits: int, of: int) -> Share:
        return cls(hits, of, *wilson(hits, of))

    @property
    def value(self) -> float:
        return self.hits / self.of if self.of else 0.0


class Chapter(msgspec.Struct, frozen=True):
    name: str
    shares: dict[str, Share]
    """Of each repository's faults; under "all" of all of them."""
    closed: Share
    stale: Share
    """Closed for want of an answer, of those that were closed."""
    quartiles: tuple[float | None, float | None, float | None]
    """Days until a quarter, half and three quarters are closed."""
    quarters: dict[str, dict[str, int]]
    """Faults by quarter of a year, by repository."""


class Cause(msgspec.Struct, frozen=True):
    name: str
    chapter: str
    faults: int
    rules: tuple[str, ...]
    """Those whose pages name the cause."""


class Example(msgspec.Struct, frozen=True):
    repository: str
    number: int
    title: str
    url: str
    cause: str
    words: str


class Outcome(msgspec.Struct, frozen=True):
    first: str
    last: str
    """Days of the oldest and of the newest thing that is known; what is open is open on the last."""
    subjects: dict[str, dict[str, int]]
    """By repository: how many issues are about what."""
    chapters: tuple[Chapter, ...]
    causes: tuple[Cause, ...]
    stays: dict[str, Curve]
    """How long faults stay open, by repository."""
    quarters: tuple[str, ...]
    examples: dict[str, tuple[Example, ...]]

    @property
    def repositories(self) -> list[str]:
        return list(self.subjects)

    @property
    def issues(self) -> int:
        return sum(sum(counts.values()) for counts in self.subjects.values())

    @property
    def faults(self) -> int:
        return sum(counts[name] for counts in self.subjects.values() for name in FAULTS)


def outcome(found: Sequence[Classified]) -> Outcome:
    faults = [one for one in found if one.verdict.kind == "fault"]
    moments = sorted(filter(None, (moment for one in found for moment in _moments(one))))
    last = moments[-1] if moments else ""
    subjects = {
        name: {subject: counts[subject] for subject in SUBJECTS} for name, counts in by_repository(found).items()
    }
    grouped: defaultdict[str, list[Classified]] = defaultdict(list)
    for one in faults:
        grouped[one.verdict.subject].append(one)
    of_each = {name: sum(counts[subject] for subject in FAULTS) for name, counts in subjects.items()}
    return Outcome(
        first=moments[0][:10] if moments else "",
        last=last[:10],
        subjects=subjects,
        chapters=tuple(_chapter(name, grouped[name], of_each, last) for name in FAULTS),
        causes=tuple(_causes(faults)),
        stays={name: _curve((one for one in faults if one.issue.repository == name), last) for name in subjects},
        quarters=tuple(_all_quarters(faults)),
        examples={name: tuple(_examples(grouped[name])) for name in FAULTS if name != "unclear"},
    )


def _moments(one: Classified) -> tuple[str, str, str]:
    return one.issue.created, one.issue.updated, one.issue.closed


def _chapter(name: str, faults: Sequence[Classified], of_each: dict[str, int], last: str) -> Chapter:
    here = Counter(one.issue.repository for one in faults)
    closed = [one for one in faults if one.issue.closed]
    stays = _curve(faults, last)
    shares = {repository: Share.counted(here[repository], of) for repository, of in of_each.items()}
    return Chapter(
        name=name,
        shares=shares | {"all": Share.counted(len(faults), sum(of_each.values()))},
        closed=Share.counted(len(closed), len(faults)),
        stale=Share.counted(sum(map(_is_stale, closed)), len(closed)),
        quartiles=(stays.after(0.25), stays.after(0.5), stays.after(0.75)),
        quarters=_by_quarter(faults),
    )


def _is_stale(one: Classified) -> bool:
    return not _STALE.isdisjoint(label.lower() for label in one.issue.labels)


def _curve(faults: Iterable[Classified], last: str) -> Curve:
    return curve(stay for stay in (_stay(one, last) for one in faults) if stay)


def _stay(one: Classified, last: str) -> Stay | None:
    issue = one.issue
    if not issue.created:
        return None
    return Stay(round(_days(issue.created, issue.closed or last), 2), not issue.closed)


def _days(begin: str, end: str) -> float:
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() / _SECONDS_A_DAY)


def _by_quarter(faults: Iterable[Classified]) -> dict[str, dict[str, int]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in faults:
        if one.issue.created:
            counts[_quarter(one.issue.created)][one.issue.repository] += 1
    return {quarter: dict(counts[quarter]) for quarter in sorted(counts)}


def _quarter(moment: str) -> str:
    return f"{moment[:4]} Q{(int(moment[5:7]) + 2) // 3}"


def _all_quarters(faults: Sequence[Classified]) -> Iterable[str]:
    """From the first to the last, also those in which nothing was told of."""
    seen = sorted({_quarter(one.issue.created) for one in faults if one.issue.created})
    if seen:
        at, end = _number(seen[0]), _number(seen[-1])
        yield from (f"{number // 4} Q{number % 4 + 1}" for number in range(at, end + 1))


def _number(quarter: str) -> int:
    return int(quarter[:4]) * 4 + int(quarter[-1]) - 1


def _causes(faults: Iterable[Classified]) -> Iterable[Cause]:
    counts = Counter((one.verdict.cause, one.verdict.subject) for one in faults if one.verdict.cause)
    rules = rules_by_cause()
    for (name, chapter), number in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
        yield Cause(name, chapter, number, rules.get(name, ()))


def rules_by_cause() -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for rule in load_catalogue():
        for cause in rule.causes:
            found[cause].append(rule.code)
    return {cause: tuple(codes) for cause, codes in found.items()}


def _examples(faults: Iterable[Classified]) -> Iterable[Example]:
    """The surest, and among those the ones most people joined in."""
    sure = {"high": 0, "medium": 1, "low": 2}
    best = sorted(
        faults,
        key=lambda one: (
            sure[one.verdict.confidence],
            not one.verdict.cause,
            -one.issue.reactions - one.issue.comments,
            one.issue.repository,
            -one.issue.number,
        ),
    )
    for one in best[:_EXAMPLES]:
        issue = one.issue
        yield Example(
            issue.repository, issue.number, issue.title, issue.url, one.verdict.cause, one.verdict.words(issue)
        )
