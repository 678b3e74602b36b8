"""LLM962: a number or pointer of C++ that is read where a way leads to it on which nothing has given it a value."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.lifetimes_of_file import met_in
from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report, Step


def check_file(file: SourceFile) -> Iterator[Report]:
    for function, seen in met_in(file):
        fate = seen.fate
        if fate.kind != "unset":
            continue
        ways = "no way gives it a value before" if fate.sure else "a way leads here that gives it none"
        yield Report(
            place_of(seen.node),
            qualname_at(file.facts, seen.node.line),
            f"{seen.name} is read before it has a value"
            if fate.sure
            else f"{seen.name} may be read before it has a value",
            (Step("", fate.line, f"{seen.name} is declared without a value"), Step("", seen.node.line, ways)),
            confidence="medium",
            reason="on every way" if fate.sure else "on the ways that pass by the assignments",
            subject=f"{function.name}.{seen.name}",
            fix=f"give {seen.name} a value where it is declared",
            mechanism="uninitialised_local.read",
        )
