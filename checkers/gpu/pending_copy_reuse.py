"""LLM301: host memory that is read or written while a copy that nobody waited for may still use it.

A copy with non_blocking=True between the device and pinned memory comes back at once. Its host side is in use until
the stream has got there: until something waits for the device, what was to arrive has not, and what is to leave must
stay as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.gpu.ahead_of_fence import ahead_of_fences
from llmlint.checkers.gpu.native_pending_copy import native_copies
from llmlint.checkers.gpu.refilled_buffer import refilled
from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.pending_copies import Copy, bare, ends_of, pending_copies, uses_host
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step


def check_program(program: Program) -> Iterator[Report]:
    within_one: set[FunctionInfo] = set()
    for copy in pending_copies(program):
        used = _used_while_pending(program, copy)
        if used is not None:
            within_one.add(copy.function)
            yield _report(program, copy, used)
    ahead = list(ahead_of_fences(program))
    yield from ahead
    yield from refilled(program, within_one, {(report.at.path, report.at.line) for report in ahead})
    yield from native_copies(program)


def _used_while_pending(program: Program, copy: Copy) -> Effect | None:
    """What is done to the host's side on a way on which nothing has waited since the copy."""
    function = copy.function
    uses = [at for at, effect in enumerate(function.effects) if at != copy.at and uses_host(program, copy, at, effect)]
    if not uses:
        return None
    paths = paths_of(function, body_of(function, function.effects[copy.at].region))
    graph = paths.graph
    goals = {node for at in uses for node in graph.nodes_of(at)}
    way = paths.find(graph.nodes_of(copy.at), goals, ends_of(program, copy))
    return graph.effect(way.nodes[-1]) if way is not None else None


def _report(program: Program, copy: Copy, used: Effect) -> Report:
    function = copy.function
    call = function.effects[copy.at]
    host = bare(copy.host)
    does = "read" if copy.arrives else "written"
    steps = [Step(m.function.path, m.effect.line, f"{host} is made here, and pinned") for m in copy.made[:1]]
    steps.append(Step(function.path, call.line, "the copy begins, and nobody waits for it"))
    steps.append(
        Step(function.path, used.line, f"{host} is {does}, and on a way here nothing has waited for the device")
    )
    return Report(
        program.place(function, used),
        symbol_of(function),
        f"{host} is {does} while the copy {'into' if copy.arrives else 'from'} it may still run",
        tuple(steps),
        confidence="medium",
        reason="what the functions called on the way do was looked at",
        data=watched_calls(function),
        subject=host,
        fix="wait for an event recorded behind the copy, or use another buffer",
    )
