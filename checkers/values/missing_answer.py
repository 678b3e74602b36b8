"""LLM955: a look-up's answer that may be None (in C++ null), reached through without a question."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.maybe_results import NUMBER, Misuse, misuses_in
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report, Step


def check_file(file: SourceFile) -> Iterator[Report]:
    if "None" in file.text or "nullptr" in file.text:
        for misuse in misuses_in(file.tree):
            if misuse.maybe.kind != NUMBER:
                yield _report(file, misuse)


def _report(file: SourceFile, misuse: Misuse) -> Report:
    maybe, local = misuse.maybe, misuse.local
    name = tree.path_of(maybe.call.function).rpartition(".")[2]
    says = (Step("", maybe.says.line, f"{name}() answers that there is none"),) if maybe.says is not None else ()
    return Report(
        place_of(misuse.at),
        qualname_at(file.facts, misuse.at.line),
        f"{name}() may have no answer, and {local} is {misuse.how} here without asking",
        (*says, Step("", maybe.call.line, f"{name}() is called"), Step("", misuse.at.line, f"{local} is {misuse.how}")),
        confidence="medium" if misuse.others > 1 and maybe.says is not None else "low",
        reason=f"{misuse.others} other answers of {name}() in this file are asked about",
        subject=f"{local}:{name}",
        fix="ask whether there is one first",
        mechanism="missing_answer.own" if maybe.says is not None else "missing_answer.library",
    )
