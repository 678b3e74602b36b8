"""The program as graphs, for questions of paths, cycles and components.

networkx is imported on first use: most scans need no graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmlint.code.link.dispatch import Dispatch
from llmlint.code.link.entities import ClassInfo, FunctionInfo

if TYPE_CHECKING:
    import networkx as nx


def hierarchy_graph(classes: Sequence[ClassInfo]) -> nx.DiGraph[ClassInfo]:
    """An edge from each class to each of its bases."""
    import networkx as nx

    graph: nx.DiGraph[ClassInfo] = nx.DiGraph()
    graph.add_nodes_from(classes)
    graph.add_edges_from((cls, base) for cls in classes for base in cls.bases)
    return graph


def call_graph(functions: Sequence[FunctionInfo], dispatch: Dispatch) -> nx.DiGraph[FunctionInfo]:
    """An edge from each function to each it may call, overrides included; `effect` is the first such call."""
    import networkx as nx

    graph: nx.DiGraph[FunctionInfo] = nx.DiGraph()
    graph.add_nodes_from(functions)
    for function in functions:
        for effect in function.effects:
            for target in dispatch.callees(function, effect, overrides=True) if effect.callee else ():
                if not graph.has_edge(function, target):
                    graph.add_edge(function, target, effect=effect)
    return graph
