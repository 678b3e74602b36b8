"""What calling a function does to an object on every ordinary way: its must, beside the may of `summaries.py`.

An ordinary way ends by a return or at the function's end. A branch that asks about the very thing (`if self.queue:
self.queue.clear()`) leaves out nothing, and neither does a loop that does it in each of its rounds. A call does it
where everything that it may run does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from llmlint.code.flow.conditions import implied, is_about
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import ENTRY, EXIT, Edge
from llmlint.code.flow.rounds import loops_of, within
from llmlint.code.flow.summaries import Link, Summary, summaries_of
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.once import once
from llmlint.code.link.program import Program


class Always:
    def __init__(self, program: Program) -> None:
        self._summaries = summaries_of(program)
        self._told: dict[tuple[object, ...], bool] = {}

    def surely(self, summary: Summary, path: str, hows: frozenset[str]) -> bool:
        """In a cycle of calls a function is taken to do it: each way ends where it does not call itself again."""
        key = (summary.stand, path, hows)
        if key not in self._told:
            self._told[key] = True
            self._told[key] = self._on_every_way(summary, path, hows)
        return self._told[key]

    def _on_every_way(self, summary: Summary, path: str, hows: frozenset[str]) -> bool:
        function = summary.stand.function
        steps = self.steps(summary, path, hows)
        if not steps:
            return False
        nodes = with_rounds(function, steps)
        return paths_of(function).find([ENTRY], {EXIT}, nodes.__contains__, refuses=asks_about(path)) is None

    def steps(self, summary: Summary, path: str, hows: frozenset[str]) -> list[int]:
        """The places of the function's effects that do it, each for sure when control comes there."""
        function, root = summary.stand.function, summary.stand.root
        place = {id(effect): at for at, effect in enumerate(function.effects)}
        here = self._summaries.effects_on(function, root)
        own = [place[id(effect)] for effect in here if _does(effect.op, effect.path, path, hows)]
        calls: dict[int, list[Link]] = {}
        for link in summary.links:
            if _is_part(path, link.path) and id(link.effect) in place:
                calls.setdefault(place[id(link.effect)], []).append(link)
        return own + [at for at, links in calls.items() if self._all_do(links, path, hows)]

    def _all_do(self, links: list[Link], path: str, hows: frozenset[str]) -> bool:
        doing = {link.target.function for link in links if self._is_done_by(link, path, hows)}
        return len(doing) == links[0].options

    def _is_done_by(self, link: Link, path: str, hows: frozenset[str]) -> bool:
        if not _is_part(path, link.path):
            return False
        inner = self._summaries.made(link.target)
        asked = link.target.root + path[len(link.path) :]
        if not any(_does(done.how, done.path, asked, hows) for done in inner.done):
            return False
        return self.surely(inner, asked, hows)


def _does(how: str, path: str, asked: str, hows: frozenset[str]) -> bool:
    """Is it done to the very place, or is what the place is part of replaced?"""
    if path == asked:
        return how in hows
    return how == "assign" and how in hows and _is_part(asked, path)


def _is_part(path: str, of: str) -> bool:
    return path.startswith(of) and (len(path) == len(of) or path[len(of)] in ".[")


def asks_about(path: str) -> Callable[[Edge], bool]:
    """Does a branch ask about this place, or whether there is such an attribute at all: `hasattr(self, "queue")`?"""
    named = {f"{mark}{path.rpartition('.')[2]}{mark}" for mark in "\"'"}

    def refuses(edge: Edge) -> bool:
        told = implied(edge.test, edge.holds) if edge.test is not None else ()
        return any(is_about(atom, path) or any(name in text for text in atom for name in named) for atom, _ in told)

    return refuses


def with_rounds(function: FunctionInfo, steps: Collection[int]) -> set[int]:
    """The nodes of these effects, and the heads of the loops that do one of them in each round."""
    paths = paths_of(function)
    graph = paths.graph
    nodes = {node for effect in steps for node in graph.nodes_of(effect)}
    for loop in sorted(loops_of(function), reverse=True):  # inner loops first
        inside = within(function, loop)
        if all(graph.nodes[node].region not in inside for node in nodes):
            continue
        heads = {at for at, node in enumerate(graph.nodes) if node.what == "head" and node.region == loop}

        outside = {node for node, told in enumerate(graph.nodes) if told.region not in inside}
        if paths.find(heads, heads, (nodes | outside).__contains__) is None:
            nodes |= heads
    return nodes


def surely(program: Program, function: FunctionInfo, path: str, hows: frozenset[str]) -> bool:
    """Does calling the function do one of these to this place of its object on every ordinary way?"""
    return any(always_of(program).surely(made, path, hows) for made in summaries_of(program).of(function, None))


def always_of(program: Program) -> Always:
    return once(program, Always)
