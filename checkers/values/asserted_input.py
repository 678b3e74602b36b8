"""LLM949: C and C++ assertions about a value from outside: whoever writes the file or the message ends the process."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.outside import Arrival, arrivals_in
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report, Step

_FROM_STRANGERS = ("number in a file or message", "number in a request")
_OF_TESTS = ("ASSERT_", "EXPECT_")


def check_file(file: SourceFile) -> Iterator[Report]:
    for arrival in arrivals_in(file):
        is_trial = arrival.by.startswith(_OF_TESTS)
        if arrival.how == "assert" and not is_trial and arrival.source.what in _FROM_STRANGERS:
            yield _report(file, arrival)


def _report(file: SourceFile, arrival: Arrival) -> Report:
    place, source = arrival.place, arrival.source
    return Report(
        place_of(arrival.at),
        qualname_at(file.facts, arrival.at.line),
        f"{arrival.by} ends the process where {place} ({source.what}) is not what is expected",
        (
            Step("", source.at.line, f"it comes in by {source.call}()"),
            Step("", arrival.at.line, f"{arrival.by} is all that looks at it"),
        ),
        confidence="medium",
        reason="nothing else asks about the value on the way",
        subject=place,
        fix="refuse the file or the message with an error that the caller can report",
    )
