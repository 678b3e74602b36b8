"""LLM307: an event is recorded behind a copy or a kernel, and nothing in the program ever waits for it.

An event orders nothing by itself. Whoever uses what it stands for, on the host or on another stream, has to wait for
it; where nobody does, what was copied is read too early, or written over while it is still copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report
from llmlint.phrases import last_name

_WAITS = frozenset({"synchronize", "query", "wait", "elapsed_time"})
_GIVEN_TO = frozenset({"wait_event", "elapsed_time"})
_NATIVE_WAITS = ("EventSynchronize", "StreamWaitEvent", "EventQuery", "EventElapsedTime")
_MAKERS = ("torch.cuda.Event", "torch.Event", "torch.cuda.streams.Event")
_TO_HOST = frozenset({"tolist", "item", "numpy"})


class Recorded(NamedTuple):
    """`names` are those that the event goes by: the local, the attribute, the field of what it is put into."""

    function: FunctionInfo
    effect: Effect
    names: set[str]
    copy: Effect


def check_program(program: Program) -> Iterator[Report]:
    found = [*_of_torch(program), *_of_runtime(program)]
    waited = {in_python: _waited(program, in_python) for in_python in {r.function.language == "python" for r in found}}
    for recorded in found:
        if recorded.names and waited[recorded.function.language == "python"].isdisjoint(recorded.names):
            yield _report(program, recorded)


# ---------------------------------------------------------------- recorded


def _of_torch(program: Program) -> Iterator[Recorded]:
    for function, effect in program.calls_named("record", in_python=True):
        event = effect.callee.rpartition(".")[0]
        copy = _copied_before(function, effect)
        if event and copy is not None and _is_event(program, function, event):
            names = _names(program, function, event)
            if names is not None:
                yield Recorded(function, effect, names, copy)


def _of_runtime(program: Program) -> Iterator[Recorded]:
    for name in ("cudaEventRecord", "hipEventRecord", "cudaEventRecordWithFlags"):
        for function, effect in program.calls_named(name):
            copy = _copied_before(function, effect)
            if effect.args and effect.args[0].path and copy is not None:
                yield Recorded(function, effect, {last_name(effect.args[0].path)}, copy)


def _copied_before(function: FunctionInfo, record: Effect) -> Effect | None:
    """The copy that comes back at once which the event stands behind."""
    for effect in function.effects:
        if effect.line > record.line:
            return None
        is_native = last_name(effect.callee).endswith("MemcpyAsync")
        if is_native or any(a.keyword == "non_blocking" and a.literal == "True" for a in effect.args):
            return effect
    return None


def _is_event(program: Program, function: FunctionInfo, event: str) -> bool:
    """Is it made as one, and not for timing?"""
    made = [e for e in function.effects if e.result == event and e.op == "call"]
    if event.startswith("self.") and function.owner is not None:
        made = [e for f in function.owner.functions for e in f.effects if e.result == event and e.op == "call"]
    events = [e for e in made if program.resolve(function, e.callee) in _MAKERS or last_name(e.callee) == "Event"]
    return bool(events) and not any(a.keyword == "enable_timing" for e in events for a in e.args)


def _names(program: Program, function: FunctionInfo, event: str) -> set[str] | None:
    """None where it goes on to where it cannot be followed: it is given back, or to a call that is not known."""
    names = {last_name(event)}
    for effect in function.effects:
        if effect.op in ("return", "yield") and event in (effect.path, *effect.holds):
            return None
        if effect.op == "assign" and effect.source == event:
            names.add(last_name(effect.path))
        if effect.op == "insert" and event in (effect.key, *(a.path for a in effect.args)):
            names.add(last_name(effect.path))
        elif effect.op == "call" and any(event in (a.path, a.written) for a in effect.args):
            fields = _fields(program, function, effect, event)
            if fields is None:
                return None
            names |= fields
    return names


def _fields(program: Program, function: FunctionInfo, call: Effect, event: str) -> set[str] | None:
    """What a constructor of the program's calls it."""
    by_keyword = {a.keyword for a in call.args if a.keyword and a.path == event}
    callees = [c for c in program.callees(function, call) if c.name == "__init__"]
    by_place = {n for c in callees for n, a in arguments_by_parameter(c, call).items() if a.path == event}
    cls = program.class_named(call.callee)
    if cls is None:
        return None
    declared = [field.name for field in cls.facts.fields]
    at = next((n for n, a in enumerate(a for a in call.args if not a.keyword) if a.path == event), -1)
    by_field = {declared[at]} if not callees and 0 <= at < len(declared) else set()
    return (by_keyword | by_place | by_field) or None


# ---------------------------------------------------------------- waited for


def _waited(program: Program, in_python: bool) -> set[str]:
    names: set[str] = set()
    for wait in (*_WAITS, *_GIVEN_TO):
        for _, effect in program.calls_named(wait, in_python):
            names.add(last_name(effect.callee.rpartition(".")[0]))
            names.update(last_name(argument.path) for argument in effect.args)
    for name in program.call_names:
        if name.endswith(_NATIVE_WAITS):
            for _, effect in program.calls_named(name, in_python):
                names.update(last_name(argument.path) for argument in effect.args)
    return names


# ---------------------------------------------------------------- the report


def _report(program: Program, recorded: Recorded) -> Report:
    function, record, _, copy = recorded
    user = _user(program, recorded)
    where, at = user if user is not None else (function, record)
    name = last_name(record.callee.rpartition(".")[0] or record.args[0].path)
    steps = [
        program.step(function, copy, f"{last_name(copy.callee)} comes back at once"),
        program.step(function, record, f"{name} is recorded behind it, and nothing in the program waits for {name}"),
    ]
    if user is not None:
        steps.append(program.step(where, at, "what was copied is used, wherever the copy is by then"))
    return Report(
        program.place(where, at),
        symbol_of(where),
        f"what is copied in {function.name} is not waited for: nobody asks the event {name}",
        tuple(steps),
        confidence="medium" if user is not None else "low",
        reason="an event that is recorded was meant to be waited for",
        data=watched_calls(function, where),
        subject=name,
        fix=f"wait for {name} before what was copied is used",
    )


def _user(program: Program, recorded: Recorded) -> tuple[FunctionInfo, Effect] | None:
    """Where another function of the class uses what is copied: a kernel that is given it, or the host that reads it."""
    function, record, _, copy = recorded
    owner = function.owner
    places = {last_name(p) for p in (copy.callee.rpartition(".")[0], *(a.path for a in copy.args[:1])) if p}
    beside = _kept_beside(program, function, record)
    for other in owner.functions if owner is not None else ():
        for effect in other.effects if other is not function else ():
            receiver, _, method = effect.callee.rpartition(".")
            if effect.via == "launch" and places & {last_name(a.path) for a in effect.args}:
                return other, effect
            if method in _TO_HOST and last_name(receiver) in places | beside:
                return other, effect
    return None


def _kept_beside(program: Program, function: FunctionInfo, record: Effect) -> set[str]:
    """The fields of the object that the event is put into."""
    event = record.callee.rpartition(".")[0]
    found: set[str] = set()
    for effect in function.effects:
        if effect.op == "call" and any(a.path == event for a in effect.args):
            cls = program.class_named(effect.callee)
            found.update(field.name for field in (cls.facts.fields if cls is not None else ()))
    return found
