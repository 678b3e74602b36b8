"""Graphs of a linked program to look at: who inherits from whom, who calls whom, which lock is held for which other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar

from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.program import Program
from llmlint.progress import Progress, Stage
from llmlint.project import Project
from llmlint.records import gather, known_keys
from llmlint.scan import collection_off, open_cache

if TYPE_CHECKING:
    import networkx as nx

Entity = TypeVar("Entity", FunctionInfo, ClassInfo)


class UnknownName(ValueError):
    """Nothing in a graph is called so; the message says what is called nearly so."""


def linked_program(project: Project, progress: Progress | None = None) -> Program:
    """What a scan links, without asking any rule."""
    asked = project.discover(project.request.paths).sources
    sources = list(map(project.internal, project.around(asked)))
    options = project.options(())
    cache = open_cache(options)
    try:
        with collection_off():
            known = known_keys(sources, {}, cache)
            # facts are all that is wanted, and those of whatever scan there was will do
            found = gather(sources, {}, known, cache, options.vocabulary, options.jobs, progress, least="certain")
            if progress is not None:
                progress(Stage("linking"))
            facts = {path: record.facts for path, record in found.records.items() if record.is_linked}
            return Program(facts, options.vocabulary)
    finally:
        cache.close()


def hierarchy(program: Program) -> nx.DiGraph[str]:
    """From each class to its bases."""
    return _named(program.hierarchy)


def calls(program: Program) -> nx.DiGraph[str]:
    """From each function to those it may call; `line` is where it first does."""
    graph = _named(program.calls)
    for edge in graph.edges:
        told = graph.edges[edge]
        told["line"] = told.pop("effect").line
    return graph


def locks(program: Program) -> nx.DiGraph[str]:
    """From each lock to those that are taken while it is held, with where that is."""
    import networkx as nx

    from llmlint.checkers.concurrency.lock_order import lock_edges

    graph: nx.DiGraph[str] = nx.DiGraph()
    for edge in lock_edges(program):
        outer, inner = (_add_lock(graph, lock) for lock in (edge.outer, edge.inner))
        if not graph.has_edge(outer, inner):
            graph.add_edge(outer, inner, path=edge.function.path, line=edge.line, within=edge.function.facts.qualname)
    return graph


def _add_lock(graph: nx.DiGraph[str], lock: tuple[str, str]) -> str:
    """A lock is named by its class and attribute, and by the file where classes of a name would be one."""
    path, _, owner = lock[0].rpartition(":")
    name = f"{owner}.{lock[1]}"
    if name in graph and graph.nodes[name]["path"] != path:
        name = f"{name} ({path})"
    graph.add_node(name, path=path)
    return name


def _named(linked: nx.DiGraph[Entity]) -> nx.DiGraph[str]:
    """The same with names for nodes, and the place of each beside it."""
    import networkx as nx

    names: dict[Entity, str] = {}
    used: set[str] = set()
    graph: nx.DiGraph[str] = nx.DiGraph()
    for entity in linked:
        name = entity.full_name
        if name in used:
            name = f"{name} ({entity.path}:{entity.facts.line})"
        used.add(name)
        names[entity] = name
        graph.add_node(name, path=entity.path, line=entity.facts.line)
    for source, target in linked.edges:
        graph.add_edge(names[source], names[target], **linked.edges[source, target])
    return graph


def around(graph: nx.DiGraph[str], wanted: Iterable[str], depth: int) -> nx.DiGraph[str]:
    """What is so many steps away from the named nodes, against and along the edges."""
    import networkx as nx

    kept: set[str] = set()
    for start in (node for name in wanted for node in _called(graph, name)):
        for way in (graph, graph.reverse(copy=False)):
            kept |= set(nx.ego_graph(way, start, radius=depth))
    return graph.subgraph(kept).copy()


def _called(graph: nx.DiGraph[str], name: str) -> list[str]:
    """By the whole name, or by its end: `Scheduler.reset`, `reset`."""
    bare = {node: node.partition(" (")[0].replace("::", ".") for node in graph}
    asked = name.replace("::", ".")
    found = [node for node, whole in bare.items() if whole == asked or whole.endswith(f".{asked}")]
    if not found:
        near = get_close_matches(asked, {part for whole in bare.values() for part in _ends(whole)}, n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UnknownName(f"nothing here is called {name!r}{hint}")
    return found


def _ends(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[-1:]), ".".join(parts[-2:])]


GRAPHS: dict[str, Callable[[Program], nx.DiGraph[str]]] = {"hierarchy": hierarchy, "calls": calls, "locks": locks}
