"""LLM305: what a recorded graph of the device cannot hold.

Two mechanisms. While the graph is recorded something is called that a recording stream refuses, or that only the
recording run does: a wait of the host, a question about a value, memory taken at once. And between recording and
replay a place that the recording read is bound to something new: the graph goes on with the old address or value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from llmlint.checkers.gpu.counted_once import counted_once, counts
from llmlint.code.domain.captures import Capture, captures
from llmlint.code.domain.device_values import operands
from llmlint.code.domain.device_waits import is_host_name
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.steps import only_sets_up
from llmlint.code.domain.tensor_values import TensorValues
from llmlint.code.domain.tensors import DEVICE, makings
from llmlint.code.facts.facts import Effect, Test
from llmlint.code.link.entities import ClassInfo
from llmlint.code.link.exits import around
from llmlint.code.link.program import Call, FunctionInfo, Program, root_of
from llmlint.code.link.reach import Wanted
from llmlint.findings import Report, Step
from llmlint.phrases import last_name, words
from llmlint.runtime.block import Block, Target, Watch

_DEEPEST = 4
_ASKS = frozenset({"any", "all", "equal", "allclose", "item", "is_nonzero"})
_ABOUT_CAPTURE = frozenset("capture capturing captured graph cudagraph eager compiling debug warmup".split())


def check_program(program: Program) -> Iterator[Report]:
    found = list(captures(program))
    told: set[tuple[str, int]] = set()
    wanted = _refuses(program)
    may_tell = any(wanted(function, effect) for function in program.asked.functions for effect in function.effects)
    for capture in found:
        refused = _refused(program, capture, wanted) if may_tell else ()
        counted = counted_once(program, capture, counts)
        for report in (*refused, *_rebound(program, capture, found), *counted):
            at = (report.at.path, report.at.line)
            if at not in told:
                told.add(at)
                yield report


# ---------------------------------------------------------------- what a recording stream refuses


def _refuses(program: Program) -> Wanted:
    def wanted(function: FunctionInfo, effect: Effect) -> bool:
        return (
            bool(effect.callee) and _is_refused(program, function, effect) and not _knows_of_capture(function, effect)
        )

    return wanted


def _is_refused(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    receiver, _, name = effect.callee.rpartition(".")
    if not program.vocabulary.is_refused_by_capture(effect.callee):
        return (
            name in _ASKS and bool(receiver) and _decides(function, effect) and _is_tensor(program, function, receiver)
        )
    return not receiver or not _is_of_host(program, function, effect, receiver)


def _is_of_host(program: Program, function: FunctionInfo, effect: Effect, path: str) -> bool:
    """Does its name say that it is on the host, or everything that it is made by?"""
    if is_host_name(program.vocabulary, path):
        return True
    plain = ".".join(part for part in path.split(".") if not part.endswith("()"))
    made = makings(program, function, plain, function.effects.index(effect)) if "?" not in path else ()
    return bool(made) and all(making.memory != DEVICE for making in made)


def _is_tensor(program: Program, function: FunctionInfo, path: str) -> bool:
    return function.language == "python" and TensorValues(program, function, asks_others=True).holds(path)


def _decides(function: FunctionInfo, effect: Effect) -> bool:
    """Is the answer what a branch or a loop asks for?"""
    return any(_asks(region.test, effect.callee) for region in function.regions if region.test is not None)


def _asks(test: Test, callee: str) -> bool:
    return (test.op == "call" and last_name(test.path) == last_name(callee)) or any(_asks(a, callee) for a in test.args)


def _knows_of_capture(function: FunctionInfo, effect: Effect) -> bool:
    """Does it stand behind a question whether a graph is recorded, or behind a branch on that which leaves?"""
    asks = [r for r in around(function, effect) if r.kind in ("if", "else", "and")]
    leaving = {e.region for e in function.effects if e.op in ("return", "raise") and e.line < effect.line}
    asks += [function.regions[at] for at in leaving if function.regions[at].kind == "if"]
    return any(not _ABOUT_CAPTURE.isdisjoint(words(region.text)) for region in asks)


def _refused(program: Program, capture: Capture, wanted: Wanted) -> Iterator[Report]:
    function = capture.function
    for at in capture.inside:
        effect = function.effects[at]
        if not effect.callee or _knows_of_capture(function, effect):
            continue
        if wanted(function, effect):
            yield _refusal(program, capture, (Call(function, effect),))
            continue
        for callee in program.callees(function, effect):
            way = program.reaches(callee, wanted, _DEEPEST)
            if way and not any(_knows_of_capture(*call) for call in way):
                yield _refusal(program, capture, (Call(function, effect), *way))


def _refusal(program: Program, capture: Capture, way: tuple[Call, ...]) -> Report:
    holder, refused = way[-1]
    name = refused.callee.lstrip("?.")
    doubt = _doubt(way)
    steps = [Step(capture.function.path, capture.line, "a graph of the device is recorded from here")]
    steps += [Step(f.path, e.line, f"{f.facts.qualname} calls {last_name(e.callee)}") for f, e in way[:-1]]
    steps.append(Step(holder.path, refused.line, f"{name} needs the device's answer or memory at once"))
    return Report(
        program.place(holder, refused),
        symbol_of(holder),
        f"{name} runs while a graph is recorded: the recording fails, or keeps this run's answer for every replay",
        tuple(steps),
        confidence="low" if doubt else "medium",
        reason="the calls from the recording to here were followed"
        + ("" if len(way) <= 2 else f", over {len(way) - 1} functions")
        + (f"; {doubt}" if doubt else ""),
        subject=f"refused:{name}",
        fix="do it before the recording begins or behind the replay, or work it out on the device",
        mechanism="graph_unsafe_op.refused",
    )


def _doubt(way: tuple[Call, ...]) -> str:
    """What may keep a recording from coming along this way; "" for nothing."""
    for function, effect in way[1:]:
        if root_of(effect.callee) in {param.name for param in function.params if param.name not in ("self", "cls")}:
            return f"which callback runs in {function.name} is open"
        if any(region.kind in ("if", "else", "and", "case") for region in around(function, effect)):
            return f"{function.name} does so under a condition"
    return ""


# ---------------------------------------------------------------- what was recorded and is bound anew


class _Read(NamedTuple):
    """An attribute that the recording reads, and where."""

    owner: ClassInfo
    name: str
    function: FunctionInfo
    effect: Effect


def _rebound(program: Program, capture: Capture, all_captures: list[Capture]) -> Iterator[Report]:
    recording = {c.function for c in all_captures}
    given_up = _kept_by(capture.function) | _graph_of(capture)
    if not _may_read(capture.function, _bound_by_asked(program)):
        return
    every = sorted(_reads(program, capture), key=lambda read: bool(read.effect.callee))  # what is given says more
    reads = {(read.owner, read.name): read for read in every}
    for (owner, name), read in reads.items():
        if name in given_up:
            continue
        for function, effect in _bindings(program, owner, name):
            if function in program.asked and _is_between(program, function, recording, given_up):
                yield _stale(program, capture, read, function, effect)


def _bound_by_asked(program: Program) -> frozenset[str] | None:
    """The names of what the asked functions change; None for any name, for in C++ a call may give new memory."""
    if any(function.language != "python" for function in program.asked.functions):
        return None
    return frozenset(name for function in program.asked.functions for name in function.facts.gist.changes)


def _may_read(recording: FunctionInfo, names: frozenset[str] | None) -> bool:
    """Does it, or a function of its object, hand over an attribute of one of these names?"""
    kin = (recording.owner, *recording.owner.mro, *recording.owner.subclasses) if recording.owner is not None else ()
    functions = dict.fromkeys((recording, *(function for cls in kin for function in cls.functions)))
    return names is None or any(
        _read_name(path)[1] in names
        for function in functions
        for effect in function.effects
        for path in _paths_read(function, effect)
    )


def _reads(program: Program, capture: Capture) -> Iterator[_Read]:
    function = capture.function
    seen = {function}
    waiting = [(function, function.effects[at]) for at in capture.inside]
    while waiting:
        function, effect = waiting.pop()
        for path in _paths_read(function, effect):
            yield from _attribute(program, function, effect, path)
        for callee in program.callees(function, effect) if effect.callee else ():
            if callee not in seen and _is_of_one_object(callee, capture.function):
                seen.add(callee)
                waiting += [(callee, inner) for inner in callee.effects]


def _paths_read(function: FunctionInfo, effect: Effect) -> Iterator[str]:
    """What a call is given, and in Python what an operator works with."""
    yield from (path for argument in effect.args for path in (argument.path, *argument.reads) if path)
    if effect.value == "other" and function.language == "python":
        yield from operands(effect.reads)


def _is_of_one_object(one: FunctionInfo, other: FunctionInfo) -> bool:
    return one.owner is not None and other.owner is not None and one.owner.is_kin_of(other.owner)


def _attribute(program: Program, function: FunctionInfo, effect: Effect, path: str) -> Iterator[_Read]:
    base, name = _read_name(path)
    if root_of(base) != "self":  # two objects of one class: what is bound anew in another was not recorded
        return
    owner = program.class_of(function, base)
    if owner is not None and name in owner.attributes and owner.attributes[name].class_of is None:
        yield _Read(owner, name, function, effect)


def _read_name(path: str) -> tuple[str, str]:
    """An object and its attribute that a path reads: `self.slots` and `row` for `self.slots.row[].copy_()`."""
    plain = path.partition("()")[0].partition("[]")[0]
    base, _, name = (plain.rpartition(".")[0] if "()" in path else plain).rpartition(".")
    return base, name


def _bindings(program: Program, owner: ClassInfo, name: str) -> Iterator[Call]:
    """Where the attribute gets another object or other memory."""
    for touch in program.touches(owner, name):
        effect = touch.effect
        is_whole = last_name(effect.path) == name and "[]" not in effect.path
        if effect.op == "assign" and is_whole and not effect.via and effect.value not in ("none", "empty"):
            if not touch.by_name:
                yield Call(touch.function, effect)
    for function in owner.functions if owner.language != "python" else ():
        for effect in function.effects:
            first = effect.args[0].path if effect.args else ""
            if (
                first == f"self.{name}"
                and program.vocabulary.gives_gpu_memory(effect.callee)
                and "Malloc" in effect.callee
            ):
                yield Call(function, effect)


def _kept_by(function: FunctionInfo) -> set[str]:
    """The attributes in which the recording function keeps what it recorded."""
    kept = (e for e in function.effects if e.op in ("assign", "insert") and "." in e.path)
    return {last_name(effect.path) for effect in kept}


def _graph_of(capture: Capture) -> set[str]:
    """What the graph is called that is recorded: `graph` in `slot.graph->capture_begin()` and `cuda.graph(self.graph)`.
    Who puts a new one there begins anew."""
    begins = [e for e in capture.function.effects if e.line == capture.line and e.callee]
    paths = (path for e in begins for path in (e.callee.rpartition(".")[0], *(a.path for a in e.args[:1])))
    return {last_name(path) for path in paths if "." in path}


def _is_between(program: Program, function: FunctionInfo, recording: set[FunctionInfo], given_up: set[str]) -> bool:
    """Does it run between recording and replay, and neither records anew nor gives the recording up?"""
    if function in recording or only_sets_up(program, function) or _is_building(function):
        return False
    helpers = {callee for e in function.effects if e.callee for callee in program.callees(function, e)}
    if not helpers.isdisjoint(recording) or any(_gives_up(effect, given_up) for effect in function.effects):
        return False
    own = (helper for helper in helpers if _is_of_one_object(helper, function))
    if any(_gives_up(e, given_up) or _records(program, helper, e, recording) for helper in own for e in helper.effects):
        return False
    return not _only_called_by(program, function, recording)


def _gives_up(effect: Effect, kept: set[str]) -> bool:
    is_change = effect.op in ("assign", "clear", "remove", "insert")
    return (is_change and last_name(effect.path) in kept) or ("Graph" in effect.callee and "Destroy" in effect.callee)


def _records(program: Program, function: FunctionInfo, effect: Effect, recording: set[FunctionInfo]) -> bool:
    return bool(effect.callee) and not recording.isdisjoint(program.callees(function, effect))


def _is_building(function: FunctionInfo) -> bool:
    return function.name in ("__init__", "__del__", "__post_init__") or (
        function.owner is not None and function in function.owner.building
    )


def _only_called_by(program: Program, function: FunctionInfo, recording: set[FunctionInfo]) -> bool:
    calls = program.callers(function)
    return bool(calls) and all(call.function in recording for call in calls)


def _stale(program: Program, capture: Capture, read: _Read, function: FunctionInfo, bound: Effect) -> Report:
    what = f"{read.owner.name}.{read.name}"
    replay = next((c for c in _replays(program, capture.function)), None)
    steps = [
        Step(capture.function.path, capture.line, "a graph of the device is recorded from here"),
        Step(read.function.path, read.effect.line, f"the recording reads {what}: it keeps the address, or the value"),
        Step(function.path, bound.line, f"{what} gets other memory or another value here, and nothing records again"),
    ]
    if replay is not None:
        steps.append(Step(replay.function.path, replay.effect.line, "the replay goes on with what was recorded"))
    return Report(
        program.place(function, bound),
        symbol_of(function),
        f"{what} is bound anew after a graph has recorded it: each replay still uses the old one",
        tuple(steps),
        confidence="medium" if read.effect.callee else "low",
        reason="no function on the way records the graph again or gives it up",
        data=_watched(capture, read, function),
        subject=f"rebound:{what}",
        origin=f"rebound:{function.facts.qualname}:{read.owner.name}",
        fix="copy the new value into the memory that was recorded (copy_, cudaMemcpyAsync)",
        mechanism="graph_unsafe_op.rebound",
    )


def _watched(capture: Capture, read: _Read, function: FunctionInfo) -> dict[str, Any]:
    if function.language != "python":
        return {}
    targets = (
        Target(capture.function.facts.qualname, "save", capture.function.path),
        Target(function.facts.qualname, "scope", function.path),
    )
    return {"runtime": Block(targets, (Watch(read.name, read.owner.name, read.owner.path),)).plain()}


def _replays(program: Program, recording: FunctionInfo) -> Iterator[Call]:
    for name in ("replay", "cudaGraphLaunch", "hipGraphLaunch"):
        for call in program.calls_named(name):
            if call.function.path == recording.path:
                yield call
