"""LLM301 in C, C++ and CUDA: pinned memory is written or read while a copy of the runtime's may still use it.

`cudaMemcpyAsync` comes back at once where the host's side is pinned. In a loop, the next round fills the same memory
again; in a row, what was to arrive is read at once; and what one call began, the next finds still under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from llmlint.code.domain.device_waits import waits, waits_somewhere
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import ENTRY, EXIT, Edge
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.exits import chain, loops_around
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.phrases import last_name
from llmlint.vocabulary import DeviceCopy

_TO_DEVICE, _TO_HOST = ("HostToDevice", "DeviceToHost")
_TAKES = frozenset({"bind", "assign", "insert", "return"})
_WRITES = frozenset({"memcpy", "memmove", "memset", "copy", "copy_n", "fill", "fill_n"})


class Copy(NamedTuple):
    function: FunctionInfo
    effect: Effect
    host: str
    arrives: bool
    is_pinned: bool = True


def native_copies(program: Program) -> Iterator[Report]:
    words = program.vocabulary
    pinning = (call for name in sorted(words.pins_memory) for call in program.calls_named(name))
    pinned = {_member(call.effect.args[0].path) for call in pinning if call.effect.args}
    for row in words.device_copies:
        for function, effect in program.calls_named(row.call) if pinned or not row.pinned else ():
            copy = _copied(row, function, effect) if function.language != "python" else None
            if copy is not None and (not row.pinned or _is_pinned(program, function, copy.host, pinned)):
                found = _used(program, copy)
                if found is not None:
                    yield found


def _copied(row: DeviceCopy, function: FunctionInfo, effect: Effect) -> Copy | None:
    """The host's side of the copy, and which way it goes."""
    if len(effect.args) <= max(row.leaves, row.arrives, row.told_at):
        return None
    told = effect.args[row.told_at].path if row.told_at >= 0 else ""
    leaves = row.leaves >= 0 and (row.told_at < 0 or told.endswith(_TO_DEVICE))
    arrives = row.arrives >= 0 and (row.told_at < 0 or told.endswith(_TO_HOST))
    host = effect.args[row.leaves if leaves else row.arrives].path.removesuffix(".data()")
    return Copy(function, effect, host, arrives, row.pinned) if host and leaves != arrives else None


def _member(path: str) -> str:
    return last_name(path)


def _is_pinned(program: Program, function: FunctionInfo, host: str, pinned: set[str]) -> bool:
    """Is it, or what it points into, a place that is made as pinned memory anywhere?"""
    if _member(host) in pinned:
        return True
    bound = [e for e in function.effects if e.op == "bind" and e.path == host]
    for effect in bound:
        reads = [effect.source, *effect.reads]
        calls = [e for e in function.effects if e.op == "call" and e.result == host]
        callees = [callee for call in calls for callee in program.callees(function, call)]
        reads += [read for c in callees for e in c.effects if e.op == "return" for read in e.reads]
        if any(_member(read) in pinned for read in reads):
            return True
    return False


def _used(program: Program, copy: Copy) -> Report | None:
    function = copy.function
    others = [e for e in function.effects if e is not copy.effect]
    uses = [e for e in others if _uses(copy, e) or _is_used_by(program, copy, e)]
    if not uses:
        return None
    if not copy.arrives:
        in_loop = _in_next_round(program, copy, uses)
        return in_loop or _in_next_call(program, copy, uses)
    paths = paths_of(function)
    goals = {n for e in uses for n in paths.graph.nodes_of(function.effects.index(e))}
    way = paths.find(paths.graph.nodes_of(function.effects.index(copy.effect)), goals, _ends(program, function))
    read = paths.graph.effect(way.nodes[-1]) if way is not None else None
    return _report(program, copy, read, "read before it has arrived") if read is not None else None


def _ends(program: Program, function: FunctionInfo) -> Callable[[int], bool]:
    graph = paths_of(function).graph

    def ends(node: int) -> bool:
        effect = graph.effect(node)
        return effect is not None and waits(program, function, effect)

    return ends


def _uses(copy: Copy, effect: Effect) -> bool:
    name = last_name(effect.callee)
    if copy.arrives:
        is_given = effect.op == "call" and not name.startswith(("cuda", "hip")) and effect.via != "launch"
        reads = (*effect.reads, effect.path, effect.source) if effect.op in _TAKES else ()
        given = [a.path for a in effect.args] if is_given and name in _WRITES else []
        return any(r.startswith(f"{copy.host}[") for r in reads) or copy.host in given[1:]
    if name in _WRITES:
        return bool(effect.args) and effect.args[0].path.partition("[")[0] == copy.host.partition("[")[0]
    return effect.op in ("insert", "assign") and effect.path.partition("[")[0] == copy.host and effect.via.endswith("=")


def _is_used_by(program: Program, copy: Copy, effect: Effect) -> bool:
    """Does a function that is given the memory read an element of it, or write to it, and wait for nobody?"""
    given = any(argument.path == copy.host for argument in effect.args)
    for callee in program.callees(copy.function, effect) if given and effect.op == "call" else ():
        for name, argument in arguments_by_parameter(callee, effect).items():
            inner = copy._replace(host=name)
            if argument.path == copy.host and any(_uses(inner, one) for one in callee.effects):
                return not waits(program, copy.function, effect)
    return False


def _in_next_round(program: Program, copy: Copy, writes: list[Effect]) -> Report | None:
    function = copy.function
    loop = next(iter(loops_around(function, copy.effect)), None)
    if loop is None:
        return None
    inside = [e for e in function.effects if loop in chain(function, e.region)]
    if any(waits(program, function, effect) for effect in inside):
        return None
    write = next((e for e in writes if e in inside), None)
    return _report(program, copy, write, "written again in the next round") if write is not None else None


def _in_next_call(program: Program, copy: Copy, writes: list[Effect]) -> Report | None:
    """The function comes to its end with the copy under way, and its next call writes before it waits."""
    function = copy.function
    if not copy.host.startswith("self.") or "[]" in copy.host:
        return None
    paths, ends = paths_of(function), _ends(program, function)
    here = paths.graph.nodes_of(function.effects.index(copy.effect))
    goals = {n for e in writes for n in paths.graph.nodes_of(function.effects.index(e))}
    if paths.find(here, {EXIT}, ends) is None:
        return None
    way = paths.find([ENTRY], goals, ends)
    write = paths.graph.effect(way.nodes[-1]) if way is not None else None
    if write is None or _callers_wait(program, function):
        return None
    return _report(program, copy, write, "written by the next call", "low")


def _callers_wait(program: Program, function: FunctionInfo) -> bool:
    """Does every caller wait for the device behind the call, on each way on which the call worked?"""
    callers = program.callers(function)
    return bool(callers) and all(_waits_behind(program, call) for call in callers)


def _waits_behind(program: Program, call: Call) -> bool:
    function, made = call
    paths = paths_of(function)
    known: dict[int, bool] = {}

    def waits_here(node: int) -> bool:
        if node not in known:
            effect = paths.graph.effect(node)
            known[node] = effect is not None and effect is not made and waits_somewhere(program, function, effect)
        return known[node]

    here = paths.graph.nodes_of(function.effects.index(made))
    return paths.find(here, {EXIT}, waits_here, refuses=lambda edge: _failed(edge, made)) is None


def _failed(edge: Edge, made: Effect) -> bool:
    """Does the branch say that the call did not work: `if (!copy()) return false;`?"""
    test = edge.test
    if test is not None and test.op == "not" and test.args[0].op == "call":
        return test.args[0].path == made.callee and edge.holds
    return test is not None and test.op == "call" and test.path == made.callee and not edge.holds


def _report(program: Program, copy: Copy, used: Effect, how: str, confidence: str = "medium") -> Report:
    function = copy.function
    return Report(
        program.place(function, used),
        symbol_of(function),
        f"{copy.host} is {how}: the copy {'into' if copy.arrives else 'from'} it may still run",
        (
            Step(
                function.path,
                copy.effect.line,
                f"the copy comes back at once{f': {copy.host} is pinned' if copy.is_pinned else ''}",
            ),
            Step(function.path, used.line, f"{how}, and nothing has waited for the device"),
        ),
        confidence=confidence if copy.is_pinned and _uses(copy, used) else "low",
        reason="what the functions called on the way do was looked at",
        subject=copy.host,
        fix="wait for an event recorded behind the copy, or use another buffer",
        mechanism="native_pending_copy",
    )
