"""Loops and what stands in them: which container a `for` walks, and whether a way leads round to its head again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.paths import PLAIN
from llmlint.code.link.entities import FunctionInfo

_FOR = re.compile(r"(?:async )?for .+? in (?P<over>.+)")
_NAMED = re.compile(r"\(?\*?[\w.>-]+\)?")
_LIVE = re.compile(r"(?:enumerate\((?P<counted>[\w.]+)\)|(?P<plain>[\w.]+?)(?:\.(?:items|keys|values)\(\))?)")
"""What walks the container itself; `list(x)`, a slice or a comprehension walks a copy."""


def walked_by(function: FunctionInfo, loop: int) -> str:
    """The path of the container that a `for` walks alive; "" for a copy, a generator or anything unknown."""
    over = _FOR.fullmatch(function.regions[loop].text)
    if over and function.language != "python":
        is_named = _NAMED.fullmatch(over["over"]) and not _is_copy(function, over["over"])
        return _ranged_over(function, loop) if is_named else ""
    live = _LIVE.fullmatch(over["over"]) if over else None
    written = (live["counted"] or live["plain"]) if live else ""
    if not written or "." in written:
        return written
    bound = _bound_before(function, loop, written)
    if not bound:
        return written if any(p.name == written for p in function.params) else ""
    if any(effect.value not in ("path", "empty", "container") for effect in bound):
        return ""
    return next((effect.source for effect in bound if effect.value == "path"), written)


def _bound_before(function: FunctionInfo, loop: int, name: str) -> list[Effect]:
    """What the name may have been given last when control comes to the loop's head."""
    bound = [at for at, e in enumerate(function.effects) if e.op == "bind" and e.path == name]
    if len(bound) < 2 and not any(function.effects[at].line > function.regions[loop].line for at in bound):
        return [function.effects[at] for at in bound]
    paths = paths_of(function)
    graph = paths.graph
    heads = _heads(function, loop)

    def reaches(at: int) -> bool:
        others = {node for other in bound if other != at for node in graph.nodes_of(other)}
        return paths.find(graph.nodes_of(at), heads, others.__contains__, kinds=PLAIN) is not None

    return [function.effects[at] for at in bound if reaches(at)]


def _heads(function: FunctionInfo, loop: int) -> set[int]:
    nodes = paths_of(function).graph.nodes
    return {at for at, node in enumerate(nodes) if node.what == "head" and node.region == loop}


def _is_copy(function: FunctionInfo, name: str) -> bool:
    """In C++ `auto copied = index_` is another container, and `auto & same = index_` is this one."""
    bound = [e for e in function.effects if e.op == "bind" and e.path == name and e.annotation]
    return any("auto" in e.annotation.split() and not {"&", "&&", "*"} & {*e.annotation.split()} for e in bound)


def _ranged_over(function: FunctionInfo, loop: int) -> str:
    """A C++ range-for walks what it names: told by what its variables are bound to."""
    bound = (e for e in function.effects if e.op == "bind" and e.via == "for" and e.region == loop)
    paths = (path for effect in bound for path in (effect.source, *effect.options) if "[]" in path)
    return next((path.partition("[]")[0] for path in paths), "")


def loops_of(function: FunctionInfo) -> Iterator[int]:
    return (at for at, region in enumerate(function.regions) if region.kind == "loop")


def effects_in(function: FunctionInfo, region: int) -> Iterator[tuple[int, Effect]]:
    """What is done in a region and in those within, with its place; what a lambda does is done later."""
    inside = within(function, region)
    return ((at, effect) for at, effect in enumerate(function.effects) if effect.region in inside)


def within(function: FunctionInfo, region: int) -> set[int]:
    """A region and those in it, without lambdas; a region comes before those in it."""
    inside = {region}
    for at, inner in enumerate(function.regions[region + 1 :], region + 1):
        if inner.parent in inside and inner.kind != "lambda":
            inside.add(at)
    return inside


def goes_on(function: FunctionInfo, loop: int, effect: int, avoiding: Collection[int] = ()) -> bool:
    """Is there a way from an effect of a loop to the loop's next round that leaves out these effects?"""
    paths = paths_of(function)
    graph = paths.graph
    heads = _heads(function, loop)
    left_out = {node for at in avoiding for node in graph.nodes_of(at)}
    inside = within(function, loop)

    def stops(node: int) -> bool:
        return node in left_out or graph.nodes[node].region not in inside

    return paths.find(graph.nodes_of(effect), heads, stops, kinds=PLAIN) is not None
