"""What was looked up in a cache is pinned only behind a call that may evict it.

The object counts who uses an entry; one of its methods takes away what nobody uses, one counts a user more. Between the
look-up and the count stands a call of the first.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import attribute_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import chain
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program, root_of
from llmlint.findings import Report
from llmlint.phrases import last_name


def pins_too_late(program: Program) -> Iterator[Report]:
    for cls in program.classes:
        called = (f for f in cls.functions if f.is_method and f.name in program.asked.call_names)
        pinning = [(f, count) for f in called if (count := _counted(f))]
        for pins, count in pinning:
            evicting = [f for f in cls.functions if f.is_method and f is not pins and _evicts(program, cls, f, count)]
            for function, pin in program.callers(pins) if evicting else ():
                if function.owner is not cls:
                    yield from _in_caller(program, function, pin, evicting)


def _counted(function: FunctionInfo) -> str:
    """The count that it raises for what it is given: a field of each, or an entry of a table; it takes nothing away."""
    given = {param.name for param in function.params} - {"self"}
    if not given or any(e.op in ("remove", "clear", "return") for e in function.effects):
        return ""
    for effect in function.effects:
        if effect.op == "assign" and effect.via == "+=" and root_of(effect.path) in given:
            return last_name(effect.path)
        if effect.op == "insert" and effect.via in ("[]=", "[]+=") and root_of(effect.key) in given:
            counted = effect.via == "[]+=" or any(read.startswith(f"{effect.path}[") for read in effect.reads)
            if counted and attribute_of(effect.path):
                return last_name(effect.path)
    return ""


def _evicts(program: Program, cls: ClassInfo, function: FunctionInfo, count: str) -> bool:
    """Does it, or a method of the object that it calls, take out of a container what has no user?"""
    helpers = (c for e in function.effects if e.callee.startswith("self.") for c in program.callees(function, e))
    return any(
        part.owner is cls
        and _reads_count(part, count)
        and any(e.op == "remove" and attribute_of(e.path) and last_name(e.path) != count for e in part.effects)
        for part in (function, *helpers)
    )


def _reads_count(function: FunctionInfo, count: str) -> bool:
    asked = (*(r for region in function.regions for r in region.reads), *(r for e in function.effects for r in e.reads))
    return any(last_name(read) == count for read in asked if "." in read)


def _in_caller(program: Program, function: FunctionInfo, pin: Effect, evicting: list[FunctionInfo]) -> Iterator[Report]:
    receiver = pin.callee.rpartition(".")[0]
    pinned = next((a.written or a.path for a in pin.args if a.path), "")
    if not pinned:
        return
    for effect in function.effects:
        if effect.line >= pin.line or effect.callee.rpartition(".")[0] != receiver:
            continue
        if effect.region not in chain(function, pin.region) or not _runs(program, function, effect, evicting):
            continue
        found = _looked_up(function, pinned, effect)
        if found is not None and not _pinned_before(function, pin, effect):
            yield Report(
                program.place(function, effect),
                symbol_of(function),
                f"{last_name(effect.callee)} may evict {pinned}, which is pinned only behind it",
                (
                    program.step(function, found, f"{pinned} is looked up, and nobody holds it yet"),
                    program.step(function, effect, f"{last_name(effect.callee)} takes away what nobody holds"),
                    program.step(function, pin, "pinned here, when it may stand for something else"),
                ),
                confidence="medium",
                reason="what is evicted may be handed out anew, and two then write to it",
                subject=pinned,
                fix=f"pin {pinned} before {last_name(effect.callee)}, and give it back where that fails",
            )
            return


def _runs(program: Program, function: FunctionInfo, effect: Effect, among: list[FunctionInfo]) -> bool:
    return any(callee in among for callee in program.callees(function, effect))


def _looked_up(function: FunctionInfo, pinned: str, before: Effect) -> Effect | None:
    """Where it is bound, ahead of the call and not by it."""
    bound = (e for e in function.effects if e.op in ("bind", "assign") and e.path in (pinned, root_of(pinned)))
    return next((e for e in bound if e.line < before.line), None)


def _pinned_before(function: FunctionInfo, pin: Effect, before: Effect) -> bool:
    given = {a.written or a.path for a in pin.args}
    return any(
        e.callee == pin.callee and e.line < before.line and given & {a.written or a.path for a in e.args}
        for e in function.effects
    )
