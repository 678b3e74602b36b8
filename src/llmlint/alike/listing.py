"""What `llmlint siblings` tells: what was learnt, and the places that look as the fixed one did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from llmlint.alike.bodies import same_file
from llmlint.alike.lessons import Lesson, Spot, lesson_of_place
from llmlint.alike.lookalikes import ITSELF, Lookalikes, Place
from llmlint.findings import Finding
from llmlint.plain import counted, one_line, plain

_MOST_SPOTS = 4


class Start(msgspec.Struct, frozen=True):
    """From where to look for siblings. `told` are the findings of the same rule, where it began with one."""

    about: str
    lessons: Sequence[Lesson]
    is_fix: bool = True
    files: int = 0
    told: Sequence[Finding] = ()


class Learnt(msgspec.Struct, frozen=True):
    """One lesson in words: the steps that the fix added and dropped, and where."""

    added: tuple[str, ...]
    dropped: tuple[str, ...]
    spots: tuple[Spot, ...]


class Evidence(msgspec.Struct, frozen=True):
    line: int
    message: str


class Sibling(msgspec.Struct, frozen=True):
    """A place that looks as the fixed one did. `likeness` is at most 1; `lesson` counts in the lessons from 0.

    `lacks` are added steps that are not taken here, `still_has` dropped ones that are; `kin` says how it is related;
    `told` names the rule where the report has a finding in this function.
    """

    path: str
    line: int
    symbol: str
    likeness: float
    lesson: int
    lacks: tuple[str, ...]
    still_has: tuple[str, ...]
    kin: str
    told: str
    evidence: tuple[Evidence, ...]


class Listing(msgspec.Struct, frozen=True):
    """`left_out` counts the places that are less like the fixed one than those that are listed."""

    about: str
    lessons: tuple[Learnt, ...]
    siblings: tuple[Sibling, ...]
    left_out: int = 0


def start_at(
    looked: Lookalikes, path: str, lines: Sequence[int], about: str, told: Sequence[Finding] = ()
) -> Start | None:
    """From the function that the first of some lines stands in; None where there is none."""
    body = looked.at(path, lines[0])
    if body is None:
        return None
    inside = [line for line in lines if body.first <= line <= body.last]
    return Start(about, [lesson_of_place(path, body.symbol, body.traits, inside)], False, told=told)


def listing(looked: Lookalikes, start: Start, shown: Callable[[str], str], most: int) -> Listing:
    """`shown` makes the path that a reader knows of a program's."""
    found = [place for at, lesson in enumerate(start.lessons) for place in looked.like(lesson, at)]
    best = [place for place in _best(found) if start.is_fix or place.kin != ITSELF]
    siblings = tuple(_sibling(place, shown, start.told) for place in best[:most])
    learnt = tuple(_learnt(lesson) for lesson in start.lessons)
    return Listing(start.about, learnt, siblings, max(0, len(best) - most))


def _best(places: Iterable[Place]) -> list[Place]:
    """One for each function, the best first; what another lesson says of it too is told with it."""
    by_function: dict[tuple[str, str], list[Place]] = {}
    for place in sorted(places, key=lambda p: -p.score):
        by_function.setdefault((place.path, place.symbol), []).append(place)
    joined = []
    for best, *others in by_function.values():
        lacks = dict.fromkeys((*best.lacks, *(told for other in others for told in other.lacks)))
        has = dict.fromkeys((*best.has, *(told for other in others for told in other.has)))
        joined.append(best._replace(lacks=tuple(lacks), has=tuple(has)))
    return sorted(joined, key=lambda p: (-p.score, p.path, p.line))


def _sibling(place: Place, shown: Callable[[str], str], told: Iterable[Finding]) -> Sibling:
    path = shown(place.path)
    rules = {f.rule for f in told if same_file(f.path, path) and f.symbol == place.symbol}
    evidence = tuple(Evidence(step.line, step.message) for step in place.steps)
    return Sibling(
        path,
        place.line,
        place.symbol,
        round(place.score, 2),
        place.lesson,
        place.lacks,
        place.has,
        place.kin,
        ", ".join(sorted(rules)),
        evidence,
    )


def _learnt(lesson: Lesson) -> Learnt:
    return Learnt(_once(t.told for t in lesson.added), _once(t.told for t in lesson.dropped), lesson.spots)


def _once(told: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(told))


# ---------------------------------------------------------------- output


def as_json(found: Listing) -> str:
    return msgspec.json.format(msgspec.json.encode(plain(found)), indent=2).decode() + "\n"


def as_text(found: Listing) -> str:
    lines = [found.about]
    for number, lesson in enumerate(found.lessons, 1):
        if lesson.added or lesson.dropped:
            lines += ["", f"{number}. {_steps(lesson)}", f"   {_where(lesson.spots)}"]
    for sibling in found.siblings:
        lines += ["", *_told(sibling, len(found.lessons) > 1)]
    more = f"; {found.left_out} more are less alike" if found.left_out else ""
    lines += ["", f"{counted(len(found.siblings), 'place')} like it{more}"]
    return "\n".join(map(one_line, lines)) + "\n"


def _steps(lesson: Learnt) -> str:
    added = [f"+ {told}" for told in lesson.added]
    return ", ".join([*added, *(f"- {told}" for told in lesson.dropped)])


def _where(spots: Sequence[Spot]) -> str:
    named = [f"{spot.path}:{spot.line} {spot.symbol}" for spot in spots[:_MOST_SPOTS]]
    more = [f"{len(spots) - _MOST_SPOTS} more"] if len(spots) > _MOST_SPOTS else []
    return ", ".join([*named, *more])


def _told(sibling: Sibling, is_numbered: bool) -> Iterator[str]:
    number = f"  (as {sibling.lesson + 1})" if is_numbered else ""
    kin = f"  {sibling.kin}" if sibling.kin else ""
    yield f"{sibling.path}:{sibling.line}  {sibling.symbol}  {sibling.likeness:.2f}{number}{kin}"
    if sibling.lacks:
        yield f"    not here: {', '.join(sibling.lacks)}"
    if sibling.still_has:
        yield f"    still here: {', '.join(sibling.still_has)}"
    if sibling.told:
        yield f"    the report has {sibling.told} here too"
    for step in sibling.evidence:
        yield f"    {step.line:>5}  {step.message}"
