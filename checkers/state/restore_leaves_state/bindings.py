"""Bound and never let go: a class offers the way back from what it binds, and nobody in the program takes it."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import place_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step

_HOLLOW = frozenset({"pass", "raise", "constant", "log"})


def never_undone(program: Program, cls: ClassInfo) -> Iterator[Report]:
    """`bind_metadata` is called before each step, and `clear_metadata` by nobody."""
    for name, method in cls.methods.items():
        way_back = _way_back(program, cls, name)
        if way_back is None or any(name in base.methods for base in cls.mro[1:]):
            continue
        calls = [call for call in _calls(program, name) if _may_be_of(program, cls, call)]
        if calls and not _is_reached(program, way_back.name):
            for call in calls:
                yield _stays_bound(call, method, way_back)


def _way_back(program: Program, cls: ClassInfo, name: str) -> FunctionInfo | None:
    undoing = (cls.methods[way] for way in program.vocabulary.undone_by(name, cls.methods))
    return next((m for m in undoing if m.facts.has_body and m.facts.shape not in _HOLLOW), None)


def _calls(program: Program, name: str) -> list[Call]:
    """Calls by others: a method that hands the same call on to its parts starts nothing."""
    return [Call(caller, effect) for caller, effect in program.calls_named(name) if caller.name != name]


def _may_be_of(program: Program, cls: ClassInfo, call: Call) -> bool:
    targets = program.callees(call.function, call.effect)
    return not targets or any(t.owner is not None and t.owner.is_kin_of(cls) for t in targets)


def _is_reached(program: Program, name: str) -> bool:
    """Is it called, or named in a string by which it may be called?"""
    return bool(_calls(program, name)) or any(
        argument.literal.strip("\"'") == name
        for function in program.functions
        for effect in function.effects
        for argument in effect.args
        if argument.literal
    )


def _stays_bound(call: Call, method: FunctionInfo, way_back: FunctionInfo) -> Report:
    function: FunctionInfo = call.function
    effect: Effect = call.effect
    return Report(
        place_of(function, effect),
        symbol_of(function),
        f"{function.name} calls {effect.callee}, and nothing calls {way_back.name}: what was bound stays",
        (
            Step(function.path, effect.line, f"{effect.callee} is called"),
            Step(method.path, method.facts.line, f"{method.facts.qualname} binds"),
            Step(way_back.path, way_back.facts.line, f"{way_back.facts.qualname} is the way back, and is never called"),
        ),
        confidence="medium",
        reason=f"the program has no call to {way_back.name}",
        subject=way_back.name,
        fix=f"call {way_back.name} when the work is done, also where it fails",
    )
