"""Graphs and paths of linked functions, each made once, when it is asked for."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import msgspec

from llmlint.code.facts.facts import Region
from llmlint.code.flow.graph import graph_of
from llmlint.code.flow.paths import Paths
from llmlint.code.link.entities import FunctionInfo

_PATHS: WeakKeyDictionary[FunctionInfo, Paths] = WeakKeyDictionary()


def paths_of(function: FunctionInfo) -> Paths:
    found = _PATHS.get(function)
    if found is None:
        graph = graph_of(function.effects, _regions(function), function.language)
        found = _PATHS[function] = Paths(graph, function.language == "python")
    return found


def _regions(function: FunctionInfo) -> tuple[Region, ...]:
    """A function's regions, with the names in their tests settled as in its effects."""
    if function.language == "python":
        return function.regions
    return tuple(
        msgspec.structs.replace(region, test=function.settled_test(region.test)) if region.test is not None else region
        for region in function.regions
    )
