"""Graphs and paths of linked functions, each made once, when it is asked for."""

from __future__ import annotations

import msgspec

from llmlint.code.facts.facts import Region
from llmlint.code.flow.graph import graph_of, runs_in_place
from llmlint.code.flow.paths import Paths
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.exits import chain
from llmlint.code.link.once import once


def paths_of(function: FunctionInfo, body: int = 0) -> Paths:
    """The paths of a function, or of one lambda in it."""
    known = once(function, _known_paths)
    if body not in known:
        graph = graph_of(function.effects, _regions(function), function.language, body, function.endings)
        known[body] = Paths(graph, function.language == "python")
    return known[body]


def _known_paths(function: FunctionInfo) -> dict[int, Paths]:
    return {}


def body_of(function: FunctionInfo, region: int) -> int:
    """The region whose graph a region is part of: 0, or that of the lambda around it."""
    is_python = function.language == "python"
    return next(at for at in chain(function, region) if at == 0 or not runs_in_place(function.regions[at], is_python))


def _regions(function: FunctionInfo) -> tuple[Region, ...]:
    """A function's regions, with the names in their tests settled as in its effects."""
    if function.language == "python":
        return function.regions
    return tuple(
        msgspec.structs.replace(region, test=function.settled_test(region.test)) if region.test is not None else region
        for region in function.regions
    )
