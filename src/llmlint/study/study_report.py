"""The report in its formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Literal, get_args

import msgspec

from llmlint.plain import counted, plain, plain_json, without_commands
from llmlint.study.classified import Classified
from llmlint.study.outcome import Outcome, outcome
from llmlint.study.study_page import render_page
from llmlint.study.tables import Table, as_markdown, as_text, subject_table, tables_of

Format = Literal["text", "markdown", "html", "json", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

_COLUMNS = ("repository", "number", "kind", "chapter", "cause", "confidence", "state", "created", "closed")
"""No text of others: a spreadsheet would run what looks like a formula."""


def render_report(name: Format, found: Sequence[Classified], more: Sequence[Table] = ()) -> str:
    """`more` are tables to put behind ours."""
    if name == "csv":
        return _as_csv(found)
    result = outcome(found)
    if name == "html":
        return render_page(result, more)
    if name == "json":
        return plain_json(msgspec.json.encode({"study": result, "tables": plain(list(more))}).decode()) + "\n"
    tables = [subject_table(found), *tables_of(result), *more]
    if name == "text":
        return without_commands(as_text(*tables))
    return without_commands("\n".join([_headline(result), *map(as_markdown, tables)]))


def _headline(result: Outcome) -> str:
    return (
        f"# What bug reports say\n\n**{counted(result.faults, 'fault')}** in {counted(result.issues, 'issue')} "
        f"of {', '.join(result.repositories)}, {result.first} to {result.last}.\n"
    )


def _as_csv(found: Sequence[Classified]) -> str:
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for one in found:
        said = msgspec.structs.asdict(one.issue) | msgspec.structs.asdict(one.verdict)
        rows.writerow([said[name] for name in _COLUMNS])
    return written.getvalue()
