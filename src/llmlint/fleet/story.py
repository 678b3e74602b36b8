"""What a fleet's data set tells, asked of its Parquet files with DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from llmlint.fleet.dataset import Life, Revision
from llmlint.study.survival import Stay, curve

_DAY = 86_400
_WEEK = 7


class RuleStory(msgspec.Struct, frozen=True):
    """A rule in one project: how many findings each revision shows, and what became of them.

    `half_life`: after how many days half of them are gone; those that are there count for as long as they are known.
    """

    rule: str
    name: str
    counts: tuple[int, ...]
    ends: dict[str, int]
    new: int
    half_life: float | None


class ProjectStory(msgspec.Struct, frozen=True):
    """All that is told of one project."""

    name: str
    revisions: tuple[Revision, ...]
    rules: tuple[RuleStory, ...]
    fixed: tuple[Life, ...]
    new: tuple[Life, ...]


class DataSetProblem(Exception):
    """There is nothing to tell of."""


def stories(folder: Path) -> list[ProjectStory]:
    """One story a project, in the order of the fleet file."""
    with duckdb.connect(":memory:", config={"threads": 1}) as data:
        try:
            revisions = _rows(data, "SELECT * FROM read_parquet(?)", folder / "revisions.parquet", Revision)
            lives = _rows(data, "SELECT * FROM read_parquet(?)", folder / "findings.parquet", Life)
            counts = _counts(data, folder) if revisions else {}
        except duckdb.Error as error:
            raise DataSetProblem(f"{folder}: {str(error).splitlines()[0]}") from error
    names = dict.fromkeys(revision.project for revision in revisions)
    return [_story(name, [r for r in revisions if r.project == name], lives, counts) for name in names]


def _rows(data: duckdb.DuckDBPyConnection, query: str, file: Path, kind: type[Any]) -> list[Any]:
    asked = data.execute(query, [str(file)])
    columns = [column[0] for column in asked.description or ()]
    return [msgspec.convert(dict(zip(columns, row, strict=True)), kind) for row in asked.fetchall()]


def _counts(data: duckdb.DuckDBPyConnection, folder: Path) -> dict[tuple[str, str], dict[str, int]]:
    """How many findings each scanned revision shows, by project and rule."""
    asked = data.execute(
        """
        SELECT project, rule, commit, count(*)
        FROM read_parquet(?, hive_partitioning = true, hive_types_autocast = false) AS sighting
        SEMI JOIN read_parquet(?) AS revision USING (project, commit)
        GROUP BY ALL
        """,
        [str(folder / "sightings" / "*" / "*.parquet"), str(folder / "revisions.parquet")],
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for project, rule, commit, count in asked.fetchall():
        found.setdefault((project, rule), {})[commit] = count
    return found


def _story(
    name: str, revisions: Sequence[Revision], lives: Sequence[Life], counts: dict[tuple[str, str], dict[str, int]]
) -> ProjectStory:
    own = [life for life in lives if life.project == name]
    newest = revisions[-1]
    new = [life for life in own if _is_new(life, newest, len(revisions))]
    rules = []
    for rule in sorted({life.rule for life in own}):
        its = [life for life in own if life.rule == rule]
        at = counts.get((name, rule), {})
        rules.append(
            RuleStory(
                rule=rule,
                name=its[0].name,
                counts=tuple(at.get(revision.commit, 0) for revision in revisions),
                ends={end: sum(life.gone == end for life in its) for end in ("fix", "changed", "removed", "")},
                new=sum(life.rule == rule for life in new),
                half_life=curve(_stay(life, newest) for life in its).after(0.5),
            )
        )
    fixed = sorted((life for life in own if life.gone == "fix"), key=lambda life: life.gone_date, reverse=True)
    return ProjectStory(name, tuple(revisions), tuple(rules), tuple(fixed), tuple(new))


def _is_new(life: Life, newest: Revision, revisions: int) -> bool:
    """First shown by the newest revision, or by another of the week before it."""
    if life.gone or life.from_the_start or revisions < 2:
        return False
    return life.first_seen == newest.commit or days_between(life.first_date, newest.date) <= _WEEK


def _stay(life: Life, newest: Revision) -> Stay:
    end = life.gone_date or (life.last_date if life.gone else newest.date)
    return Stay(days_between(life.first_date, end), still=not life.gone)


def days_between(start: str, end: str) -> float:
    span = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return max(0.0, span.total_seconds() / _DAY)
