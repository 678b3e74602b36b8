"""LLM111: state that a function raises and lowers again, but not when what stands between fails or is cancelled.

A count, a flag or an entry of an object is set, then something is awaited or called that may raise, then it is taken
back; no `finally` and no handler does so on the other way out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.state import CHANGING, is_setup, symbol_of
from llmlint.code.facts.facts import Effect, Test
from llmlint.code.flow.conditions import Atom, implied, is_about
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import EXIT, RAISED, Graph
from llmlint.code.flow.paths import PLAIN, Way
from llmlint.code.link.exits import around, chain
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.code.link.raising import way_to_raise
from llmlint.findings import Report

_TURNED = {"True": "False", "False": "True"}
_LEVELS = 2


class Pair(NamedTuple):
    """The places of the effect that raises and of those that lower, and what is raised."""

    raised: int
    lowered: tuple[int, ...]
    what: str
    cause: str


def check_program(program: Program) -> Iterator[Report]:
    for function in program.functions:
        if function.language == "python" and not is_setup(function):
            for pair in _pairs(function):
                way = _way_out(program, function, pair)
                if way is not None:
                    yield _report(program, function, pair, way)
                    break


def _pairs(function: FunctionInfo) -> Iterator[Pair]:
    changes: dict[str, list[int]] = {}
    for at, effect in enumerate(function.effects):
        if effect.op in CHANGING and "." in effect.path and ("[" not in effect.path or effect.via in ("+=", "-=")):
            changes.setdefault(effect.path, []).append(at)
    for path, places in changes.items():
        for first in places:
            back = tuple(at for at in places if at > first and _takes_back(function, first, at))
            if back:
                yield Pair(first, back, path, _cause(function.effects[first]))


def _cause(effect: Effect) -> str:
    """The cause that a raise without its counterpart is."""
    if effect.op == "insert":
        return "request-state-leak"
    return "refcount-imbalance" if effect.via == "+=" else "flag-not-reset"


def _takes_back(function: FunctionInfo, first: int, later: int) -> bool:
    up, down = function.effects[first], function.effects[later]
    if up.op == "insert":
        return down.op == "remove" and bool(up.key) and up.key == down.key
    if up.op != "assign" or down.op != "assign":
        return False
    if up.via or down.via:
        return (up.via, down.via) == ("+=", "-=") and down.source == up.source
    if up.value == down.value == "constant" and _TURNED.get(up.source) == down.source:
        return True
    return down.value == "path" and up.source != down.source and _is_saved(function, first, down.source)


def _is_saved(function: FunctionInfo, first: int, name: str) -> bool:
    """Does the local hold what stood there before: `before = self.mode; self.mode = mode; …; self.mode = before`?"""
    place = function.effects[first].path
    bound = [at for at, e in enumerate(function.effects) if e.op == "bind" and e.path == name]
    return len(bound) == 1 and bound[0] < first and function.effects[bound[0]].source == place


def _way_out(program: Program, function: FunctionInfo, pair: Pair) -> Way | None:
    """A way out by a failure on which nothing touches the state again.

    Where a plain way keeps the state as well, it may be meant to stay: then only a handler that takes it back, and that
    a cancellation passes by, shows the duty.
    """
    paths = paths_of(function)
    graph = paths.graph
    touched = {node for at in _touching(function, pair) for node in graph.nodes_of(at)}
    starts = graph.nodes_of(pair.raised)
    if paths.find(starts, {EXIT, *starts}, touched.__contains__, kinds=PLAIN) is not None:
        if not any(_is_in_handler(function, at) for at in pair.lowered):
            return None
        return paths.find(starts, {RAISED}, touched.__contains__, kinds=PLAIN - {"raise"} | {"cancel"})

    own = pair.what.startswith("self.") and function.effects[pair.lowered[0]].value != "path"

    def throws(node: int) -> bool:
        effect = graph.effect(node)
        return effect is not None and own and _may_fail(program, function, effect)

    return paths.find(starts, {EXIT, RAISED}, touched.__contains__, kinds=PLAIN | {"cancel"}, throws=throws)


def _is_in_handler(function: FunctionInfo, at: int) -> bool:
    return any(region.kind == "except" for region in around(function, function.effects[at]))


def _touching(function: FunctionInfo, pair: Pair) -> Iterator[int]:
    """Whatever changes the state again, and calls of the object's own that may do so."""
    for at, effect in enumerate(function.effects):
        if at != pair.raised and effect.op in CHANGING and effect.path == pair.what:
            yield at


def _may_fail(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """A call that somebody wrote a handler for, or that is known to raise."""
    tried = {at for at in chain(function, effect.region) if function.regions[at].kind == "try"}
    handled = any(region.kind == "except" and region.first in tried for region in function.regions)
    return handled or bool(way_to_raise(program, function, effect, _LEVELS))


def _report(program: Program, function: FunctionInfo, pair: Pair, way: Way) -> Report:
    graph = paths_of(function).graph
    raised, lowered = function.effects[pair.raised], function.effects[pair.lowered[0]]
    failing = _failing(graph, way)
    steps = [program.step(function, raised, f"{pair.what} is raised here")]
    if failing is not None:
        verb = "is awaited: it may fail or be cancelled" if failing.via == "await" else "may leave the way"
        steps.append(program.step(function, failing, f"{failing.callee or failing.path or failing.op} {verb}"))
    unsure = _doubt(function, pair, failing)
    steps.append(program.step(function, lowered, "and only here it is taken back"))
    return Report(
        program.place(function, raised),
        symbol_of(function),
        f"{function.name} leaves {pair.what} as it is when what follows fails",
        tuple(steps),
        confidence="low" if unsure else "medium",
        reason=unsure or "every plain way takes it back, and no finally or handler does",
        subject=pair.what,
        cause=pair.cause,
        fix="take it back in a finally",
    )


def _doubt(function: FunctionInfo, pair: Pair, failing: Effect | None) -> str:
    """Why the state may be meant to stay, or harm nobody."""
    raised = function.effects[pair.raised]
    if any(_is_in_handler(function, at) for at in pair.lowered):
        return "a handler takes it back, and a cancellation passes it by; somebody else may see to that"
    asked = any(is_about(atom, pair.what) for r in function.regions if r.test is not None for atom in _atoms(r.test))
    is_flag = raised.op == "assign" and not raised.via and raised.value == "constant"
    if is_flag and not asked and function.effects[pair.lowered[0]].value == "constant":
        return "the function does not ask for the flag itself, so that it may only tell"
    if raised.op == "assign" and function.effects[pair.lowered[0]].value == "path":
        return "what was there before is put back: often nobody is left to notice when that is missed"
    if failing is not None and failing.via != "await" and failing.op not in ("await", "yield"):
        return "only an error leaves it so, and that may be the end of the object as well"
    return ""


def _atoms(test: Test) -> Iterator[Atom]:
    return (atom for atom, _ in implied(test, True) | implied(test, False))


def _failing(graph: Graph, way: Way) -> Effect | None:
    """The last thing done before the way left the plain path."""
    nodes = way.nodes
    for here, following in zip(reversed(nodes[:-1]), reversed(nodes[1:]), strict=True):
        edge = next((e for e in graph.out[here] if e.to == following and e.kind not in ("", "case", "back")), None)
        effect = graph.effect(here)
        if edge is not None and effect is not None:
            return effect
    return None
