"""LLM946: C and C++ sizes, indices and offsets that came from outside and that nothing bounds from above."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.outside import Arrival, arrivals_in
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report, Step

_USED = {
    "size": "is the size that {by} is given",
    "index": "is an index into {by}",
    "pointer": "moves the pointer {by}",
}
_THROW = frozenset({"resize()", "reserve()", "vector()"})
_TRUSTED = frozenset({"size of a file", "number in a text", "number in a request"})


def check_file(file: SourceFile) -> Iterator[Report]:
    for arrival in arrivals_in(file):
        if arrival.how in _USED:
            yield _report(file, arrival)


def _report(file: SourceFile, arrival: Arrival) -> Report:
    used = _USED[arrival.how].format(by=arrival.by)
    source = arrival.source
    one_sided = (Step("", arrival.asked.line, "it is tested here, from one side only"),) if arrival.asked else ()
    confidence, reason = _sure(arrival)
    return Report(
        place_of(arrival.at),
        qualname_at(file.facts, arrival.at.line),
        f"{arrival.place} ({source.what}) {used}, and nothing bounds it",
        (
            Step("", source.at.line, f"it comes in by {source.call}()"),
            *one_sided,
            Step("", arrival.at.line, f"{arrival.place} {used}"),
        ),
        confidence=confidence,
        reason=reason,
        subject=f"{arrival.place}:{arrival.how}",
        fix="compare it with what is there (the bytes left, the number of elements) before it is used, and refuse it",
        mechanism=f"unchecked_size.{arrival.how}",
    )


def _sure(arrival: Arrival) -> tuple[str, str]:
    if arrival.by in _THROW:
        return "low", "a container throws when it cannot be made that large"
    if arrival.source.what in _TRUSTED:
        return "low", "what is read here may be the program's own"
    return "medium", "no test on the way compares it with anything larger"
