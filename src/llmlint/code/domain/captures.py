"""What runs while a graph of the device is recorded: the body of `torch.cuda.graph(...)`, or what stands between the
call that begins a capture and the one that ends it, in either language, also where helpers make these calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.rounds import within
from llmlint.code.link.exits import loops_around
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.phrases import last_name

_CONTEXT = "torch.cuda.graph"
_BEGINS = frozenset({"cudaStreamBeginCapture", "hipStreamBeginCapture", "cuStreamBeginCapture", "capture_begin"})
_ENDS = frozenset({"cudaStreamEndCapture", "hipStreamEndCapture", "cuStreamEndCapture", "capture_end"})


class Capture(NamedTuple):
    """The effects of a function that are recorded, by their places, and the line where recording begins."""

    function: FunctionInfo
    line: int
    inside: tuple[int, ...]


def captures(program: Program) -> Iterator[Capture]:
    for function, effect in program.calls_named(last_name(_CONTEXT)):
        if function.language == "python" and program.resolve(function, effect.callee) == _CONTEXT:
            yield from _in_context(program, function, effect)
    for name in sorted(_BEGINS):
        for function, effect in program.calls_named(name):
            yield from _begun(program, function, effect)


def _in_context(program: Program, function: FunctionInfo, call: Effect) -> Iterator[Capture]:
    """The body of the `with`; where it holds a `yield`, the bodies of those that use the function for a `with`."""
    region = _with_at(function, call.line)
    if region is None:
        return
    inside = _effects_in(function, region)
    yield Capture(function, call.line, inside)
    if any(function.effects[at].op == "yield" for at in inside):
        for caller, used in program.callers(function):
            body = _with_at(caller, used.line)
            if body is not None:
                yield Capture(caller, used.line, _effects_in(caller, body))


def _with_at(function: FunctionInfo, line: int) -> int | None:
    """The `with` whose head holds the line: it may be written over several."""
    found = [at for at, region in enumerate(function.regions) if region.kind == "with" and region.line <= line]
    holding = [at for at in found if line <= function.regions[at].end_line]
    inner = [at for at in holding if ".graph(" in function.regions[at].text or function.regions[at].line == line]
    return inner[-1] if inner else None


def _effects_in(function: FunctionInfo, region: int) -> tuple[int, ...]:
    regions = within(function, region)
    return tuple(at for at, effect in enumerate(function.effects) if effect.region in regions)


def _begun(program: Program, function: FunctionInfo, call: Effect) -> Iterator[Capture]:
    """What is reached from the call before one that ends the capture; of a helper that only begins it, what its callers
    reach."""
    if any(last_name(effect.callee) in _ENDS for effect in function.effects):
        yield Capture(function, call.line, _until_end(program, function, call))
        return
    for caller, used in program.callers(function):
        inside = _until_end(program, caller, used)
        if len(inside) < len(caller.effects) and any(_ends(program, caller, effect) for effect in caller.effects):
            yield Capture(caller, used.line, inside)


def _until_end(program: Program, function: FunctionInfo, call: Effect) -> tuple[int, ...]:
    paths = paths_of(function, body_of(function, call.region))
    graph = paths.graph
    start = next(at for at, effect in enumerate(function.effects) if effect is call)

    def ends(node: int) -> bool:
        effect = graph.effect(node)
        return effect is not None and _ends(program, function, effect)

    reached = paths.reached(graph.nodes_of(start), ends)
    at_nodes = {id(effect) for node in reached if (effect := graph.effect(node)) is not None}
    last = _behind_loop_of_ends(program, function, call)
    recorded = ((at, effect) for at, effect in enumerate(function.effects) if id(effect) in at_nodes)
    return tuple(at for at, effect in recorded if not last or effect.line <= last)


def _behind_loop_of_ends(program: Program, function: FunctionInfo, call: Effect) -> int:
    """The last line of a loop that ends the capture of each device: as many as were begun, so it runs; 0 for none."""
    loops = set(loops_around(function, call))
    ends = (e for e in function.effects if e.line > call.line and _ends(program, function, e))
    found = {loop for e in ends for loop in loops_around(function, e)} - loops
    return min((function.regions[loop].end_line for loop in found), default=0)


def _ends(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    if not effect.callee:
        return False
    if last_name(effect.callee) in _ENDS:
        return True
    callees = program.callees(function, effect)
    return any(last_name(inner.callee) in _ENDS for callee in callees for inner in callee.effects)
