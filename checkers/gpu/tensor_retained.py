"""LLM306: memory of the device that nobody needs any more, and that something still holds.

Two mechanisms. A flag says that what an object made is no longer valid, and the tensors stay in its attributes until
they are made anew. And a part of a tensor is kept as a view, which keeps the whole, where a copy is kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import is_setup, symbol_of
from llmlint.code.domain.tensors import DEVICE, bound_memory
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around, stands_in
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report
from llmlint.phrases import last_name
from llmlint.plain import counted

_NOT_MEANT = frozenset({"except", "loop"})
_DEEPEST = 3


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        if cls.language == "python":
            yield from _left_by_flag(program, cls)
    yield from _views_kept(program)


# ---------------------------------------------------------------- a flag says that they are no longer valid


def _left_by_flag(program: Program, cls: ClassInfo) -> Iterator[Report]:
    for given_up in cls.functions:
        for effect in given_up.effects:
            if not _sets(effect, "False") or is_setup(given_up) or stands_in(given_up, effect, _NOT_MEANT):
                continue
            flag = last_name(effect.path)
            made = _made_under(program, cls, flag)
            if made and not _sees_to(program, given_up, made):
                yield _flag_report(program, given_up, effect, flag, made)


def _sets(effect: Effect, value: str, flag: str = "") -> bool:
    is_own = effect.op == "assign" and effect.path.startswith("self.") and effect.path.count(".") == 1
    return is_own and effect.value == "constant" and effect.source == value and flag in ("", last_name(effect.path))


def _made_under(program: Program, cls: ClassInfo, flag: str) -> list[Call]:
    """The tensors of the device that the object makes where it finds the flag down and puts it up, each time anew."""
    found: list[Call] = []
    for function in cls.functions:
        up = next((e for e in function.effects if _sets(e, "True", flag)), None)
        if up is None or not any(f"not self.{flag}" in region.text for region in around(function, up)):
            continue
        inside = [e for e in function.effects if e.region == up.region]
        helpers = {h for e in inside if e.callee for h in program.callees(function, e, overrides=True)}
        for maker, effects in ((function, inside), *((h, list(h.effects)) for h in helpers if _is_kin(h, cls))):
            found += [Call(maker, e) for e in effects if _makes_tensor(program, maker, e)]
    return sorted(found, key=lambda call: (*call.function.order, call.effect.line))


def _is_kin(function: FunctionInfo, cls: ClassInfo) -> bool:
    return function.owner is not None and function.owner.is_kin_of(cls)


def _makes_tensor(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    if effect.op != "assign" or not effect.path.startswith("self.") or effect.path.count(".") != 1:
        return False
    return bound_memory(program, function, function.effects.index(effect)) == {DEVICE}


def _sees_to(program: Program, given_up: FunctionInfo, made: list[Call]) -> bool:
    """Does it, or anybody anywhere, let go of one of them? Then somebody has thought of it."""
    for maker, effect in made:
        owner, name = maker.owner, last_name(effect.path)
        touches = program.touches(owner, name) if owner is not None else ()
        if any(_lets_go(t.effect) and not is_setup(t.function) for t in touches):
            return True
    called = [h for e in given_up.effects if e.callee for h in program.callees(given_up, e, overrides=True)]
    deletes = (e for function in (given_up, *called) for e in function.effects if e.callee in ("delattr", "setattr"))
    return any(maker in called for maker, _ in made) or any(True for _ in deletes)


def _lets_go(effect: Effect) -> bool:
    return effect.op in ("delete", "clear", "remove") or (effect.op == "assign" and effect.value == "none")


def _flag_report(program: Program, function: FunctionInfo, effect: Effect, flag: str, made: list[Call]) -> Report:
    names = sorted({last_name(call.effect.path) for call in made})
    told = " and ".join(f"self.{name}" for name in names[:2]) + (
        f" and {len(names) - 2} more" if len(names) > 2 else ""
    )
    steps = [program.step(*call, f"{call.effect.path} is made on the device, under the flag") for call in made[:3]]
    steps.append(program.step(function, effect, "the flag goes down, and the tensors stay until they are made anew"))
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{function.name} says that {told} is no longer valid, and keeps the memory",
        tuple(steps),
        confidence="medium",
        reason="nothing sets any of them to None or deletes it, and all are made anew with the flag",
        subject=flag,
        fix="set them to None where the flag goes down",
        mechanism="tensor_retained.left_by_flag",
    )


# ---------------------------------------------------------------- a part keeps the whole


def _views_kept(program: Program) -> Iterator[Report]:
    """An attribute gets a copy of a part wherever else it gets one, and here a view."""
    copied_names = _copied_names(program)
    for function in program.asked.functions if copied_names else ():
        if function.language != "python" or function.owner is None:
            continue
        for effect in function.effects:
            kept = last_name(effect.path)
            if effect.op == "assign" and "." in effect.path and kept in copied_names:
                copied = _copied_elsewhere(program, function, kept)
                if copied and _is_view(program, function, effect):
                    yield _view_report(program, function, effect, copied)


def _copied_names(program: Program) -> frozenset[str]:
    """The attributes that are given a clone anywhere: a sieve."""
    callers = {call.function for call in program.calls_named("clone") if call.function.language == "python"}
    return frozenset(last_name(e.path) for function in callers for e in function.effects if _gets_copy(e))


def _gets_copy(effect: Effect) -> bool:
    return effect.op == "assign" and last_name(effect.source) == "clone"


def _is_view(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Is it a part of something, as it is or under a name, or what a call hands out of something that it keeps?"""
    if effect.value != "path":
        return False
    if effect.source.endswith("[]"):
        # what the object keeps for good stays whole in any case, and what is only made shorter was kept before
        is_own = effect.source.startswith("self.") or effect.source == f"{effect.path}[]"
        return effect.source.count("[]") == 1 and not is_own
    bound = [e for e in function.effects if e.op == "bind" and e.path == effect.source]
    calls = [e for e in function.effects if e.callee and e.result == effect.source] if bound else []
    return any(_gives_view(program, callee, _DEEPEST) for e in calls for callee in program.callees(function, e))


def _gives_view(program: Program, function: FunctionInfo, depth: int) -> bool:
    """Does it return a part of an attribute that it goes on with?"""
    given = {e.source for e in function.effects if e.op == "return" and e.value == "path" and e.source.isidentifier()}
    for bound in (e for e in function.effects if e.op == "bind" and e.path in given):
        if bound.value == "path" and bound.source.startswith("self.") and bound.source.endswith("[]"):
            return True
        calls = (e for e in function.effects if e.callee == bound.source and e.result == bound.path)
        if depth and any(_gives_view(program, c, depth - 1) for e in calls for c in program.callees(function, e)):
            return True
    return False


def _copied_elsewhere(program: Program, function: FunctionInfo, name: str) -> list[Call]:
    """Where functions of the same object give the attribute a clone."""
    assert function.owner is not None
    kin = dict.fromkeys((function.owner, *function.owner.mro))
    return [
        Call(other, effect)
        for other in (f for cls in kin for f in program.functions_of(cls))
        for effect in other.effects
        if last_name(effect.path) == name and _gets_copy(effect)
    ]


def _view_report(program: Program, function: FunctionInfo, effect: Effect, copied: list[Call]) -> Report:
    kept = last_name(effect.path)
    steps = [program.step(*call, f"{kept} gets a copy here") for call in copied[:2]]
    steps.append(program.step(function, effect, f"and a part of {effect.source.removesuffix('[]')} here"))
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{kept} gets a view, which keeps the whole of {effect.source.removesuffix('[]')}: elsewhere it gets a copy",
        tuple(steps),
        confidence="medium",
        reason=f"{counted(len(copied), 'other place')} of the same object copies it",
        subject=kept,
        fix="keep a copy of the part (`.clone()`)",
        mechanism="tensor_retained.view_kept",
    )
