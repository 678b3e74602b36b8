"""Is there a way from here to there that avoids these, on which no two tests contradict each other?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import NamedTuple

from llmlint.code.flow.conditions import NOTHING, Atom, Facts, after, contradict, implied
from llmlint.code.flow.graph import ENTRY, Edge, Graph

PLAIN = frozenset({"", "case", "back", "raise", "uncaught"})
"""Edges that somebody wrote down: what a library may throw is not among them."""
FAILURES = frozenset({"throw", "assert", "cancel"})
ANY = PLAIN | FAILURES
_RAISING = FAILURES | {"raise"}
GOING_ON = frozenset({"", "case", "back"})
"""Edges of statements that come to their end."""

_MOST_STATES = 4000
_MOST_FACTS = 8


def _never(node: int) -> bool:
    return False


class Way(NamedTuple):
    """Nodes from the first after the start to the goal, and what is known there."""

    nodes: tuple[int, ...]
    known: Facts


class Paths:
    """Ways through one graph. Only tests that are asked more than once are remembered, and what `about` names."""

    def __init__(self, graph: Graph, is_python: bool) -> None:
        self.graph = graph
        self.is_python = is_python
        self._asked_again = _asked_again(graph)

    def find(
        self,
        starts: Iterable[int],
        goal: Collection[int],
        avoiding: Callable[[int], bool],
        known: Facts = NOTHING,
        kinds: Collection[str] = PLAIN,
        refuses: Callable[[Edge], bool] = lambda edge: False,
        throws: Callable[[int], bool] = _never,
    ) -> Way | None:
        """The shortest way from just behind one of the starts, which did not fail, to a goal. `refuses` says of
        which branches the way is uninteresting; `throws`, at which nodes a call is known to throw."""
        first = [(start, known | self.known_at(start)) for start in starts]
        came: dict[tuple[int, Facts], tuple[int, Facts] | None] = dict.fromkeys(first)
        waiting = deque(first)
        while waiting and len(came) < _MOST_STATES:
            state = waiting.popleft()
            allowed = kinds if came[state] is not None else frozenset(kinds) - FAILURES
            for following in self._steps(state, allowed, refuses, throws if came[state] is not None else _never):
                if following[0] in goal:
                    return Way((*_nodes_to(state, came), following[0]), following[1])
                if following in came or avoiding(following[0]):
                    continue
                came[following] = state
                waiting.append(following)
        return None

    def _steps(
        self,
        state: tuple[int, Facts],
        kinds: Collection[str],
        refuses: Callable[[Edge], bool],
        throws: Callable[[int], bool],
    ) -> Iterable[tuple[int, Facts]]:
        node, known = state
        for edge in self.graph.out[node]:
            if edge.kind not in kinds and not (edge.kind == "throw" and throws(node)):
                continue
            told = implied(edge.test, edge.holds) if edge.test is not None else NOTHING
            if edge.test is not None and (contradict(known, told) or refuses(edge)):
                continue
            yield edge.to, self._then(edge, known, told)

    def _then(self, edge: Edge, known: Facts, told: Facts) -> Facts:
        worth = frozenset(fact for fact in told if fact[0] in self._asked_again)
        if worth and len(known) < _MOST_FACTS:
            known = known | worth
        effect = self.graph.effect(edge.to)
        return after(known, effect, self.is_python) if effect is not None else known

    def known_at(self, node: int) -> Facts:
        """What holds at a node whichever way control came."""
        return self._known[node] or NOTHING

    @cached_property
    def _known(self) -> list[Facts | None]:
        known: list[Facts | None] = [None] * len(self.graph.nodes)
        known[ENTRY] = NOTHING
        waiting = deque([ENTRY]) if self._asked_again else deque()
        while waiting:
            node = waiting.popleft()
            for edge in self.graph.out[node]:
                told = implied(edge.test, edge.holds) if edge.test is not None else NOTHING
                here = known[node] or NOTHING
                if contradict(here, told):
                    continue
                comes, before = self._then(edge, here, told), known[edge.to]
                meets = comes if before is None else before & comes
                if meets != before:
                    known[edge.to] = meets
                    waiting.append(edge.to)
        return known

    def reached(
        self,
        starts: Iterable[int],
        avoiding: Callable[[int], bool],
        kinds: Collection[str] = PLAIN,
        raises: Callable[[int], bool] = _never,
    ) -> set[int]:
        """Every node that some way leads to, whatever the tests say; `raises` says which are only left by failing."""
        found: set[int] = set()
        waiting = list(starts)
        while waiting:
            node = waiting.pop()
            allowed = _RAISING if raises(node) else kinds
            for edge in self.graph.out[node]:
                if edge.kind in allowed and edge.to not in found and not avoiding(edge.to):
                    found.add(edge.to)
                    waiting.append(edge.to)
        return found

    def leading_to(self, wanted: Collection[int], kinds: Collection[str] = PLAIN) -> set[int]:
        """These nodes and every other from which some way leads to one of them, whatever the tests say."""
        found, waiting = set(wanted), list(wanted)
        while waiting:
            for node, edge in self.graph.back[waiting.pop()]:
                if edge.kind in kinds and node not in found:
                    found.add(node)
                    waiting.append(node)
        return found


def _asked_again(graph: Graph) -> frozenset[Atom]:
    seen: dict[Atom, set[int]] = {}
    for number, edges in enumerate(graph.out):
        for edge in edges:
            if edge.test is not None:
                for atom, _ in implied(edge.test, edge.holds):
                    seen.setdefault(atom, set()).add(number)
    return frozenset(atom for atom, places in seen.items() if len(places) > 1)


def _nodes_to(state: tuple[int, Facts], came: dict[tuple[int, Facts], tuple[int, Facts] | None]) -> tuple[int, ...]:
    nodes: list[int] = []
    here: tuple[int, Facts] | None = state
    while here is not None:
        nodes.append(here[0])
        here = came[here]
    return tuple(reversed(nodes[:-1]))
