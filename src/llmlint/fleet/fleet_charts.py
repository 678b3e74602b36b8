"""Findings over time as SVG: one area a rule, on top of each other, and a line for each rule in a table."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from datetime import datetime

from llmlint.fleet.dataset import Revision

WIDE, HIGH = 920, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 12, 8, 206
_SPARK_WIDE, _SPARK_HIGH = 150, 26
_DATE_WIDE, _DATE_GAP = 66, 12
_COLOURS = 6

Series = tuple[str, Sequence[int]]
"""A name, and a count for each revision."""


def colour(series: int) -> str:
    return f"s{series % _COLOURS + 1}"


def areas(revisions: Sequence[Revision], series: Sequence[Series], label: str) -> str:
    """Stacked from the first series up; each revision can be pointed at."""
    places = _places([revision.date for revision in revisions], _LEFT, WIDE - _RIGHT)
    floor = [0] * len(revisions)
    tops = []
    for _, counts in series:
        floor = [below + count for below, count in zip(floor, counts, strict=True)]
        tops.append(list(floor))
    most = max(floor, default=0) or 1
    parts = [*_count_axis(most), *_date_axis(revisions, places)]
    for at in reversed(range(len(series))):
        below = tops[at - 1] if at else [0] * len(revisions)
        up = [f"{x:.1f},{_height(count, most):.1f}" for x, count in zip(places, tops[at], strict=True)]
        down = [f"{x:.1f},{_height(count, most):.1f}" for x, count in zip(places, below, strict=True)]
        parts.append(f'<polygon class="{colour(at)}" points="{" ".join(up + down[::-1])}"/>')
    parts += _pointers(revisions, series, places)
    return f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{html.escape(label)}">{"".join(parts)}</svg>'


def spark(revisions: Sequence[Revision], counts: Sequence[int], label: str) -> str:
    """One line, on a scale of its own."""
    places = _places([revision.date for revision in revisions], 3, _SPARK_WIDE - 3)
    most = max(counts, default=0) or 1
    heights = [_SPARK_HIGH - 4 - (_SPARK_HIGH - 8) * count / most for count in counts]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True))
    end = f'<circle cx="{places[-1]:.1f}" cy="{heights[-1]:.1f}" r="2.6"/>'
    size = f'width="{_SPARK_WIDE}" height="{_SPARK_HIGH}"'
    said = f"{label}: {', '.join(map(str, counts))}"
    line = f'<polyline points="{points}"/>'
    return f'<svg class="spark" {size} role="img" aria-label="{html.escape(said)}">{line}{end}</svg>'


def _places(dates: Sequence[str], left: float, right: float) -> list[float]:
    moments = [datetime.fromisoformat(date).timestamp() for date in dates]
    span = moments[-1] - moments[0]
    if not span:
        return [
            right if len(moments) == 1 else left + (right - left) * n / (len(moments) - 1) for n in range(len(moments))
        ]
    return [left + (right - left) * (moment - moments[0]) / span for moment in moments]


def _height(count: float, most: int) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * count / most


def _count_axis(most: int) -> Iterator[str]:
    step = next(step for size in range(9) for step in (10**size, 2 * 10**size, 5 * 10**size) if most / step <= 6)
    for count in range(0, most + 1, step):
        y = _height(count, most)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDE - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="scale" x="{_LEFT - 7}" y="{y + 4:.1f}">{count}</text>'


def _date_axis(revisions: Sequence[Revision], places: Sequence[float]) -> Iterator[str]:
    """As many dates as there is room for, the newest among them."""
    free = float(WIDE)
    for revision, x in zip(reversed(revisions), reversed(places), strict=True):
        left = min(max(x - _DATE_WIDE / 2, _LEFT), WIDE - _RIGHT - _DATE_WIDE)
        if left + _DATE_WIDE <= free:
            middle = left + _DATE_WIDE / 2
            yield f'<text class="tick" x="{middle:.1f}" y="{HIGH - 6}">{revision.date[:10]}</text>'
            free = left - _DATE_GAP


def _pointers(revisions: Sequence[Revision], series: Sequence[Series], places: Sequence[float]) -> Iterator[str]:
    """A strip for each revision that says its figures."""
    for at, (revision, x) in enumerate(zip(revisions, places, strict=True)):
        left = (places[at - 1] + x) / 2 if at else _LEFT
        right = (places[at + 1] + x) / 2 if at + 1 < len(places) else WIDE - _RIGHT
        counts = [f"{name}: {numbers[at]}" for name, numbers in series if numbers[at]]
        said = "\n".join([f"{revision.date[:10]}  {revision.commit[:10]}", *counts])
        yield (
            f'<g class="at"><title>{html.escape(said)}</title>'
            f'<rect x="{left:.1f}" y="{_TOP}" width="{max(1.0, right - left):.1f}" height="{_BOTTOM - _TOP}"/>'
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_BOTTOM}"/></g>'
        )
