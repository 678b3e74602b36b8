"""What a function does on some of its ways only: the branch on which one of several like steps is left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from llmlint.code.flow.always import asks_about
from llmlint.code.flow.conditions import written
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import ENTRY, EXIT, Graph
from llmlint.code.flow.paths import GOING_ON, Paths
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.exits import LEAVING


class Skipped(NamedTuple):
    """Where a way parts from those that take the step: the text of what is asked there, and what it reads."""

    test: str
    holds: bool
    is_early_exit: bool


def skipped(function: FunctionInfo, step: Collection[int], beside: Collection[int], about: str) -> Skipped | None:
    """Is there a way that does what stands `beside` and leaves out the step? Effects are given by their places.

    A branch that asks about the very thing (`if self.queue: self.queue.clear()`) leaves out nothing.
    """
    paths = paths_of(function)
    graph = paths.graph
    steps = {node for effect in step for node in graph.nodes_of(effect)}
    besides = {node for effect in beside for node in graph.nodes_of(effect)}
    refuses = asks_about(about)
    there = paths.find([ENTRY], besides, steps.__contains__, refuses=refuses)
    if there is None:
        return None
    onward = paths.find([there.nodes[-1]], {EXIT}, steps.__contains__, there.known, refuses=refuses)
    return _parting(paths, (ENTRY, *there.nodes, *onward.nodes), steps) if onward else None


def _parting(paths: Paths, way: Sequence[int], steps: set[int]) -> Skipped | None:
    """The first branch on the way whose other side still leads to the step."""
    graph, still = paths.graph, paths.leading_to(steps, GOING_ON)
    for here, following in pairwise(way):
        taken = next((edge for edge in graph.out[here] if edge.to == following and edge.test is not None), None)
        if taken is None or taken.test is None:
            continue
        others = [edge.to for edge in graph.out[here] if edge.to != following]
        if following not in still and not still.isdisjoint(others):
            return Skipped(written(taken.test), taken.holds, _leaves_at_once(graph, following))
    return None


def _leaves_at_once(graph: Graph, node: int) -> bool:
    effect = graph.effect(node)
    return effect is not None and effect.op in LEAVING
