"""Which loop of Python a counter of its own ends: `if made >= limit: break`, where each round raises `made`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from llmlint.code.facts.facts import Effect, Test
from llmlint.code.facts.gists import CHANGING
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.paths import GOING_ON, Paths
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.exits import chain

_COUNTING = re.compile(r"for (\w+)(?: in range\(|, .* in enumerate\()")
_CHANGES = CHANGING | {"bind"}
_LEAVES = frozenset({"return", "raise"})
_LARGER = {">": 0, ">=": 0, "<": 1, "<=": 1}
"""Which side of a comparison is the larger one where it holds."""


class CountedOut(NamedTuple):
    """`always`: each round asks and counts, so that there are no more of them than the limit says."""

    line: int
    always: bool


def counted_out(function: FunctionInfo, call: Effect, is_limit: Callable[[str], bool]) -> CountedOut | None:
    """How a counter ends the loop over what a call gives; None where no other limit does, or it heads no loop."""
    loop = next((at for at, region in enumerate(function.regions) if _is_over(function, at, call)), -1)
    if loop < 0:
        return None
    paths = paths_of(function, body_of(function, loop))
    found = None
    for region, counter in _ends(function, loop, is_limit):
        raised = _raised(function, loop, counter)
        if not raised:
            continue
        counts = {node for effect in raised for node in paths.graph.nodes_of(effect)}
        is_target = any(function.effects[effect].via == "for" for effect in raised)
        asks = frozenset(paths.graph.asked.get(region, ()))
        always = _in_each_round(paths, loop, asks) and (is_target or _in_each_round(paths, loop, counts))
        if found is None or always:
            found = CountedOut(function.regions[region].line, always)
    return found


def _is_over(function: FunctionInfo, at: int, call: Effect) -> bool:
    region = function.regions[at]
    is_headed = region.kind == "loop" and region.text.startswith("for ") and f"{call.callee}(" in region.text
    return is_headed and region.line == call.line and region.parent == call.region


def _ends(function: FunctionInfo, loop: int, is_limit: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
    """The branches in a loop that leave it, each with what it compares with a limit."""
    for effect in function.effects:
        outwards = chain(function, effect.region)
        if effect.op not in (*_LEAVES, "break") or loop not in outwards:
            continue
        inner = next(at for at in outwards if function.regions[at].kind == "loop")
        test = function.regions[effect.region].test
        if (
            test is not None
            and function.regions[effect.region].kind == "if"
            and (effect.op in _LEAVES or inner == loop)
        ):
            for counter in _compared(test, is_limit):
                yield effect.region, counter


def _compared(test: Test, is_limit: Callable[[str], bool]) -> Iterator[str]:
    """What is asked to have come to a limit; of several questions any is enough."""
    if test.op == "or":
        for part in test.args:
            yield from _compared(part, is_limit)
    elif test.op in _LARGER:
        larger = _LARGER[test.op]
        counter, limit = test.args[larger], test.args[1 - larger]
        if counter.op == "call" and counter.path == "len" and len(counter.args) == 1:
            counter = counter.args[0]
        if counter.op == "path" and limit.op in ("path", "constant") and is_limit(limit.path):
            yield counter.path


def _raised(function: FunctionInfo, loop: int, counter: str) -> list[int]:
    """The effects in a loop that raise a counter, or the list whose length is one; none where others change it."""
    found = []
    for at, effect in enumerate(function.effects):
        if effect.path != counter or loop not in chain(function, effect.region):
            continue
        target = _COUNTING.match(function.regions[effect.region].text) if effect.region == loop else None
        is_target = effect.via == "for" and target is not None and target[1] == counter
        if effect.via == "+=" or is_target or (effect.op == "insert" and effect.via == "append"):
            found.append(at)
        elif effect.op in _CHANGES:
            return []
    return found


def _in_each_round(paths: Paths, loop: int, nodes: Collection[int]) -> bool:
    """Does no round of a loop come back to its head without one of these nodes?"""
    heads = {at for at, node in enumerate(paths.graph.nodes) if node.what == "head" and node.region == loop}
    return heads.isdisjoint(paths.reached(heads, nodes.__contains__, GOING_ON))
