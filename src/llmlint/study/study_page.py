"""The report as one page that loads and runs nothing: charts are drawn here, and what issues say is only text."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from llmlint.catalogue import CHAPTER_TITLES, load_catalogue
from llmlint.plain import counted, one_line
from llmlint.report.html import page_of
from llmlint.study import charts
from llmlint.study.outcome import Cause, Chapter, Example, Outcome
from llmlint.study.tables import Table, time_table

_PAGE = Path(__file__).parent / "page"
_KINDS = ("fault", "feature", "question", "build", "upkeep")


def render_page(found: Outcome, more: Sequence[Table] = ()) -> str:
    body, css = ((_PAGE / name).read_text(encoding="utf-8") for name in ("study.html", "study.css"))
    scale = _text(f"{counted(found.issues, 'issue')}, {found.first} to {found.last}")
    return page_of("llmlint issues", body, css, {"SCALE": scale, "MAIN": "".join(_sections(found, more))})


def _text(text: str) -> str:
    return html.escape(one_line(text))


def title_of(chapter: str) -> str:
    return CHAPTER_TITLES.get(chapter, chapter.capitalize())


def _sections(found: Outcome, more: Sequence[Table]) -> Iterable[str]:
    yield _section("What issues are about", "", _numbers(found) + charts.legend(_KINDS) + _kinds(found))
    yield _section(
        "How long faults stay open",
        "The share still open after so many days; those that are open now count for as long as they are known to be.",
        charts.legend(found.repositories) + charts.curves(found.stays, "Share of faults still open, by days"),
    )
    yield _section(
        "Which chapters",
        "The share of each project's faults, and the 95 % interval of it.",
        charts.legend(found.repositories) + _chapters(found.chapters),
    )
    yield _section(
        "How long, by chapter",
        "From a quarter of the faults closed to three quarters; the dot is where half of them are.",
        charts.spans({title_of(c.name): c.quartiles for c in found.chapters}, "Days until closed"),
    )
    yield _section(
        "When they were reported",
        "Faults by quarter of a year; each chart has its own scale.",
        _times(found),
        wide=True,
    )
    yield _section("How they end", _HOW_THEY_END, _table(time_table(found)), wide=True)
    if found.causes:
        yield _section("Causes that reports name", _HOW_CAUSES, _causes(found.causes), wide=True)
    for table in more:
        yield _section(table.title, table.note, _table(table), wide=True)
    yield _section("To read", "The surest of each chapter, and the words they go by.", _examples(found), wide=True)


_HOW_THEY_END = (
    "Closed, and of those the share that a bot closed because nobody answered. Days are of all faults, open ones too."
)
_HOW_CAUSES = "Few reports name their cause in words that are known. Rules are those whose pages name it."


def _section(title: str, how: str, inner: str, wide: bool = False) -> str:
    said = f'<p class="how">{_text(how)}</p>' if how else ""
    return f"<section{' class=wide' if wide else ''}><h2>{_text(title)}</h2>{said}{inner}</section>"


def _numbers(found: Outcome) -> str:
    counts = ((found.faults, "faults"), (found.issues, "issues"), (len(found.subjects), "projects"))
    inner = "".join(f"<p><b>{number:,}</b><span>{name}</span></p>" for number, name in counts)
    return f'<div class="numbers">{inner}</div>'


def _kinds(found: Outcome) -> str:
    rows: dict[str, dict[str, int]] = {}
    for name, counts in found.subjects.items():
        others = {kind: counts[kind] for kind in _KINDS[1:]}
        rows[name] = {"fault": sum(counts.values()) - sum(others.values()), **others}
    return charts.bands(rows, "Issues by kind")


def _chapters(chapters: Sequence[Chapter]) -> str:
    return charts.shares(
        {title_of(c.name): {name: share for name, share in c.shares.items() if name != "all"} for c in chapters},
        "Shares of faults by chapter",
    )


def _times(found: Outcome) -> str:
    figures = (
        f"<figure><h3>{_text(title_of(c.name))}<span>at most {charts.most_in_a_quarter(c):,}</span></h3>"
        f"{charts.columns(c, found.quarters, found.repositories, f'{c.name} by quarter')}</figure>"
        for c in found.chapters
    )
    return f'{charts.legend(found.repositories)}<div class="small">{"".join(figures)}</div>'


def _table(table: Table) -> str:
    head = "".join(f"<th>{_text(cell)}</th>" for cell in table.head)
    rows = ("".join(f"<td>{_cell(cell)}</td>" for cell in row) for row in table.rows)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(cell: str | int) -> str:
    return f"{cell:,}" if isinstance(cell, int) else _text(cell)


def _causes(causes: Iterable[Cause]) -> str:
    urls = {rule.code: rule.doc_url for rule in load_catalogue()}
    rows = (
        f"<tr><td>{_text(cause.name)}</td><td>{_text(title_of(cause.chapter))}</td><td>{cause.faults:,}</td>"
        f'<td class="words">{_rules(cause.rules, urls)}</td></tr>'
        for cause in causes
    )
    head = '<th>cause</th><th>chapter</th><th>faults</th><th class="words">rules</th>'
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _rules(codes: Iterable[str], urls: Mapping[str, str]) -> str:
    return ", ".join(_link(urls.get(code, ""), code) for code in codes) or "none yet"


def _examples(found: Outcome) -> str:
    counts = {chapter.name: chapter.shares["all"].hits for chapter in found.chapters}
    folds = (
        f"<details><summary>{_text(title_of(name))}<span>{counts[name]:,}</span></summary>"
        f"<ul>{''.join(map(_example, examples))}</ul></details>"
        for name, examples in found.examples.items()
        if examples
    )
    return "".join(folds)


def _example(example: Example) -> str:
    where = _link(example.url, f"{example.repository}#{example.number}")
    cause = f" {_text(example.cause)}:" if example.cause else ""
    return f"<li>{where} {_text(example.title)} <span>{cause} <q>{_text(example.words)}</q></span></li>"


def _link(url: str, text: str) -> str:
    """Only where a browser is meant to go."""
    if not url.startswith("https://"):
        return _text(text)
    return f'<a href="{_text(url)}" rel="noreferrer noopener">{_text(text)}</a>'
