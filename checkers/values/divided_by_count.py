"""LLM953: a division by a count that starts at zero, and that nobody asked about."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.zero_counts import Division, divisions_in
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report, Step

_WHAT = {"count": "counts from zero", "list": "starts empty", "span": "is a span of time in whole units"}


def check_file(file: SourceFile) -> Iterator[Report]:
    if "/ " in file.text or "% " in file.text:
        for division in divisions_in(file.tree, file.text):
            yield _report(file, division)


def _report(file: SourceFile, division: Division) -> Report:
    place, start, sibling = division.place, division.start, division.sibling
    asked = (Step("", sibling.line, "here the same kind of divisor is asked about first"),) if sibling else ()
    return Report(
        place_of(division.at),
        qualname_at(file.facts, division.at.line),
        f"{place} {_WHAT[start.what]}, and divides here without a question",
        (
            Step("", start.at.line, f"{place} {_WHAT[start.what]}"),
            Step("", division.at.line, "it divides here"),
            *asked,
        ),
        confidence="medium" if sibling else "low",
        reason="other divisions of this file ask first" if sibling else "something may have been counted by then",
        subject=place,
        fix="answer zero, or nothing, where nothing has been counted",
        mechanism=f"divided_by_count.{start.what}",
    )
