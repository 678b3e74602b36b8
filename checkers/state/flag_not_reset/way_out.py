"""A mode that a function switches and switches back, and a return between the two.

The switch is an attribute that is given a constant, or a setter that is called with one (`set_frozen(true)`,
`mode.enter(Mode.DUMMY)`); the switch back is the same with another constant, on the way that the function ends by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.state import attribute_of, is_setup, place_of, symbol_of
from llmlint.code.facts.facts import Effect, Function, Region
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.graph import EXIT
from llmlint.code.link.exits import chain
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

Switch = tuple[str, str]
"""What is switched, and to what."""

_TRUTH = frozenset({"True", "true"})
_FALSITY = frozenset({"False", "false"})
_ENDLESS = frozenset({"1", "true", "True"})
_ENUM = re.compile(r"(?:\w+(?:\.|::))*[A-Z]\w*(?:\.|::)[A-Z][A-Z0-9_]*$")
_SETS = frozenset("set enter enable switch mode use toggle".split())
_SEES_TO_IT = frozenset("reset restore abort cancel cleanup clear end stop fail finish".split())


def left_switched(function: FunctionInfo) -> Iterator[Report]:
    for what, switches in once(function.settled, _both_ways).items():
        if not is_setup(function):
            yield from _way_out(function, what, switches)


def _both_ways(function: Function) -> dict[str, list[tuple[int, str]]]:
    """What is switched to one thing and to one other, with the places and what it is switched to there."""
    found: dict[str, list[tuple[int, str]]] = {}
    for at, effect in enumerate(function.effects):
        switch = _switch(effect)
        if switch is not None:
            found.setdefault(switch[0], []).append((at, switch[1]))
    return {what: switches for what, switches in found.items() if len({value for _, value in switches}) == 2}


def _switch(effect: Effect) -> Switch | None:
    if effect.op == "assign" and not effect.via and attribute_of(effect.path):
        return (effect.path, effect.source) if effect.source in _TRUTH | _FALSITY else None
    if effect.op == "call" and len(effect.args) == 1 and "." in effect.callee:
        value = effect.args[0].literal or effect.args[0].path
        is_setter = not _SETS.isdisjoint(words(effect.callee.rpartition(".")[2]))
        if is_setter and (value in _TRUTH | _FALSITY or _ENUM.match(value)):
            return effect.callee, value
    return None


def _way_out(function: FunctionInfo, what: str, switches: list[tuple[int, str]]) -> Iterator[Report]:
    effects = function.effects
    start, value = switches[0]
    if value in _FALSITY and effects[start].op == "assign":
        return  # what is lowered first is mostly an answer and no mode
    around = chain(function, effects[start].region)
    back = [at for at, other in switches if other != value and effects[at].region in around]
    if not back or any(other == value for _, other in switches[1:]):
        return
    paths = paths_of(function, body_of(function, effects[start].region))
    starts = paths.graph.nodes_of(start)
    again = {n for at, e in enumerate(effects) if at != start and _touches(e, what) for n in paths.graph.nodes_of(at)}
    way = paths.find(starts, {EXIT}, again.__contains__) if starts else None
    passed = [paths.graph.effect(node) for node in way.nodes] if way is not None else []
    leaving = next((effect for effect in passed if effect is not None and effect.op == "return"), None)
    if leaving is None or leaving.region in around or effects.index(leaving) > max(back):
        return
    if any(_is_endless(function.regions[at]) for at in around):
        return  # who leaves an endless loop ends what it served
    if leaving.source in _TRUTH and any(e.op == "return" and e.source in _FALSITY for e in effects):
        return  # it went well, and the mode is meant to stay
    yield _report(function, what, effects[start], leaving, effects[max(back)])


def _is_endless(region: Region) -> bool:
    told = region.test
    return region.kind == "loop" and told is not None and told.op == "constant" and told.path in _ENDLESS


def _touches(effect: Effect, what: str) -> bool:
    """Is it switched once more, or may a method of the object's own see to it?"""
    owner, _, name = effect.callee.rpartition(".")
    sees_to_it = owner == "self" and not _SEES_TO_IT.isdisjoint(words(name))
    return sees_to_it or effect.callee == what or (effect.op == "assign" and effect.path == what)


def _report(function: FunctionInfo, what: str, raised: Effect, leaving: Effect, lowered: Effect) -> Report:
    return Report(
        place_of(function, leaving),
        symbol_of(function),
        f"{function.name} returns with {what} as it was switched for the work",
        (
            Step(function.path, raised.line, f"{what} is switched before the work"),
            Step(function.path, leaving.line, "this way out leaves it so"),
            Step(function.path, lowered.line, "the way to the end switches it back"),
        ),
        confidence="medium",
        reason="the function switches it back where it comes to its end, and does nothing of the kind on this way",
        subject=what,
        fix="switch it back on every way out: a finally, a context manager, a guard",
    )
