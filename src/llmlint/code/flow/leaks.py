"""Ways on which something that was taken is neither given back nor handed over: the question behind each such rule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import NamedTuple

from llmlint.code.facts.facts import Effect
from llmlint.code.flow.conditions import Facts, implied, is_about
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import EXIT, RAISED, Edge, Graph
from llmlint.code.flow.paths import GOING_ON, PLAIN, Way
from llmlint.code.link.entities import FunctionInfo

_FAILED = (("none", True), ("true", False), ("<", True))


class Leak(NamedTuple):
    """`left_by`: the effect by which the function is left, None where it runs out; `how`: "return", "raise", "throw"
    where a call does so, "cancel" where an await or a yield is the last. `failed`: what left the plain way last."""

    left_by: Effect | None
    how: str
    failed: Effect | None


class Question(NamedTuple):
    """What was taken by effect `taken`, under which names, with which status; and what ends the duty."""

    function: FunctionInfo
    taken: int
    names: frozenset[str]
    status: frozenset[str]
    settled: Collection[int]
    released: Collection[int] = ()
    """Those of the settling effects that show what the function does when all goes well."""
    scopes: Collection[int] = ()
    """The `with` regions that take it over: whatever way leads out of them gives it back."""
    throws: Callable[[Effect], bool] = lambda effect: False
    exits: Collection[int] | None = None
    """The statements to leave by that count; None for any way out."""
    ways: Collection[str] = ("return", "raise")
    """The kinds of ways out that count: a protocol's `exits`."""


def leak(question: Question) -> Leak | None:
    """A way out on which nothing settles; None where there is none. A plain way is told before a cancellation."""
    graph, ways = paths_of(question.function).graph, question.ways
    returned = {EXIT} if "return" in ways else set()
    goals = returned | {RAISED} if "raise" in ways else returned
    if question.exits is not None:
        goals = {node for effect in question.exits for node in graph.nodes_of(effect)}
    way = _way(question, goals, PLAIN) if goals else None
    if way is None and "cancel" in ways:
        way = _way(question, returned | {RAISED}, PLAIN - ({"raise"} - set(ways)) | {"cancel"})
    return _left_by(graph, way.nodes, ways) if way is not None else None


def _left_by(graph: Graph, nodes: Sequence[int], ways: Collection[str]) -> Leak:
    """The last return, raise or failure on a way; what a `finally` does after it is none."""
    left: tuple[Effect | None, str] = None, ""
    for here, following in zip(reversed(nodes), (None, *reversed(nodes[1:])), strict=True):
        effect = graph.effect(here)
        if effect is None:
            continue
        kinds = {edge.kind for edge in graph.out[here] if edge.to == following}
        has_failed = following is not None and kinds.isdisjoint(GOING_ON)
        if not left[1] and (effect.op in ("return", "raise") or has_failed):
            failed_by = "cancel" if "cancel" in kinds & set(ways) else "throw"
            left = effect, effect.op if effect.op in ("return", "raise") else failed_by
        if has_failed:
            return Leak(*left, effect)
    return Leak(*left, None)


def goes_round(question: Question) -> bool:
    """Does some way lead back to the taking while the thing taken before is still held?"""
    starts = paths_of(question.function).graph.nodes_of(question.taken)
    return _way(question, set(starts), PLAIN) is not None


def _way(question: Question, goals: set[int], kinds: Collection[str]) -> Way | None:
    paths = paths_of(question.function)
    graph = paths.graph
    settled = {node for effect in question.settled for node in graph.nodes_of(effect)}
    settled.update(node for region in question.scopes for node in graph.entered.get(region, ()))

    @cache
    def normal() -> set[int]:
        return paths.leading_to({node for effect in question.released for node in graph.nodes_of(effect)})

    return paths.find(
        graph.nodes_of(question.taken),
        goals,
        settled.__contains__,
        kinds=kinds,
        refuses=lambda edge: _has_failed(question, edge, normal),
        throws=lambda node: (effect := graph.effect(node)) is not None and question.throws(effect),
    )


def _has_failed(question: Question, edge: Edge, normal: Callable[[], set[int]]) -> bool:
    """Does this branch say that there is nothing to give back: the thing is none, or the call reported a failure?
    `normal` gives the nodes from which some way leads to a release."""
    if edge.test is None:
        return False
    told: Facts = implied(edge.test, edge.holds)
    for atom, holds in told:
        if (atom[0], holds) in _FAILED or (atom[0] == "==" and holds):
            if any(atom[1] == name or atom[1] == f"len({name})" for name in question.names):
                return True
        asks = any(is_about(atom, name) for name in question.status)
        if (asks or _asks_the_thing(atom[1:] or atom, question.names)) and edge.to not in normal():
            return True
    return False


def _asks_the_thing(texts: tuple[str, ...], names: frozenset[str]) -> bool:
    """A test that calls a method of the thing itself, or compares it: `!file.is_open()`, `fd == -1`, `p < 0`."""
    return any(text == name or (text.startswith(f"{name}.") and "(" in text) for text in texts for name in names)
