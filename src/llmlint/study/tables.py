"""Tables of the study as rows of cells, and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from llmlint.plain import one_line
from llmlint.study.classified import SUBJECTS, Classified, by_repository
from llmlint.study.compat import CompatCount, count
from llmlint.study.issue import Issue

Cell = str | int


class Table(msgspec.Struct, frozen=True):
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def as_text(*tables: Table) -> str:
    return "\n".join(f"{table.title}\n\n{_aligned([table.head, *table.rows])}" for table in tables)


def _aligned(rows: Sequence[Sequence[Cell]]) -> str:
    """Words to the left, numbers to the right."""
    cells = [[f"{cell:,}" if isinstance(cell, int) else one_line(cell) for cell in row] for row in rows]
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
