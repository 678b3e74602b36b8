"""LLM702, where a collective stands behind something that each rank answers for itself: a clock, a queue, a file.

Control comes to it, or comes to it as often, only where the ranks' answers agree: in a branch, behind the `and` of a
test, in a loop whose rounds, or their order, are a rank's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.collectives import Meeting, meetings_of
from llmlint.code.domain.own_values import Own, OwnValues
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Region
from llmlint.code.link.exits import chain
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step

_LEVELS = 3
_HOW = {
    "if": "is entered in this branch only",
    "else": "is entered in this branch only",
    "and": "is entered only where what stands before it lets it",
    "loop": "is entered in each round of this loop",
}
_SERVES = re.compile(r"while (True|1|.*(is_set\(\)|running).*)")
"""The loop of a service: that its ranks end it at different moments is the business of who stops them."""


def by_own_values(program: Program) -> Iterator[Report]:
    own = once(program, OwnValues)
    for language in ("python", "cpp"):
        for function, meetings in meetings_of(program, _LEVELS, language=language).items():
            found = next(_divergent(own, function, meetings), None)
            if found is not None:
                met, region, answer = found
                yield _report(program, function, met, region, answer)


def _divergent(
    own: OwnValues, function: FunctionInfo, meetings: tuple[Meeting, ...]
) -> Iterator[tuple[Meeting, Region, Own]]:
    for met in meetings:
        for at in chain(function, met.effect.region):
            region = function.regions[at]
            if region.kind not in _HOW or met.on_request or _SERVES.fullmatch(region.text):
                continue
            if region.kind in ("if", "else") and _others_meet(function, at, meetings):
                continue
            answer = own.in_test(function, region, of_rank=region.kind == "loop")
            if answer is not None:
                yield met, region, answer


def _others_meet(function: FunctionInfo, index: int, meetings: tuple[Meeting, ...]) -> bool:
    """Does the other branch come to a collective as well?"""
    first = function.regions[index].first or index
    twins = {at for at, r in enumerate(function.regions) if r.kind in ("if", "else") and at != index}
    twins = {at for at in twins if (function.regions[at].first or at) == first}
    return any(not twins.isdisjoint(chain(function, m.effect.region)) for m in meetings)


def _report(program: Program, function: FunctionInfo, met: Meeting, region: Region, own: Own) -> Report:
    return Report(
        program.place(function, met.effect),
        symbol_of(function),
        f"whether, or how often, {met.name} is reached here is each rank's own affair: {own.what}",
        (
            *own.steps,
            Step(function.path, region.line, f"{met.effect.callee} {_HOW[region.kind]}"),
            Step(function.path, met.effect.line, "ranks that come here wait for those that do not"),
            *met.steps,
        ),
        confidence="low",
        reason="no collective is between the answer and what it decides",
        subject=f"{met.name}:{region.text}",
        fix="let the ranks agree on the answer first, or enter the collective whatever it is",
    )
