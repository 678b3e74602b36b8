"""What control never comes to, because calls before it always raise; and functions that do so on every way."""

from __future__ import annotations

from collections.abc import Collection

from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.graph import ENTRY, EXIT
from llmlint.code.flow.paths import ANY, PLAIN, Paths
from llmlint.code.link.entities import FunctionInfo


def behind(function: FunctionInfo, failing: Collection[int], asked: int) -> tuple[int, ...]:
    """Those of the effects that always raise which stand before another one on every way to it; all of them together
    may do that where none does alone."""
    paths = paths_of(function, body_of(function, function.effects[asked].region))
    goal = frozenset(paths.graph.nodes_of(asked))
    nodes = {effect: frozenset(paths.graph.nodes_of(effect)) for effect in failing if effect != asked}
    if not goal or _is_reached(paths, frozenset().union(*nodes.values()), goal):
        return ()
    alone = tuple(effect for effect in sorted(nodes) if not _is_reached(paths, nodes[effect], goal))
    return alone or tuple(sorted(effect for effect in nodes if nodes[effect]))


def always_raises(function: FunctionInfo) -> bool:
    """Does each way through the function itself end in a raise? A loop that only errors end is no such way."""
    if not function.doing("raise") or any(region.kind == "loop" for region in function.regions):
        return False
    return not _is_reached(paths_of(function), frozenset(), frozenset({EXIT}), PLAIN)


def _is_reached(paths: Paths, raising: frozenset[int], goal: frozenset[int], kinds: frozenset[str] = ANY) -> bool:
    reached = paths.reached([ENTRY], lambda node: False, kinds, raises=raising.__contains__)
    return not goal.isdisjoint(reached)
