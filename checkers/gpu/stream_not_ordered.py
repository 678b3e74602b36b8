"""LLM302: a tensor made on one stream and used on another, with nothing between that orders the two.

Streams run beside each other. What a `with torch.cuda.stream(side)` reads must have been made before `side` begins, and
what it makes must be done before others use it: an event, `wait_stream` or a wait of the host says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.gpu.in_use_beside import in_use_beside
from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.device_streams import Crossing, Side, crossings, orders_streams, sides
from llmlint.code.domain.state import symbol_of
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.graph import ENTRY
from llmlint.code.link.program import Program
from llmlint.findings import Report, Step


def check_program(program: Program) -> Iterator[Report]:
    for side in (side for side in sides(program) if side.function in program.asked):
        crossing = next((c for c in crossings(program, side) if _is_unordered(program, side, c)), None)
        if crossing is not None:
            yield _report(program, side, crossing)
    yield from in_use_beside(program)


def _is_unordered(program: Program, side: Side, crossing: Crossing) -> bool:
    """Is there a way from the making to the use on which nothing orders the streams, and the name stays?"""
    function = side.function
    paths = paths_of(function, body_of(function, side.region))
    graph = paths.graph

    def ends(node: int) -> bool:
        effect = graph.effect(node)
        if effect is None:
            return False
        is_remade = effect.op == "bind" and effect.path == crossing.name
        return is_remade or orders_streams(program, function, effect)

    starts = [ENTRY] if crossing.made is None else graph.nodes_of(crossing.made)
    return paths.find(starts, set(graph.nodes_of(crossing.used)), ends) is not None


def _report(program: Program, side: Side, crossing: Crossing) -> Report:
    function, name = side.function, crossing.name
    used = function.effects[crossing.used]
    made = function.effects[crossing.made].line if crossing.made is not None else function.facts.line
    one, other = ("another stream", side.stream) if crossing.inward else (side.stream, "another stream")
    how = "comes in" if crossing.made is None else "is made"
    return Report(
        program.place(function, used),
        symbol_of(function),
        f"{name} {how} on {one} and is used on {other}, and nothing orders the two",
        (
            Step(function.path, made, f"{name} {how} on {one}"),
            Step(function.path, side.function.regions[side.region].line, f"{side.stream} is the stream in here"),
            Step(function.path, used.line, f"{name} is used on {other}, on a way on which neither waits"),
        ),
        confidence="medium",
        reason="no call on the way waits" + ("; no caller does" if crossing.made is None else ""),
        data=watched_calls(function),
        subject=name,
        fix="let the one stream wait for the other: wait_stream, or an event",
    )
