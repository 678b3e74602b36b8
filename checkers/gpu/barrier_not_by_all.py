"""LLM309: a barrier of a block's threads that only some of them reach.

Behind a test that holds for some threads only, in a loop that they leave at different rounds, behind a `continue` or
`break` that only some take, or, in a function that goes on to a caller, behind a `return`.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.thread_values import LANE, POOL, WARP, Threads
from llmlint.code.flow.thread_walk import Apart, Here, ThreadWalk
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import functions_of
from llmlint.code.syntax.written import text_of
from llmlint.findings import Report, Step

_SENT = {
    "if": "holds for some threads only",
    "loop": "ends at another round in each thread",
    "continue": "sends some threads on to the next round",
    "break": "sends some threads out of the loop",
    "return": "sends some threads back to the caller",
}


def check_file(file: SourceFile) -> Iterator[Report]:
    if file.facts.language == "python":
        return
    threads = Threads(file.vocabulary, file.facts, file.tree)
    lines = file.text.split("\n")
    barriers = {function.name: barriers_in(function, threads) for function in functions_of(file.tree)}
    going_on = {
        tree.path_of(call.function) for found in barriers.values() for at, call in enumerate(found) if found[at + 1 :]
    }
    for function in functions_of(file.tree):
        if barriers_in(function, threads):
            yield from _missed(file, function, threads, lines, function.name in going_on)


def barriers_in(function: tree.Function, threads: Threads) -> list[tree.Call]:
    groups = threads.groups_in(function)
    return [n for n in tree.walk_own(function) if isinstance(n, tree.Call) and threads.barrier(n, groups)]


def _missed(
    file: SourceFile, function: tree.Function, threads: Threads, lines: list[str], goes_on: bool
) -> Iterator[Report]:
    walk = _Missing(function, threads, is_kernel(function, lines), goes_on)
    walk.run()
    for call, apart in walk.found.values():
        yield _report(file, call, apart, lines)


def is_kernel(function: tree.Function, lines: list[str]) -> bool:
    """Does a `return` end the thread? A barrier waits for those that are still there."""
    body = function.body
    return any("__global__" in line for line in lines[max(0, function.line - 2) : body[0].line if body else 0])


class _Missing(ThreadWalk):
    """`goes_on`: whoever calls the function comes to another barrier."""

    def __init__(self, function: tree.Function, threads: Threads, is_kernel: bool, goes_on: bool) -> None:
        super().__init__(function, threads, is_kernel)
        self.goes_on = goes_on
        self.barriers = barriers_in(function, threads)
        self.found: dict[tuple[int, int], tuple[tree.Call, Apart]] = {}

    def meets(self, call: tree.Call, kind: str, here: Here) -> None:
        for missing in self.missing(here):
            is_lost = kind == POOL or (missing.why.part == LANE if kind == WARP else self._come_elsewhere(missing))
            if is_lost:
                self.found.setdefault((missing.at.line, missing.at.column), (call, missing))
                return

    def _come_elsewhere(self, missing: Apart) -> bool:
        """Do the threads that are missing come to another barrier? A barrier waits for no thread that has ended
        (CUDA C++ Programming Guide, Independent Thread Scheduling)."""
        if missing.how == "continue" or self.goes_on:
            return True
        nodes = tree.walk_own(self.function)
        loops = [n for n in nodes if isinstance(n, tree.Loop) and n is not missing.around and _holds(n, missing.around)]
        return missing.how != "return" and any(
            not _holds(missing.around, call)
            and not any(_lies_on_other_way(node, missing.around, call) for node in nodes)
            and (call.line > missing.around.end_line or any(_holds(loop, call) for loop in loops))
            for call in self.barriers
        )


def _lies_on_other_way(node: tree.Node, one: tree.Node, other: tree.Node) -> bool:
    """Do the two stand in the two branches of one `if`?"""
    if not isinstance(node, tree.If):
        return False
    return any(_holds(part, one) for part in node.body) and any(_holds(part, other) for part in node.orelse)


def _holds(outer: tree.Node, inner: tree.Node) -> bool:
    begins, ends = (outer.line, outer.column), (outer.end_line, outer.end_column)
    return begins <= (inner.line, inner.column) and (inner.end_line, inner.end_column) <= ends


def _report(file: SourceFile, call: tree.Call, apart: Apart, lines: list[str]) -> Report:
    test = text_of(apart.at, lines)
    name = tree.path_of(call.function)
    return Report(
        place_of(call),
        qualname_at(file.facts, call.line),
        f"{name} is reached by some threads only: `{test}` {_SENT[apart.how]}",
        (
            Step("", apart.why.line, f"{apart.why.source} differs from thread to thread"),
            Step("", apart.at.line, f"`{test}` {_SENT[apart.how]}"),
            Step("", call.line, f"{name} waits for all of them"),
        ),
        confidence="low",
        reason="whether the numbers let the threads differ was not worked out",
        subject=name,
        fix="let every thread come to the barrier, and ask before and behind it",
    )
