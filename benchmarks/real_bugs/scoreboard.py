"""From outcomes to figures: recall, noise and times, as data and as the Markdown page `docs/scoreboard.md`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.real_bugs.cases import MEDIAN_DATE, load_families
from benchmarks.real_bugs.run import Outcome

MISSES = Path(__file__).parent / "misses.toml"
NO_REASON = "**no reason written yet**"


class Recall(msgspec.Struct, frozen=True):
    cases: int
    pointed: int
    found: int
    pointed_low: int
    found_low: int

    @property
    def share(self) -> str:
        return f"{100 * self.found / self.cases:.0f} %" if self.cases else "-"


class Mechanism(msgspec.Struct, frozen=True):
    """What one function of a checker did: bugs found, those that no other found, and all it showed in their trees."""

    found: int
    alone: int
    shown: int


class Summary(msgspec.Struct, frozen=True):
    everything: Recall
    with_rule: Recall
    by_cause: dict[str, Recall]
    by_project: dict[str, Recall]
    by_half: dict[str, Recall]
    by_family: dict[str, Recall]
    by_mechanism: dict[str, Mechanism]
    noise_per_thousand_lines: dict[str, float]
    median_seconds_parent: float
    median_seconds_fix: float
    problems: int


def recall(outcomes: Iterable[Outcome]) -> Recall:
    """A case that could not be scanned is a case not found."""
    judged = [(outcome, outcome.judgement) for outcome in outcomes]
    known = [judgement for _, judgement in judged if judgement is not None]
    return Recall(
        cases=len(judged),
        pointed=sum(judgement.pointed for judgement in known),
        found=sum(judgement.found for judgement in known),
        pointed_low=sum(judgement.pointed_low for judgement in known),
        found_low=sum(judgement.found_low for judgement in known),
    )


def summarise(outcomes: Sequence[Outcome], ruled: Collection[str]) -> Summary:
    """`ruled` are the causes that some rule names as its own."""
    scanned = [outcome for outcome in outcomes if not outcome.problem]
    return Summary(
        everything=recall(outcomes),
        with_rule=recall(outcome for outcome in outcomes if outcome.case.cause in ruled),
        by_cause={cause: recall(group) for cause, group in _grouped(outcomes, lambda o: o.case.cause).items()},
        by_project={name: recall(group) for name, group in _grouped(outcomes, lambda o: o.case.project).items()},
        by_half={name: recall(group) for key in (_half, _age) for name, group in _grouped(outcomes, key).items()},
        by_family=dict(_by_family(outcomes)),
        by_mechanism=by_mechanism(outcomes),
        noise_per_thousand_lines={
            name: round(1000 * sum(o.findings_shown for o in group) / max(1, sum(o.lines for o in group)), 3)
            for name, group in _grouped(scanned, lambda o: o.case.project).items()
        },
        median_seconds_parent=median(o.seconds_parent for o in scanned) if scanned else 0.0,
        median_seconds_fix=median(o.seconds_fix for o in scanned) if scanned else 0.0,
        problems=len(outcomes) - len(scanned),
    )


def by_mechanism(outcomes: Iterable[Outcome]) -> dict[str, Mechanism]:
    """By rule and function. A finding that several of a project's trees show counts once."""
    finders: list[tuple[str, ...]] = []
    shown: dict[str, set[tuple[str, str]]] = {}
    for outcome in outcomes:
        if outcome.judgement is not None:
            finders.append(outcome.judgement.found_by)
        for name, fingerprints in outcome.shown_by.items():
            shown.setdefault(name, set()).update((outcome.case.project, one) for one in fingerprints)
    return {
        name: Mechanism(
            found=sum(name in names for names in finders),
            alone=sum(names == (name,) for names in finders),
            shown=len(shown[name]),
        )
        for name in sorted(shown)
    }


def _by_family(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, Recall]]:
    for family, causes in load_families().items():
        group = [outcome for outcome in outcomes if outcome.case.cause in causes]
        yield family, recall(group)
        for half, part in _grouped(group, _half).items():
            yield f"{family}, {half}", recall(part)


def _half(outcome: Outcome) -> str:
    return f"fixed before {MEDIAN_DATE}" if outcome.case.date < MEDIAN_DATE else f"fixed on {MEDIAN_DATE} or later"


def _age(outcome: Outcome) -> str:
    return "numbered from 2000 on: new to the rules" if outcome.case.is_late else "numbered below 2000"


def load_misses(file: Path = MISSES) -> dict[str, str]:
    return {key: str(reason) for key, reason in tomllib.loads(file.read_text("utf-8")).items()}


def misses(outcomes: Iterable[Outcome], ruled: Collection[str], reasons: Mapping[str, str]) -> dict[str, str]:
    """Each missed case whose cause has a rule, with its reason or an empty text."""
    return {o.case.id: reasons.get(o.case.id, "") for o in outcomes if o.case.cause in ruled and not o.found}


def markdown(
    outcomes: Sequence[Outcome], ruled: Collection[str], reasons: Mapping[str, str], how: Mapping[str, str]
) -> str:
    """The page. `how` says under which conditions the figures were taken."""
    summary = summarise(outcomes, ruled)
    blocks = [
        "# Scoreboard: real fixed bugs",
        "Written by `python -m benchmarks.real_bugs`; `benchmarks/real_bugs/README.md` defines *pointed* and *found*.",
        _table(("condition", "value"), how.items()),
        "## Recall",
        _recall_table("which", {"all": summary.everything, "whose cause has a rule": summary.with_rule}),
        "## By date and by what was known",
        "A rule that is a mechanism finds as much of the bugs that nobody learnt from as of the others.",
        _recall_table("which", summary.by_half),
        "## By family",
        "Causes that `benchmarks/real_bugs/families.toml` counts together.",
        _recall_table("family", summary.by_family),
        "## By project",
        _recall_table("project", summary.by_project),
        "Findings shown by default per thousand lines before the fix: "
        + ", ".join(f"{name} {rate}" for name, rate in summary.noise_per_thousand_lines.items())
        + f". Median scan before the fix {summary.median_seconds_parent:.1f} s, of the fix after it "
        f"{summary.median_seconds_fix:.1f} s.",
        "## By cause",
        _recall_table("cause", _ruled_first(summary.by_cause, ruled)),
        "## By mechanism",
        "The function of the checker that made the finding; *alone*: bugs that nothing else finds; *shown*: different "
        "findings shown by default in all the trees before the fixes. A mechanism that finds one bug is a form.",
        _mechanisms_table(summary.by_mechanism),
        "## Found",
        _cases_table([outcome for outcome in outcomes if outcome.found]),
        "## Missed although the cause has a rule",
        _table(
            ("case", "cause", "why it is missed"),
            (
                (o.case.id, o.case.cause, reasons.get(o.case.id) or NO_REASON)
                for o in outcomes
                if o.case.id in misses(outcomes, ruled, reasons)
            ),
        ),
    ]
    if summary.problems:
        failed = ((o.case.id, o.problem.replace("|", "\\|")) for o in outcomes if o.problem)
        blocks += ["## Not scanned", _table(("case", "problem"), failed)]
    return "\n\n".join(blocks) + "\n"


def _finders(outcome: Outcome) -> str:
    return ", ".join(outcome.judgement.found_by) if outcome.judgement else ""


def _ruled_first(by_cause: dict[str, Recall], ruled: Collection[str]) -> dict[str, Recall]:
    ordered = sorted(by_cause, key=lambda cause: (cause not in ruled, cause))
    return {cause if cause in ruled else f"{cause} (no rule)": by_cause[cause] for cause in ordered}


def _recall_table(title: str, rows: Mapping[str, Recall]) -> str:
    head = (title, "cases", "pointed", "found", "found share", "found with low confidence too")
    return _table(head, ((name, r.cases, r.pointed, r.found, r.share, r.found_low) for name, r in rows.items()))


def _mechanisms_table(rows: Mapping[str, Mechanism]) -> str:
    most_first = sorted(rows.items(), key=lambda row: (-row[1].found, row[0]))
    return _table(
        ("rule", "mechanism", "found", "alone", "shown"),
        ((*name.split(" ", 1), row.found, row.alone, row.shown) for name, row in most_first),
    )


def _cases_table(outcomes: Iterable[Outcome]) -> str:
    return _table(
        ("case", "cause", "mechanism", "pull request", "title"),
        ((o.case.id, o.case.cause, _finders(o), o.case.pr or "-", o.case.title.replace("|", "\\|")) for o in outcomes),
    )


def _table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _grouped(outcomes: Iterable[Outcome], key: Callable[[Outcome], str]) -> dict[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), []).append(outcome)
    return dict(sorted(groups.items()))
