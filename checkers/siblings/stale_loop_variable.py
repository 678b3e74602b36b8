"""LLM923: a loop that speaks of the variable of an earlier loop, which stands still at its last value.

The facts of the file say where that may be; only there is the tree looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.facts.facts import Function as FunctionFacts
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Place, Report, Step


def check_file(file: SourceFile) -> Iterator[Report]:
    lines = file.text.split("\n")
    wanted = {f.line: f for f in file.facts.functions if f.name != "<module>" and _may_be_stale(f, lines)}
    if wanted:
        for node in nodes(file.tree, tree.Function):
            if node.line in wanted:
                yield from _check(node, wanted[node.line].qualname)


def _may_be_stale(function: FunctionFacts, lines: list[str]) -> bool:
    """Is a name of one loop written in the lines of a later one?"""
    loops = [(r.line, r.end_line) for r in function.regions if r.kind == "loop" and r.text.startswith("for ")]
    if len(loops) < 2:
        return False
    names = {(e.path, e.line) for e in function.effects if e.op == "bind" and e.via == "for"}
    for name, line in names:
        end = max((stop for start, stop in loops if start == line), default=0)
        later = ((start, stop) for start, stop in loops if end and start > end)
        if any(re.search(rf"\b{name}\b", "\n".join(lines[start:stop])) for start, stop in later):
            return True
    return False


def _check(function: tree.Function, qualname: str) -> Iterator[Report]:
    own = list(tree.walk_own(function))
    loops = [node for node in own if isinstance(node, tree.Loop) and node.kind == "for" and node.target is not None]
    once = _only_loops_bind(function, own, loops)
    told: set[tuple[str, int]] = set()
    for loop in loops:
        for name, read in _foreign(loop, once):
            earlier = _earlier(loop, once[name])
            if earlier is not None and (name, loop.line) not in told and _stands_still(earlier, loop, name):
                told.add((name, loop.line))
                yield _report(qualname, name, read, earlier, loop)


def _names(node: tree.Node | None) -> set[str]:
    return {n.id for n in tree.walk(node) if isinstance(n, tree.Name)} if node is not None else set()


def _only_loops_bind(
    function: tree.Function, own: list[tree.Node], loops: list[tree.Loop]
) -> dict[str, list[tree.Loop]]:
    """The names that loops bind and nothing else in the function does, with their loops."""
    bound: dict[str, list[tree.Loop]] = {}
    for loop in loops:
        for name in _names(loop.target):
            bound.setdefault(name, []).append(loop)
    taken = {p.name for p in function.params}
    for node in [
        *own,
        *(n for inner in own if isinstance(inner, tree.Function | tree.Lambda) for n in tree.walk(inner)),
    ]:
        taken |= _bound_by(node)
    return {name: found for name, found in bound.items() if name not in taken}


def _bound_by(node: tree.Node) -> set[str]:
    match node:
        case tree.Assign(targets=targets) | tree.Delete(targets=targets):
            return {t.id for target in targets for t in tree.walk(target) if isinstance(t, tree.Name)}
        case tree.Generator(target=target) | tree.Named(target=target):
            return _names(target)
        case tree.With(items=items):
            return {name for _, target in items for name in _names(target)}
        case tree.Handler(name=name) | tree.Parameter(name=name) | tree.Function(name=name):
            return {name}
        case tree.Outer(names=names):
            return set(names)
        case _:
            return set()


def _foreign(loop: tree.Loop, once: dict[str, list[tree.Loop]]) -> Iterator[tuple[str, tree.Node]]:
    """The names of other loops that the body reads. `last[i]` goes through the last element's parts: that is meant."""
    own = _names(loop.target)
    for statement in loop.body:
        parted = {
            node.value.id
            for node in tree.walk(statement)
            if isinstance(node, tree.Index) and isinstance(node.value, tree.Name) and own & _names(node.key)
        }
        for node in tree.walk(statement):
            if isinstance(node, tree.Name) and node.id in once and node.id not in own | parted:
                yield node.id, node


def _earlier(loop: tree.Loop, binding: list[tree.Loop]) -> tree.Loop | None:
    """The last loop over the name, where each is over before this one begins."""
    if any(other.end_line >= loop.line for other in binding if other.line <= loop.end_line):
        return None
    before = [other for other in binding if other.end_line < loop.line]
    return before[-1] if before else None


def _stands_still(earlier: tree.Loop, loop: tree.Loop, name: str) -> bool:
    """Nobody meant the last element: the earlier loop does not stop at the one it looked for, and is no stream.

    Where it does stop, the later loop must walk what the earlier one put the name into."""
    if earlier.is_async:
        return False
    stops = any(isinstance(n, tree.Jump) and n.kind == "break" for n in tree.walk(earlier))
    return not stops or tree.path_of(loop.iterable) in _filled_with(earlier, name)


def _filled_with(loop: tree.Loop, name: str) -> set[str]:
    calls = (n for n in tree.walk(loop) if isinstance(n, tree.Call) and isinstance(n.function, tree.Attribute))
    return {
        tree.path_of(call.function.value)  # type: ignore[attr-defined]
        for call in calls
        if any(isinstance(argument, tree.Name) and argument.id == name for argument in call.args)
    } - {""}


def _report(qualname: str, name: str, read: tree.Node, earlier: tree.Loop, loop: tree.Loop) -> Report:
    own = tree.path_of(loop.target) or ", ".join(sorted(_names(loop.target)))
    return Report(
        Place("", read.line, read.column, read.end_line, read.end_column),
        qualname,
        f"{name} belongs to an earlier loop and stands still here: each round of this one sees its last value",
        (
            Step("", earlier.line, f"this loop binds {name}, and nothing else does"),
            Step("", loop.line, f"this one binds {own}"),
            Step("", read.line, f"{name} is read in each round"),
        ),
        confidence="medium",
        reason=f"no loop around it binds {name}, and the one that did looked for no element to stop at",
        subject=f"{name}:{own}",
        fix=f"use {own}, or bind the last value to a name that says so",
    )
