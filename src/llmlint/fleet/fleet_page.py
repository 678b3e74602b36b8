"""A fleet's story as one page that loads and runs nothing: findings over time, what was fixed, what is new."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from llmlint.catalogue import load_catalogue
from llmlint.fleet.dataset import Life
from llmlint.fleet.fleet_charts import Series, areas, colour, spark
from llmlint.fleet.story import ProjectStory, RuleStory, days_between
from llmlint.plain import counted, one_line
from llmlint.report.html import page_of

_PAGE = Path(__file__).parent / "page"
_AREAS = 5
"""So many rules have an area of their own; the others share one."""
_MOST_ROWS = 200


def render_fleet(stories: Sequence[ProjectStory]) -> str:
    body, css = ((_PAGE / name).read_text(encoding="utf-8") for name in ("fleet.html", "fleet.css"))
    return page_of("llmlint fleet", body, css, {"SCALE": _scale(stories), "MAIN": "".join(map(_project, stories))})


def _scale(stories: Sequence[ProjectStory]) -> str:
    days = sorted(revision.date[:10] for story in stories for revision in story.revisions)
    scanned = counted(sum(len(story.revisions) for story in stories), "revision")
    return _text(f"{counted(len(stories), 'project')}, {scanned}, {days[0]} to {days[-1]}")


def _text(text: str) -> str:
    return html.escape(one_line(text))


def _project(story: ProjectStory) -> str:
    first, last = story.revisions[0], story.revisions[-1]
    legend, chart = _over_time(story)
    return (
        f'<article id="{_text(story.name)}"><header><h2>{_text(story.name)}</h2>'
        f"<p>{first.commit[:10]} to {last.commit[:10]}, {last.lines:,} lines now</p></header>{_numbers(story)}"
        f"<section><h3>Findings over time</h3>{legend}{chart}</section>"
        f"<section><h3>By rule</h3>{_rules(story)}</section>"
        f"<section><h3>What was fixed, and how long it lived</h3>{_fixed(story)}</section>"
        f"<section><h3>What is new</h3>{_new(story)}</section></article>"
    )


def _numbers(story: ProjectStory) -> str:
    ends = {end: sum(rule.ends[end] for rule in story.rules) for end in ("fix", "changed", "removed", "")}
    told = (
        (ends[""], "there now"),
        (len(story.new), "of them new"),
        (ends["fix"], "ended by a fix"),
        (ends["changed"], "ended by another change"),
        (ends["removed"], "gone with their code"),
    )
    return f'<div class="numbers">{"".join(f"<p><b>{n:,}</b><span>{what}</span></p>" for n, what in told)}</div>'


def _over_time(story: ProjectStory) -> tuple[str, str]:
    """The legend and the chart; the rule with most findings at the bottom."""
    if not story.rules:
        return "", '<p class="empty">No revision shows a finding.</p>'
    series = _series(story.rules)
    marks = (f'<li><i class="{colour(at)}"></i>{_text(name)}</li>' for at, (name, _) in enumerate(series))
    label = f"Findings of {story.name} over time"
    return f'<ul class="legend">{"".join(marks)}</ul>', areas(story.revisions, series, label)


def _series(rules: Sequence[RuleStory]) -> list[Series]:
    by_size = sorted(rules, key=lambda rule: (-sum(rule.counts), rule.rule))
    first, others = by_size[:_AREAS], by_size[_AREAS:]
    found: list[Series] = [(f"{rule.rule} {rule.name}", rule.counts) for rule in first]
    if others:
        found.append((f"{len(others)} other rules", [sum(at) for at in zip(*(r.counts for r in others), strict=True)]))
    return found


def _rules(story: ProjectStory) -> str:
    urls = {rule.code: rule.doc_url for rule in load_catalogue()}
    head = ("rule", "over time", "now", "new", "fixed", "changed", "removed", "half gone after")
    rows = (
        (
            f"{_link(urls.get(rule.rule, ''), rule.rule)} <span>{_text(rule.name)}</span>",
            spark(story.revisions, rule.counts, rule.rule),
            *(str(number) for number in (rule.ends[""], rule.new)),
            *(str(rule.ends[end]) for end in ("fix", "changed", "removed")),
            "not yet" if rule.half_life is None else f"{rule.half_life:,.0f} d",
        )
        for rule in story.rules
    )
    return _table(head, rows, "rules")


def _fixed(story: ProjectStory) -> str:
    head = ("lived", "finding", "where", "the commit")
    return _table(head, map(_fixed_row, story.fixed[:_MOST_ROWS]), "lives", "Nothing was, by a commit that says so.")


def _fixed_row(life: Life) -> Iterator[str]:
    days = days_between(life.first_date, life.gone_date)
    yield f"{'over ' if life.from_the_start else ''}{days:,.0f} d"
    yield _finding(life)
    yield _where(life)
    yield f"<code>{life.gone_by[:10]}</code> {life.gone_date[:10]} <span>{_text(life.gone_subject)}</span>"


def _new(story: ProjectStory) -> str:
    rows = ((life.first_date[:10], _finding(life), _where(life)) for life in story.new[:_MOST_ROWS])
    empty = "Nothing, at the newest revision or in the week before it."
    return _table(("since", "finding", "where"), rows, "lives", empty)


def _finding(life: Life) -> str:
    return f"<b>{_text(life.rule)}</b> {_text(life.message)}"


def _where(life: Life) -> str:
    symbol = f" <span>{_text(life.symbol)}</span>" if life.symbol else ""
    return f"<code>{_text(life.path)}:{life.line}</code>{symbol}"


def _table(head: Sequence[str], rows: Iterable[Iterable[str]], kind: str, empty: str = "None.") -> str:
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    if not body:
        return f'<p class="empty">{_text(empty)}</p>'
    names = "".join(f"<th>{_text(name)}</th>" for name in head)
    return (
        f'<div class="table"><table class="{kind}"><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _link(url: str, text: str) -> str:
    return f'<a href="{_text(url)}" rel="noreferrer noopener">{_text(text)}</a>' if url else _text(text)
