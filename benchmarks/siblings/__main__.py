"""`python -m benchmarks.siblings`: what is learnt from one fixed place, and where the others stand in its list.

Two questions, over the manifest of real bugs. *Pairs*: two bugs of one kind, mended one after the other; is the place
of the later one in the list that the earlier fix gives for the tree it left behind? *One left out*: a fix that mended
several functions alike; is another of them in the list that one alone gives for the tree before?
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
import msgspec

from benchmarks.histories import History, sources
from benchmarks.real_bugs.cases import Case, load_cases, load_projects
from benchmarks.real_bugs.options import cache_option, histories_option, open_history
from llmlint.alike.bodies import same_file
from llmlint.alike.fixes import fix_at
from llmlint.alike.lessons import Lesson, merged
from llmlint.alike.lookalikes import Lookalikes, Place
from llmlint.code.facts.facts import FileFacts
from llmlint.code.link.program import Program
from llmlint.code.syntax.errors import Unreadable
from llmlint.files import language_of
from llmlint.fleet.git_objects import Git, GitError
from llmlint.reading import read_facts
from llmlint.scan import collection_off
from llmlint.vocabulary_file import load_vocabulary

HERE = Path(__file__).parent
RESULT = HERE / "results.md"
VOCABULARY = load_vocabulary(None)


class Pair(msgspec.Struct, frozen=True):
    learnt: str
    later: str
    shared: str


class Answer(msgspec.Struct, frozen=True):
    """`rank` counts from 1, 0 where the place is not in the list; `absent` where the tree has no such function yet."""

    question: str
    wanted: str
    rank: int
    listed: int
    absent: bool = False


class Trees:
    """Programs at commits of one project; a file that two neighbours share is read once."""

    def __init__(self, history: History, scopes: Sequence[str]) -> None:
        self._history = history
        self._scopes = scopes
        self._facts: dict[tuple[str, str], FileFacts | None] = {}

    def at(self, commit: str) -> Lookalikes:
        wanted = sources(self._history.files(commit), self._scopes)
        kept = {(blob, language_of(path) or ""): path for path, blob in wanted.items() if language_of(path)}
        with collection_off():
            self._facts = {key: self._facts[key] if key in self._facts else self._read(*key) for key in kept}
            found = {path: self._facts.get((blob, language_of(path) or "")) for path, blob in wanted.items()}
            return Lookalikes(Program({path: facts for path, facts in found.items() if facts}, VOCABULARY))

    def _read(self, blob: str, language: str) -> FileFacts | None:
        data = self._history.blob(blob)
        try:
            return read_facts(data, language) if data is not None and len(data) < 2_000_000 else None
        except (Unreadable, RecursionError):
            return None


@click.command(help=__doc__)
@histories_option
@cache_option
@click.option("--only", type=click.Choice(("pairs", "left-out")), help="One of the two questions.")
@click.option("--project", help="One project of the manifest.")
@click.option("-n", "most", default=12, show_default=True, help="So many fixes of several places a project, by date.")
@click.option("--page", type=click.Path(path_type=Path), help="Write the answers here, as Markdown.")
def main(
    histories: Path | None, cache: Path, only: str | None, project: str | None, most: int, page: Path | None
) -> None:
    cases = {case.id: case for case in load_cases() if project in (None, case.project)}
    pairs = [] if only == "left-out" else [p for p in load_pairs() if p.learnt in cases and p.later in cases]
    answers: dict[str, list[Answer]] = {"pairs": [], "one left out": []}
    for name in sorted({case.project for case in cases.values()}):
        own = [case for case in cases.values() if case.project == name]
        with open_history(own[0], histories, cache) as history:
            trees = Trees(history, load_projects()[name].scopes)
            for pair in (p for p in pairs if cases[p.learnt].project == name):
                answers["pairs"].append(_told(pair_answer(trees, history, pair, cases)))
            for case, group in () if only == "pairs" else _spread(list(_of_several_places(history, own)), most):
                answers["one left out"].append(_told(left_out_answer(trees, case, group)))
    text = "\n\n".join(_table(title, rows) for title, rows in answers.items() if rows)
    click.echo(text)
    if page:
        page.write_text(f"# Where the others stand\n\n`python -m benchmarks.siblings`\n\n{text}\n", "utf-8")


def load_pairs(file: Path = HERE / "pairs.toml") -> list[Pair]:
    return msgspec.convert(tomllib.loads(file.read_text("utf-8"))["pair"], list[Pair])


def pair_answer(trees: Trees, history: History, pair: Pair, cases: dict[str, Case]) -> Answer:
    learnt, later = cases[pair.learnt], cases[pair.later]
    wanted = [(where.file, where.symbol) for where in later.where]
    question = f"{pair.learnt}: {pair.shared}"
    looked = trees.at(learnt.fix)
    there = {(body.path, body.symbol) for body in looked.bodies}
    rank, listed = _rank(looked, merged(_lessons(history, learnt)), wanted)
    absent = not any(_is(path, symbol, wanted) for path, symbol in there)
    return Answer(question, f"{pair.later}: {wanted[0][1]}", rank, listed, absent)


def left_out_answer(
    trees: Trees,
    case: Case,
    group: Lesson,
) -> Answer:
    first = group.spots[0]
    others = [
        (spot.path, spot.symbol) for spot in group.spots if (spot.path, spot.symbol) != (first.path, first.symbol)
    ]
    rank, listed = _rank(trees.at(case.parent), [group._replace(spots=(first,))], others, (first.path, first.symbol))
    return Answer(f"{case.id}: {first.symbol}", f"{others[0][1]} or {len(others) - 1} more", rank, listed)


def _lessons(history: History, case: Case) -> list[Lesson]:
    try:
        with Git(history.repository) as git:
            return fix_at(git, case.fix, VOCABULARY).lessons
    except GitError:
        return []


def _of_several_places(history: History, cases: Iterable[Case]) -> Iterator[tuple[Case, Lesson]]:
    """Each fix that took the same steps in several functions, with what the first of them alone teaches."""
    seen: set[str] = set()
    for case in cases:
        if case.fix in seen:  # two bugs that one commit mended
            continue
        seen.add(case.fix)
        lessons = _lessons(history, case)
        for whole in merged(lessons)[:1]:
            if len({(spot.path, spot.symbol) for spot in whole.spots}) > 1:
                alone = next(lesson for lesson in lessons if lesson.spots[0] == whole.spots[0])
                yield case, alone._replace(spots=whole.spots)


def _spread(found: list[tuple[Case, Lesson]], most: int) -> list[tuple[Case, Lesson]]:
    """So many of them, evenly over the years."""
    step = max(1.0, len(found) / most)
    return [found[int(at * step)] for at in range(min(most, len(found)))]


def _rank(
    looked: Lookalikes,
    lessons: Sequence[Lesson],
    wanted: Sequence[tuple[str, str]],
    learnt: tuple[str, str] | None = None,
) -> tuple[int, int]:
    """Where the first of the wanted functions stands in the list, 0 for nowhere, and how long the list is."""
    best: dict[tuple[str, str], Place] = {}
    for at, lesson in enumerate(lessons):
        for place in looked.like(lesson, at):
            key = (place.path, place.symbol)
            if key != learnt and (key not in best or best[key].score < place.score):
                best[key] = place
    ranked = sorted(best.values(), key=lambda place: (-place.score, place.path, place.line))
    for rank, place in enumerate(ranked, 1):
        if _is(place.path, place.symbol, wanted):
            return rank, len(ranked)
    return 0, len(ranked)


def _is(path: str, symbol: str, wanted: Iterable[tuple[str, str]]) -> bool:
    """By name, where a file may have been split and a class moved since."""
    return any(symbol == name or (same_file(path, file) and symbol.endswith(name)) for file, name in wanted)


def _told(answer: Answer) -> Answer:
    click.echo(f"{answer.question} -> {answer.wanted}: {answer.rank or '-'} of {answer.listed}", err=True)
    return answer


def _table(title: str, answers: Sequence[Answer]) -> str:
    there = [answer for answer in answers if not answer.absent]
    counts = [sum(0 < answer.rank <= most for answer in there) for most in (1, 5, 10, 20)]
    said = ", ".join(f"{count} in the first {most}" for count, most in zip(counts, (1, 5, 10, 20), strict=True))
    head = f"## {title}\n\n{len(there)} asked: {said}"
    rows = [
        f"| {a.question} | {a.wanted} | {'not there yet' if a.absent else a.rank or 'no'} | {a.listed} |"
        for a in answers
    ]
    return "\n".join([head, "", "| learnt from | wanted | rank | listed |", "| --- | --- | ---: | ---: |", *rows])


if __name__ == "__main__":
    main()
