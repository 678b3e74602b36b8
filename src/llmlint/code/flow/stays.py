"""What is held at each place of a graph: a state that steps enter and leave, and that may end with a scope."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from llmlint.code.flow.graph import ENTRY, Edge, Graph
from llmlint.code.flow.paths import FAILURES

Thing = TypeVar("Thing")
Held = frozenset[Thing]


def held_before(
    graph: Graph,
    enters: Mapping[int, Collection[Thing]],
    leaves: Mapping[int, Collection[Thing]],
    lasts: Callable[[Thing, int], bool],
    at_first: Held[Thing] = frozenset(),
) -> list[Held[Thing] | None]:
    """By node what may be held when control comes there; None where it never comes. `lasts` says whether a thing that
    was held before is so at a node too. A step that fails has entered nothing."""
    held: list[Held[Thing] | None] = [None] * len(graph.nodes)
    held[ENTRY] = at_first
    waiting = deque([ENTRY])
    while waiting:
        node = waiting.popleft()
        for edge in graph.out[node]:
            brings, known = _brought(edge, node, held[node] or frozenset(), enters, leaves, lasts), held[edge.to]
            meets = brings if known is None else known | brings
            if meets != known:
                held[edge.to] = meets
                waiting.append(edge.to)
    return held


def _brought(
    edge: Edge,
    node: int,
    before: Held[Thing],
    enters: Mapping[int, Collection[Thing]],
    leaves: Mapping[int, Collection[Thing]],
    lasts: Callable[[Thing, int], bool],
) -> Held[Thing]:
    left = before.difference(leaves.get(node, ()))
    after = left if edge.kind in FAILURES else left.union(enters.get(node, ()))
    return frozenset(thing for thing in after if lasts(thing, edge.to))
