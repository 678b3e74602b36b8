"""Tables of the study as rows of cells, and as text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from llmlint.plain import one_line
from llmlint.study.charts import days, percent
from llmlint.study.classified import SUBJECTS, Classified, by_repository
from llmlint.study.compat import CompatCount, count
from llmlint.study.issue import Issue
from llmlint.study.outcome import Outcome

Cell = str | int


class Table(msgspec.Struct, frozen=True):
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def as_text(*tables: Table) -> str:
    return "\n".join(f"{table.title}\n\n{_aligned([table.head, *table.rows])}" for table in tables)


def as_markdown(table: Table) -> str:
    """Under its own heading."""
    ruler = ["---", *("---:" for _ in table.head[1:])]
    rows = [table.head, ruler, *([_shown(cell) for cell in row] for row in table.rows)]
    lines = [f"## {table.title}", "", *([table.note, ""] if table.note else [])]
    return "\n".join([*lines, *(f"| {' | '.join(map(_in_markdown, row))} |" for row in rows)]) + "\n"


def _in_markdown(cell: str) -> str:
    return re.sub(r"[\\`*\[\]|<>]", r"\\\g<0>", cell)


def _shown(cell: Cell) -> str:
    return f"{cell:,}" if isinstance(cell, int) else one_line(cell)


def _aligned(rows: Sequence[Sequence[Cell]]) -> str:
    """Words to the left, numbers to the right."""
    cells = [[_shown(cell) for cell in row] for row in rows]
    wide = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        first, *others = (
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, wide, strict=True))
        )
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines) + "\n"


def subject_table(found: Iterable[Classified]) -> Table:
    """What the issues of each repository are about."""
    counts = by_repository(found)
    counts["all"] = sum(counts.values(), Counter())
    rows = [_row(subject, (each[subject] for each in counts.values())) for subject in SUBJECTS]
    return Table(
        "What issues are about", ("", *counts), (*rows, _row("all", (each.total() for each in counts.values())))
    )


def _row(name: str, cells: Iterable[Cell]) -> tuple[Cell, ...]:
    return (name, *cells)


def compat_table(issues: Iterable[Issue]) -> Table:
    """The study's categories, over all bugs and over the first 500, as `all / first`."""
    counts = [count(name, list(group)) for name, group in groupby(issues, key=lambda issue: issue.repository)]
    rows: list[tuple[Cell, ...]] = [
        ("production issues", *(each.production for each in counts)),
        ("bugs among them", *(each.bugs for each in counts)),
    ]
    rows += [(name, *(_both(each, name) for each in counts)) for name in (counts[0].over_all if counts else ())]
    return Table(
        "Bugs by pieces of text, over all and over the first 500",
        ("", *(each.repository for each in counts)),
        tuple(rows),
    )


def _both(count: CompatCount, name: str) -> str:
    return f"{count.over_all[name]:,} / {count.over_first[name]:,}"


def tables_of(found: Outcome) -> list[Table]:
    return [chapter_table(found), time_table(found), trend_table(found), cause_table(found)]


def chapter_table(found: Outcome) -> Table:
    rows = [
        _row(chapter.name, (f"{share.hits:,}: {percent(share)}" for share in chapter.shares.values()))
        for chapter in found.chapters
    ]
    note = "Faults, their share of a project's faults, and its 95 % interval (Wilson)."
    return Table("Faults by chapter", ("", *found.repositories, "all"), tuple(rows), note)


def time_table(found: Outcome) -> Table:
    rows = [
        _row(
            chapter.name,
            (chapter.closed.of, percent(chapter.closed), percent(chapter.stale), *map(days, chapter.quartiles)),
        )
        for chapter in found.chapters
    ]
    head = ("", "faults", "closed", "of those as stale", "a quarter after", "half after", "three quarters after")
    note = "Days until closed count faults that are still open for as long as they are known to be (Kaplan and Meier)."
    return Table("Time to close", head, tuple(rows), note)


def trend_table(found: Outcome) -> Table:
    rows = [
        _row(quarter, (sum(chapter.quarters.get(quarter, {}).values()) for chapter in found.chapters))
        for quarter in found.quarters
    ]
    return Table("Faults by quarter", ("", *(chapter.name for chapter in found.chapters)), tuple(rows))


def cause_table(found: Outcome) -> Table:
    rows = [
        _row(cause.name, (cause.chapter, cause.faults, ", ".join(cause.rules) or "none yet")) for cause in found.causes
    ]
    return Table("Causes that reports name", ("", "chapter", "faults", "rules"), tuple(rows))
