"""Charts as SVG within a page: no script, colours of the page's style, every mark with its figures as a title."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log10

from llmlint.study.outcome import Chapter, Share
from llmlint.study.survival import Curve

WIDE = 640
_LABEL, _RIGHT = 165, 16
_ROW, _SERIES = 17, 6
_COLOURS = 6
_DAYS = ((1, "1 day"), (7, "1 week"), (30, "1 month"), (90, "3 months"), (365, "1 year"), (1000, "1,000 days"))
_LEAST_DAYS = 0.1


def text(words: str) -> str:
    return html.escape(words)


def colour(series: int) -> str:
    return f"s{series % _COLOURS + 1}"


def legend(names: Sequence[str]) -> str:
    marks = (f'<li><i class="{colour(at)}"></i>{text(name)}</li>' for at, name in enumerate(names))
    return f'<ul class="legend">{"".join(marks)}</ul>'


def _svg(width: int, height: int, label: str, parts: Iterable[str]) -> str:
    inner = "".join(parts)
    svg = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{text(label)}">{inner}</svg>'
    return f'<div class="chart">{svg}</div>'


# ------------------------------------------------------------ shares with their intervals


def shares(rows: Mapping[str, Mapping[str, Share]], label: str) -> str:
    """A dot for each share and a line for its interval: rows by name, in each one series after the other."""
    most = max((share.high for row in rows.values() for share in row.values() if share.of), default=0.0) or 1.0
    series = max(map(len, rows.values()), default=1)
    row_height = _ROW + _SERIES * series
    height = row_height * len(rows) + 26
    scale = (WIDE - _LABEL - _RIGHT) / most
    parts = [*_percent_axis(most, scale, height)]
    for at, (name, row) in enumerate(rows.items()):
        top = at * row_height
        parts.append(f'<text x="0" y="{top + row_height / 2 + 4:.1f}">{text(name)}</text>')
        parts += _whiskers(row, top, scale)
    return _svg(WIDE, height, label, parts)


def _whiskers(row: Mapping[str, Share], top: int, scale: float) -> Iterator[str]:
    for at, (name, share) in enumerate(row.items()):
        if share.of:
            y = top + _ROW / 2 + (at + 0.5) * _SERIES
            left, right, middle = (_LABEL + scale * value for value in (share.low, share.high, share.value))
            said = f"{name}: {share.hits:,} of {share.of:,}, {percent(share)}"
            line = f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            dot = f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="3.2"/>'
            yield f'<g class="{colour(at)}"><title>{text(said)}</title>{line}{dot}</g>'


def _percent_axis(most: float, scale: float, height: int) -> Iterator[str]:
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.5) if most / step <= 7)
    for tick in range(int(most / step) + 1):
        x = _LABEL + tick * step * scale
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 20}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{height - 5}">{100 * tick * step:.0f} %</text>'


def percent(share: Share) -> str:
    return f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f})" if share.of else "-"


# ------------------------------------------------------------ how long


def curves(named: Mapping[str, Curve], label: str) -> str:
    """The share that is still open, by days on a scale of tens."""
    height, bottom = 260, 232
    parts = [*_days_axis(bottom, 40), *_share_axis(bottom, 40)]
    for at, (name, one) in enumerate(named.items()):
        points = "".join(f"H{_at_day(days, 40):.1f}V{_at_share(left, bottom):.1f}" for days, left in one.steps)
        path = f"M40 {_at_share(1, bottom):.1f}{points}"
        parts.append(f'<g class="{colour(at)}"><title>{text(name)}</title><path d="{path}"/></g>')
    return _svg(WIDE, height, label, parts)


def spans(rows: Mapping[str, Sequence[float | None]], label: str) -> str:
    """A bar from the first to the third quartile and a mark at the median, in days; open ends run out of the chart."""
    height = 26 * len(rows) + 24
    parts = [*_days_axis(height - 22, _LABEL)]
    for at, (name, (first, middle, third)) in enumerate(rows.items()):
        y = 26 * at + 13
        said = f"{name}: closed a quarter after {days(first)}, half after {days(middle)}, most after {days(third)}"
        left = _at_day(first, _LABEL) if first is not None else WIDE - _RIGHT
        right = _at_day(third, _LABEL) if third is not None else WIDE - _RIGHT
        parts.append(f'<text x="0" y="{y + 4}">{text(name)}</text><g class="span"><title>{text(said)}</title>')
        parts.append(f'<rect x="{left:.1f}" y="{y - 5}" width="{max(2.0, right - left):.1f}" height="10" rx="5"/>')
        if middle is not None:
            parts.append(f'<circle cx="{_at_day(middle, _LABEL):.1f}" cy="{y}" r="5.5"/>')
        parts.append("</g>")
    return _svg(WIDE, height, label, parts)


def days(number: float | None) -> str:
    if number is None:
        return "never yet"
    return f"{24 * number:.0f} h" if number < 1 else f"{number:,.0f} d"


def _at_day(number: float, start: int) -> float:
    place = log10(max(number, _LEAST_DAYS) / _LEAST_DAYS) / log10(_DAYS[-1][0] / _LEAST_DAYS)
    return start + min(1.0, place) * (WIDE - start - _RIGHT)


def _at_share(left: float, bottom: int) -> float:
    return 8 + (1 - left) * (bottom - 8)


def _days_axis(bottom: int, start: int) -> Iterator[str]:
    for number, name in _DAYS[:-1]:
        x = _at_day(number, start)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{bottom}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 17}">{name}</text>'


def _share_axis(bottom: int, start: int) -> Iterator[str]:
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = _at_share(share, bottom)
        yield f'<line class="grid" x1="{start}" x2="{WIDE - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="scale" x="{start - 6}" y="{y + 4:.1f}">{100 * share:.0f} %</text>'


# ------------------------------------------------------------ when


def columns(chapter: Chapter, quarters: Sequence[str], repositories: Sequence[str], label: str) -> str:
    """Faults by quarter, the repositories on top of each other; the tallest column fills the chart."""
    most = most_in_a_quarter(chapter)
    width, height, bottom = 210, 92, 72
    room = width / max(1, len(quarters))
    parts = [f'<line class="grid" x1="0" x2="{width}" y1="{bottom}" y2="{bottom}"/>']
    for at, quarter in enumerate(quarters):
        counts = chapter.quarters.get(quarter, {})
        said = f"{quarter}: " + ", ".join(f"{name} {counts.get(name, 0)}" for name in repositories)
        parts.append(f'<g class="stack"><title>{text(said)}</title>')
        parts += _stacked(counts, repositories, at * room, room * 0.78, bottom, (bottom - 4) / max(1, most))
        parts.append("</g>")
    for at in sorted({0, len(quarters) - 1} if quarters else ()):
        place, anchor = (0, "start") if at == 0 else (width, "end")
        parts.append(f'<text class="tick {anchor}" x="{place}" y="{height - 4}">{quarters[at]}</text>')
    return _svg(width, height, label, parts)


def most_in_a_quarter(chapter: Chapter) -> int:
    return max((sum(counts.values()) for counts in chapter.quarters.values()), default=0)


def _stacked(
    counts: Mapping[str, int], repositories: Sequence[str], x: float, width: float, bottom: int, scale: float
) -> Iterator[str]:
    y = float(bottom)
    for at, name in enumerate(repositories):
        tall = counts.get(name, 0) * scale
        if tall:
            y -= tall
            yield f'<rect class="{colour(at)}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{tall:.1f}"/>'


# ------------------------------------------------------------ what


def bands(rows: Mapping[str, Mapping[str, int]], label: str) -> str:
    """A bar for each row, cut by what it is made of."""
    height = 30 * len(rows)
    parts: list[str] = []
    for at, (name, counts) in enumerate(rows.items()):
        total, x = max(1, sum(counts.values())), float(_LABEL)
        parts.append(f'<text x="0" y="{30 * at + 18}">{text(name)}</text>')
        for series, (part, number) in enumerate(counts.items()):
            width = (WIDE - _LABEL - _RIGHT) * number / total
            said = f"{name}, {part}: {number:,} of {total:,}"
            parts.append(
                f'<g class="{colour(series)}"><title>{text(said)}</title>'
                f'<rect x="{x:.1f}" y="{30 * at + 4}" width="{max(0.0, width - 1.5):.1f}" height="20" rx="2"/></g>'
            )
            x += width
    return _svg(WIDE, height, label, parts)
