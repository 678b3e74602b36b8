"""LLM944: C and C++ places that are reached through behind the end of what they stand for."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.lifetimes import Lost
from llmlint.code.flow.lost_places import lost_places
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report, Step


def check_file(file: SourceFile) -> Iterator[Report]:
    for lost in lost_places(file):
        if lost.use != "freed again":
            yield _report(file, lost)


def _report(file: SourceFile, lost: Lost) -> Report:
    hold, place = lost.hold, lost.place
    ended = hold.after or hold.at
    taken = (Step("", hold.at.line, f"{place} is taken from {hold.what} here"),) if hold.what else ()
    return Report(
        place_of(lost.at),
        qualname_at(file.facts, lost.at.line),
        f"{place} is {lost.use}, and what it stands for is gone by then",
        (*taken, Step("", ended.line, hold.why), Step("", lost.at.line, f"{place} is {lost.use}")),
        confidence="medium",
        reason="a way leads from the one to the other, and nothing on it gives the place another value",
        subject=f"{place}:{hold.how}",
        fix="use it before, or take it anew behind",
        mechanism=f"dangling_pointer.{hold.how}",
    )
