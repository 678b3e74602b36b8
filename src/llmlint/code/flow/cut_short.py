"""What control never comes to, because calls before it always raise."""

from __future__ import annotations

from collections.abc import Collection

from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.graph import ENTRY, Graph
from llmlint.code.flow.paths import FAILURES
from llmlint.code.link.entities import FunctionInfo

_LEAVING = FAILURES | {"raise"}


def behind(function: FunctionInfo, failing: Collection[int], asked: int) -> tuple[int, ...]:
    """Those of the effects that always raise which stand before another one on every way to it; all of them together
    may do that where none does alone."""
    graph = paths_of(function, body_of(function, function.effects[asked].region)).graph
    nodes = {effect: frozenset(graph.nodes_of(effect)) for effect in failing if effect != asked}
    if not graph.nodes_of(asked) or _is_reached(graph, frozenset().union(*nodes.values()), asked):
        return ()
    alone = tuple(effect for effect in sorted(nodes) if not _is_reached(graph, nodes[effect], asked))
    return alone or tuple(sorted(effect for effect in nodes if nodes[effect]))


def _is_reached(graph: Graph, raising: frozenset[int], asked: int) -> bool:
    goal = frozenset(graph.nodes_of(asked))
    seen, waiting = {ENTRY}, [ENTRY]
    while waiting:
        node = waiting.pop()
        if node in goal:
            return True
        new = {edge.to for edge in graph.out[node] if node not in raising or edge.kind in _LEAVING} - seen
        seen |= new
        waiting += new
    return False
