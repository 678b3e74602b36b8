"""LLM947: C and C++ divisions of whole numbers by a value from outside that nobody tested."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.arrivals import OF_OTHERS, TRUSTED, Arrival, way_of
from llmlint.code.flow.outside import arrivals_in
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report, Step


def check_file(file: SourceFile) -> Iterator[Report]:
    for arrival in arrivals_in(file):
        if arrival.how == "divide":
            yield _report(file, arrival)


def _report(file: SourceFile, arrival: Arrival) -> Report:
    place, source = arrival.place, arrival.source
    is_own = source.what in TRUSTED
    return Report(
        place_of(arrival.at),
        qualname_at(file.facts, arrival.at.line),
        f"{place} ({source.what}) divides here, and nobody asked whether it is zero",
        (
            Step("", source.at.line, f"it comes in by {source.call}()"),
            *way_of(arrival),
            Step("", arrival.at.line, f"{place} is the divisor"),
        ),
        confidence="low" if is_own else "medium",
        reason="what is read here may be the program's own" if is_own else "no test of it stands on the way",
        subject=place,
        fix="refuse zero where it comes in",
        mechanism=f"divided_by_input.{OF_OTHERS.get(source.what, 'check_file')}",
    )
