"""A generator, a `map`, a reader or a file that is gone through again after a reading that left nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.one_shots import OneShots
from llmlint.code.flow.read_again import Again, read_again
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step

_NOT_READ = "few findings of this kind have been read so far"


def read_twice(file: SourceFile) -> Iterator[Report]:
    if file.tree.language != "python":
        return
    shots = OneShots(file.tree, file.facts)
    lines = file.text.split("\n")
    for function in nodes(file.tree, tree.Function):
        for again in read_again(function, shots, lines):
            yield _report(file, again)


def _report(file: SourceFile, again: Again) -> Report:
    name, made, first, second = again
    left = "nothing" if first.is_whole else "a rest"
    if first.node is second.node:
        message = f"{name} is {made.kind}, and each round of the loop reads it: from the second one on {left} is left"
    else:
        message = f"{name} is {made.kind}, of which the reading in line {first.node.line} leaves {left} for this one"
    begins = "a caller hands over" if made.is_handed else f"{name} is"
    return Report(
        place_of(second.node),
        qualname_at(file.facts, second.node.line),
        message,
        (
            Step("", made.node.line, f"{begins} {made.kind}, which can be gone through once"),
            Step("", first.node.line, f"{_said(first.how)} goes through it"),
            Step("", second.node.line, f"{_said(second.how)} goes through it again"),
        ),
        confidence="low",
        reason=f"nothing makes it anew in between; but {_NOT_READ}",
        subject=f"{name}:{second.how}",
        fix=f"keep a list of it: {name} = list(…), or make it anew for each reading",
        mechanism="misread_result.read_twice",
    )


def _said(how: str) -> str:
    return {"for": "a loop", "in": "a test with `in`", "*": "a star"}.get(how, how if " " in how else f"{how}()")
