"""LLM306: an event that is recorded behind a copy or other work of a stream, and that nobody ever asks.

An event is recorded so that somebody can wait for what stands before it. Where an attribute holds it and everything in
the program that names this attribute makes, records or destroys the event, whoever uses what the work made does so too
early. Events of which a name, a container or an unknown call gets hold are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.device_waits import waits
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.tensors import non_blocking
from llmlint.code.facts.facts import Effect
from llmlint.code.link.entities import ClassInfo
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.phrases import last_name

_NATIVE_RECORDS = ("cudaEventRecord", "hipEventRecord", "musaEventRecord")
_HANDLES = frozenset("Create CreateWithFlags Destroy Record RecordWithFlags".split())
"""What is done to an event without asking it, behind `cudaEvent`."""
_NATIVE_COPIES = ("MemcpyAsync", "Memcpy2DAsync", "MemcpyPeerAsync")
_READS = frozenset("tolist item numpy cpu copy_ any sum max min".split())


class Kept(NamedTuple):
    """The attribute that holds an event, where it is recorded, and what the copy before it fills."""

    owner: ClassInfo
    name: str
    function: FunctionInfo
    record: Effect
    filled: str


def check_program(program: Program) -> Iterator[Report]:
    told: set[tuple[ClassInfo, str]] = set()
    for kept in (*_native(program), *_in_python(program)):
        if (kept.owner, kept.name) not in told and not _is_asked(program, kept):
            told.add((kept.owner, kept.name))
            yield _report(program, kept)
    for function, record in _of_locals(program):
        yield from _returned_and_dropped(program, function, record)


def _of_locals(program: Program) -> Iterator[Call]:
    for function, effect in program.calls_named("record"):
        event = effect.callee.rpartition(".")[0]
        if function.language == "python" and event.isidentifier() and _is_made_here(program, function, event):
            if _filled_before(function, effect):
                yield Call(function, effect)


def _returned_and_dropped(program: Program, function: FunctionInfo, record: Effect) -> Iterator[Report]:
    """Callers that let go of the event that they are given, where the function gives nothing else and keeps none."""
    event = record.callee.rpartition(".")[0]
    others = [e for e in function.effects if e is not record and any(_is_of(path, event) for path in _paths(e))]
    given = [e for e in others if e.op == "return"]
    if not given or any(e.source != event or e.value != "path" for e in given) or len(others) - len(given) > 2:
        return
    if any(e.op in ("assign", "insert") or any(a.path == event for a in e.args) for e in others):
        return
    calls = program.callers(function)
    taking = [call for call in calls if call.effect.result]
    for caller, call in calls:
        if call.op == "call" and call.result == "" and not any(waits(program, caller, e) for e in caller.effects):
            steps = [
                Step(function.path, record.line, f"{event} is recorded behind the copy, and returned"),
                Step(caller.path, call.line, "the event is let go, and nothing here waits"),
            ]
            steps += [Step(f.path, e.line, "another caller takes it") for f, e in taking[:1]]
            yield Report(
                program.place(caller, call),
                symbol_of(caller),
                f"the event that {function.name} returns is let go: the copy before it may still run",
                tuple(steps),
                confidence="medium" if taking else "low",
                reason="another caller keeps the event to wait for it" if taking else "no caller waits for the event",
                subject=f"dropped:{function.name}",
                fix="wait for the event before either side of the copy is used or given back",
            )


def _is_of(path: str, event: str) -> bool:
    return path.partition(".")[0].partition("[")[0] == event


# ---------------------------------------------------------------- where events are kept


def _native(program: Program) -> Iterator[Kept]:
    for name in _NATIVE_RECORDS:
        for function, effect in program.calls_named(name):
            path = effect.args[0].path if effect.args else ""
            attribute = _attribute(path)
            if attribute and function.owner is not None:
                filled = _filled_before(function, effect)
                if filled:
                    yield Kept(function.owner, attribute, function, effect, filled)


def _in_python(program: Program) -> Iterator[Kept]:
    for function, effect in program.calls_named("record"):
        event = effect.callee.rpartition(".")[0]
        filled = _filled_before(function, effect) if function.language == "python" else ""
        if not filled:
            continue
        attribute = _attribute(event)
        if attribute and function.owner is not None and _is_event(program, function, event):
            yield Kept(function.owner, attribute, function, effect, filled)
        elif event.isidentifier() and _is_made_here(program, function, event):
            yield from _stored(program, function, effect, event, filled)


def _stored(program: Program, function: FunctionInfo, record: Effect, event: str, filled: str) -> Iterator[Kept]:
    """The field that a local event goes to, where an object made with it is all that gets hold of it."""
    given = [e for e in function.effects if e.callee and any(a.path == event for a in e.args)]
    if len(given) != 1:
        return
    made = given[0]
    if any(
        _is_value(e, event, made.callee) for e in function.effects if e.op in ("assign", "insert", "return", "yield")
    ):
        return
    cls = program.class_named(made.callee) if made.callee.isidentifier() else None
    if cls is None or not cls.declares_fields:
        return
    at = next(i for i, a in enumerate(made.args) if a.path == event)
    names = [field.name for field in cls.facts.fields]
    name = made.args[at].keyword or (names[at] if at < len(names) else "")
    if name in names:
        yield Kept(cls, name, function, record, filled)


def _is_value(effect: Effect, event: str, maker: str) -> bool:
    """Is the event itself stored or given away, and not in what is made with it?"""
    if effect.op in ("return", "yield"):
        return event in effect.reads and effect.source != maker
    return event in (effect.source, effect.key)


def _is_made_here(program: Program, function: FunctionInfo, event: str) -> bool:
    bound = [e for e in function.effects if e.op == "bind" and e.path == event]
    return bool(bound) and all(e.value == "new" and last_name(e.source) == "Event" for e in bound)


def _is_event(program: Program, function: FunctionInfo, path: str) -> bool:
    known = function.owner.attributes.get(_attribute(path)) if function.owner is not None else None
    made = (known.source, known.annotation) if known is not None else ()
    return any("cuda.Event" in text for text in made)


def _attribute(path: str) -> str:
    plain = path.replace("[]", "")
    return plain.removeprefix("self.") if plain.startswith("self.") and plain.count(".") == 1 else ""


def _filled_before(function: FunctionInfo, record: Effect) -> str:
    """What the last copy that does not wait, in front of the record, fills."""
    at = next(i for i, e in enumerate(function.effects) if e is record)
    for effect in reversed(function.effects[:at]):
        name = last_name(effect.callee)
        if name.endswith(_NATIVE_COPIES) and effect.args:
            return effect.args[0].path.replace("[]", "")
        if name == "copy_" and non_blocking(effect):
            return effect.callee.rpartition(".")[0].replace("[]", "")
        if name in ("to", "cpu") and non_blocking(effect) and effect.result:
            return effect.result
    return ""


# ---------------------------------------------------------------- who asks


def _is_asked(program: Program, kept: Kept) -> bool:
    """Does anything name the attribute, other than to make, record or destroy the event?"""
    return any(_may_ask(program, kept, function, effect) for function, effect in _naming(program, kept)) or any(
        _walks(function, kept.name) for function in _readers(program, kept)
    )


def _readers(program: Program, kept: Kept) -> list[FunctionInfo]:
    readers = {read.function for read in program.reads(kept.owner, kept.name)}
    readers |= {touch.function for touch in program.touches(kept.owner, kept.name)}
    readers |= set(kept.owner.functions) if kept.owner.language != "python" else set()
    return sorted(readers, key=lambda f: f.order)


def _naming(program: Program, kept: Kept) -> Iterator[Call]:
    for function in _readers(program, kept):
        for effect in function.effects:
            if any(_names(path, kept.name) for path in _paths(effect)):
                yield Call(function, effect)


def _paths(effect: Effect) -> Iterator[str]:
    yield effect.callee or effect.path
    yield effect.source
    yield from effect.reads
    yield from effect.maybe
    yield from effect.options
    yield from effect.holds
    for argument in effect.args:
        yield argument.path
        yield from argument.reads


def _names(path: str, name: str) -> bool:
    return f".{name}" in path and name in path.replace("[]", "").replace("()", "").split(".")


def _may_ask(program: Program, kept: Kept, function: FunctionInfo, effect: Effect) -> bool:
    name = last_name(effect.callee)
    if not effect.callee:
        is_walk = effect.op == "bind" and effect.via == "for" and function.name in ("__init__", "__del__")
        return not is_walk and not (effect.op in ("assign", "insert") and _names(effect.path, kept.name))
    if effect is kept.record or name == "record":
        return False
    if _handles(name):
        return False
    # A macro or helper around one of those gets its result, and no event.
    given = (p for a in effect.args for p in (a.path, *a.reads) if not _handles(last_name(a.path)))
    is_given = any(_names(path, kept.name) for path in given)
    is_method = _names(effect.callee.rpartition(".")[0], kept.name)
    return is_given or is_method


def _handles(name: str) -> bool:
    return "Event" in name and name.rpartition("Event")[2] in _HANDLES


def _walks(function: FunctionInfo, name: str) -> bool:
    """Does a loop walk all of the events, outside of making and destroying them?"""
    if function.name in ("__init__", "__del__"):
        return False
    walked = (e for e in function.effects if e.op == "bind" and e.via == "for")
    return any(_names(path, name) for effect in walked for path in (effect.source, *effect.options))


# ---------------------------------------------------------------- the report


def _report(program: Program, kept: Kept) -> Report:
    function, record = kept.function, kept.record
    what = f"{kept.owner.name}.{kept.name}"
    steps = [Step(function.path, record.line, f"{what} is recorded behind the copy into {kept.filled}")]
    used = _used(program, kept)
    if used is not None:
        steps.append(
            Step(used.function.path, used.effect.line, "what was copied is used here, and the event is not asked")
        )
    return Report(
        program.place(*(used or Call(function, record))),
        symbol_of(used.function if used is not None else function),
        f"the event {what} is recorded behind a copy, and nothing ever waits for it or asks it",
        tuple(steps),
        confidence="medium",
        reason="everything that names the event makes, records or destroys it",
        subject=what,
        fix="wait for the event before what was copied is used: synchronize(), wait_event, cudaStreamWaitEvent",
    )


def _used(program: Program, kept: Kept) -> Call | None:
    """Where what the copy filled is read: by the same attribute, or by the field it went to with the event."""
    fields = {last_name(kept.filled)}
    made = next((e for e in kept.function.effects if last_name(e.callee) == kept.owner.name), None)
    names = [field.name for field in kept.owner.facts.fields]
    for at, argument in enumerate(made.args) if made is not None else ():
        if argument.path.replace("[]", "") == kept.filled:
            fields.add(argument.keyword or (names[at] if at < len(names) else ""))
    where = {kept.function, *kept.owner.functions, *_of_fields(program, kept, fields)}
    for function in sorted(where, key=lambda f: f.order):
        for effect in function.effects:
            is_before = function is kept.function and effect.line <= kept.record.line
            if effect is not made and not is_before and _uses(effect, fields):
                return Call(function, effect)
    return None


def _of_fields(program: Program, kept: Kept, fields: set[str]) -> Iterator[FunctionInfo]:
    for name in sorted(fields):
        yield from (read.function for read in program.reads(kept.owner, name))


def _uses(effect: Effect, fields: set[str]) -> bool:
    receiver, _, name = effect.callee.replace("[]", "").rpartition(".")
    if name in _READS and last_name(receiver) in fields:
        return True
    return effect.via == "launch" and any(last_name(argument.path) in fields for argument in effect.args)
