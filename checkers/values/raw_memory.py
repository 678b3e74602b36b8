"""LLM952: C and C++ memory behind a plain pointer that is freed twice, freed the wrong way, overwritten or copied."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.lifetimes import Lost
from llmlint.code.flow.lost_places import lost_places
from llmlint.code.flow.raw_owners import Wrong, wrongs_in
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report, Step

_OWNS = re.compile(r"\b(?:delete\b|free\s*\(|new\b)")
_OWNING = ("delete", "free", "new")


def check_file(file: SourceFile) -> Iterator[Report]:
    if file.facts.language == "python" or not any(word in file.text for word in _OWNING):
        return
    if not _OWNS.search(file.text):
        return
    for lost in lost_places(file):
        if lost.use == "freed again":
            yield _again(file, lost)
    for wrong in wrongs_in(file.tree, file.facts, file.text.splitlines()):
        yield _report(file, wrong)


def _again(file: SourceFile, lost: Lost) -> Report:
    ended = lost.hold.after or lost.hold.at
    return Report(
        place_of(ended),
        qualname_at(file.facts, lost.at.line),
        f"{lost.place} is freed here, and once more behind",
        (Step("", ended.line, "it is freed for the first time"), Step("", lost.at.line, "and for the second")),
        confidence="medium" if lost.hold.always else "low",
        reason="a way leads from the one to the other, and nothing on it gives the pointer another value"
        if lost.hold.always
        else "what is called frees it on some of its ways only",
        subject=f"{lost.place}:again",
        fix="leave it to one of the two, or set the pointer to null",
        mechanism="raw_memory.again",
    )


def _report(file: SourceFile, wrong: Wrong) -> Report:
    return Report(
        place_of(wrong.at),
        qualname_at(file.facts, wrong.at.line),
        wrong.text,
        (Step("", wrong.why.line, wrong.because), Step("", wrong.at.line, wrong.text)),
        confidence="low" if wrong.doubt else "medium",
        reason=wrong.doubt or "both places stand in this file, and no test or release between them speaks of it",
        subject=f"{wrong.place}:{wrong.kind}",
        fix="let a smart pointer or a container own it",
        mechanism=f"raw_memory.{wrong.kind}",
    )
