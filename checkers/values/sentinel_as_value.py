"""LLM954: -1 or npos, which says that there is none, used as an index, a bound or a count."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.maybe_results import NUMBER, Misuse, misuses_in
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report, Step


def check_file(file: SourceFile) -> Iterator[Report]:
    if "find" in file.text or "-1" in file.text or "npos" in file.text:
        for misuse in misuses_in(file.tree):
            if misuse.maybe.kind == NUMBER:
                yield _report(file, misuse)


def _report(file: SourceFile, misuse: Misuse) -> Report:
    maybe, local = misuse.maybe, misuse.local
    name = tree.path_of(maybe.call.function).rpartition(".")[2]
    says = (Step("", maybe.says.line, f"{name}() says here that there is none"),) if maybe.says is not None else ()
    return Report(
        place_of(misuse.at),
        qualname_at(file.facts, misuse.at.line),
        f"{local} may be what {name}() gives where it finds nothing, and is {misuse.how} here",
        (*says, Step("", maybe.call.line, f"{name}() is called"), Step("", misuse.at.line, f"{local} is {misuse.how}")),
        confidence="medium" if maybe.says is not None or misuse.others else "low",
        reason="no test between the call and the use speaks of it",
        subject=f"{local}:{name}",
        fix="ask whether there is one before it is counted with",
        mechanism="sentinel_as_value.own" if maybe.says is not None else "sentinel_as_value.library",
    )
