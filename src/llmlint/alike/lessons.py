"""What a fix teaches: the steps that it added to a function or took out, and what stood around them.

The two revisions of each function are compared trait by trait. Neighbouring differences make one lesson, and lessons
of the same steps from several functions are one: the more places a fix mended alike, the more is known of what they
have in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import msgspec

from llmlint.alike.traits import WEAK, Key, Trait, traits_of, traits_of_class
from llmlint.code.facts.facts import FileFacts

_NEAR = 4
"""Differences with so few lines between them are one step."""

_MOST_STEPS = 12
"""Who changes more at one place has rewritten it, and what of it was the fix cannot be told."""

_SAME_VALUE, _SAME_LINE, _SAME_BLOCK, _SAME_REGION, _SAME_FUNCTION = 4.0, 3.0, 2.0, 1.0, 0.3
_BLOCK, _SUBJECTS = 3, 2


class Spot(msgspec.Struct, frozen=True):
    """Where a lesson was learnt: the fixed function, and the first line of the fix in it."""

    path: str
    line: int
    symbol: str


class Lesson(NamedTuple):
    """`added` and `dropped` are the steps; `around` weighs what stood there before by how near it was."""

    added: tuple[Trait, ...]
    dropped: tuple[Trait, ...]
    around: Mapping[Trait, float]
    spots: tuple[Spot, ...]
    span: int

    @property
    def steps(self) -> tuple[frozenset[Key], frozenset[Key]]:
        return frozenset(t.key for t in self.added), frozenset(t.key for t in self.dropped)


def lessons_of(path: str, before: FileFacts, after: FileFacts) -> Iterator[Lesson]:
    """What a fix of one file teaches, function by function."""
    for symbol, old, new in _changed(before, after):
        for added, dropped, kept in _differences(old, new):
            lines = [trait.line for trait in added or dropped]
            around = _weighed((*added, *dropped), kept, lines)
            yield Lesson(added, dropped, around, (Spot(path, lines[0], symbol),), lines[-1] - lines[0])


def lesson_of_place(path: str, symbol: str, traits: Sequence[Trait], lines: Sequence[int]) -> Lesson:
    """A place as it is, where nobody has said yet what it lacks: what stands at and around some lines of a function."""
    named = tuple(trait for trait in traits if trait.line in lines)
    around = _weighed(named or traits[:1], traits, lines)
    return Lesson((), (), around, (Spot(path, lines[0], symbol),), max(lines) - min(lines))


def merged(lessons: Iterable[Lesson]) -> list[Lesson]:
    """Lessons of the same steps as one, which weighs what they have in common; most places first."""
    by_steps: dict[object, list[Lesson]] = {}
    for lesson in lessons:
        by_steps.setdefault(lesson.steps, []).append(lesson)
    found = [_joined(group) for group in by_steps.values()]
    return sorted(found, key=lambda lesson: -len(lesson.spots))


def _joined(group: Sequence[Lesson]) -> Lesson:
    first, weights, traits = group[0], Counter[Key](), dict[Key, Trait]()
    for lesson in group:
        for trait, weight in lesson.around.items():
            weights[trait.key] += weight / len(group)  # type: ignore[assignment]
            traits.setdefault(trait.key, trait)
    around = {traits[key]: weight for key, weight in weights.items()}
    spots = tuple(spot for lesson in group for spot in lesson.spots)
    return first._replace(around=around, spots=spots, span=max(lesson.span for lesson in group))


# ---------------------------------------------------------------- what differs


def _changed(before: FileFacts, after: FileFacts) -> Iterator[tuple[str, Sequence[Trait], Sequence[Trait]]]:
    """The functions and classes that both revisions have and that do not do the same, with their traits in each."""
    old = dict(_by_symbol(before))
    for symbol, traits in _by_symbol(after):
        was = old.get(symbol)
        if was is None:
            continue
        before_it, now = was(), traits()
        if [t.key for t in before_it] != [t.key for t in now]:
            yield symbol.partition(" ")[2], before_it, now


def _by_symbol(facts: FileFacts) -> Iterator[tuple[str, Callable[[], tuple[Trait, ...]]]]:
    seen: Counter[str] = Counter()
    for function in facts.functions:
        if function.has_body:
            seen[function.qualname] += 1
            yield f"{seen[function.qualname]} {function.qualname}", lambda f=function: traits_of(f)  # type: ignore[misc]
    if facts.language != "python":
        for cls in facts.classes:  # one template may be specialised many times
            seen[f"class {cls.qualname}"] += 1
            yield f"class-{seen[f'class {cls.qualname}']} {cls.qualname}", lambda c=cls: traits_of_class(c)  # type: ignore[misc]


_Difference = tuple[tuple[Trait, ...], tuple[Trait, ...], tuple[Trait, ...]]


def _differences(old: Sequence[Trait], new: Sequence[Trait]) -> Iterator[_Difference]:
    """Each with what was added and dropped there, and all that stayed, under its new lines."""
    matcher = SequenceMatcher(None, [t.key for t in old], [t.key for t in new], autojunk=False)
    kept = tuple(new[m.b + i] for m in matcher.get_matching_blocks() for i in range(m.size))
    moved = _moved(old, new)
    found: list[tuple[list[Trait], list[Trait]]] = []
    last = -_NEAR - 1
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            continue
        line = new[min(k, len(new) - 1)].line if new else 0
        if line - last > _NEAR:
            found.append(([], []))
        found[-1][0].extend(new[k:m])
        found[-1][1].extend(t._replace(line=line) for t in old[i:j])
        last = max(line, *(t.line for t in new[k:m])) if m > k else line
    for added, dropped in found:
        steps = tuple(t for t in added if t.key not in moved), tuple(t for t in dropped if t.key not in moved)
        if 0 < len([t for part in steps for t in part if t.kind not in WEAK]) <= _MOST_STEPS:
            yield _without_company(steps[0]), _without_company(steps[1]), kept


def _moved(old: Sequence[Trait], new: Sequence[Trait]) -> set[Key]:
    """What there is as much of as before says nothing by where it stands."""
    before, after = Counter(t.key for t in old), Counter(t.key for t in new)
    return {key for key, times in after.items() if before[key] == times}


def _without_company(steps: Sequence[Trait]) -> tuple[Trait, ...]:
    return tuple(trait for trait in steps if trait.kind not in WEAK)


def _weighed(steps: Sequence[Trait], kept: Sequence[Trait], lines: Sequence[int]) -> dict[Trait, float]:
    """What stayed, by how near it stands to the steps, and whether it is about the same values."""
    about = {name for step in steps for name in step.about[:_SUBJECTS]}
    regions = {step.region for step in steps if step.region}
    weights: dict[Trait, float] = {}
    for trait in kept:
        away = min(abs(trait.line - line) for line in lines)
        weight = _SAME_FUNCTION
        if trait.region in regions:
            weight = _SAME_REGION
        if away <= _BLOCK:
            weight = _SAME_BLOCK
        if away == 0:
            weight = _SAME_LINE
        if not about.isdisjoint(trait.about) and trait.kind not in ("accepts", "reads"):
            weight = max(weight, _SAME_VALUE)
        weights[trait] = weight * (0.3 if trait.kind in WEAK else 1.0)
    return _once(weights)


def _once(weights: Mapping[Trait, float]) -> dict[Trait, float]:
    best: dict[Key, tuple[Trait, float]] = {}
    for trait, weight in weights.items():
        if trait.key not in best or best[trait.key][1] < weight:
            best[trait.key] = (trait, weight)
    return dict(best.values())
