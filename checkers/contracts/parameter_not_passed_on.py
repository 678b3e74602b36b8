"""LLM908: a function that hands its parameters on by their names, and leaves one out that the called function takes."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.signatures import Signature, signature_of
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.objects import One
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program, arguments_by_parameter, root_of
from llmlint.findings import Report

_FEWEST = 2
"""So many others are handed on under their own names."""


_IDLE = ("pass", "constant", "raise", "log", "idle")


def check_program(program: Program) -> Iterator[Report]:
    for function in program.functions:
        if function.language == "python" and len(function.params) > _FEWEST:
            for name in _unread(program, function) if function.facts.shape not in _IDLE else ():
                yield from _check(program, function, name)


def _unread(program: Program, function: FunctionInfo) -> Iterator[str]:
    names = [p.name for p in function.params if p.kind in ("", "only") and not p.name.startswith("_")]
    if not names:
        return
    used = _used_in(program, function)
    if used.isdisjoint(("locals", "vars")):
        yield from (name for name in names if name not in used)


def _used_in(program: Program, function: FunctionInfo) -> set[str]:
    """The first names of all that it and the functions in it read or do something to."""
    around = (function, *(f for f in program.functions_in(function.path) if _is_within(f, function)))
    read = {root_of(path) for f in around for path, _ in f.facts.reads}
    done = [effect for f in around for effect in f.facts.effects]
    return read | {root_of(path) for effect in done for path in (effect.path, effect.key, *effect.reads)}


def _is_within(inner: FunctionInfo, outer: FunctionInfo) -> bool:
    return inner.facts.qualname.startswith(f"{outer.facts.qualname}.")


def _check(program: Program, function: FunctionInfo, name: str) -> Iterator[Report]:
    others = {p.name for p in function.params} - {name}
    for effect in function.facts.effects:
        handed = [a for a in effect.args if a.path in others and a.keyword in ("", a.path)]
        if effect.op == "call" and len(handed) >= _FEWEST and not _spreads(effect):
            meanings = program.meanings(function, effect.callee)
            if meanings and all(_wants(program, meaning, effect, name) for meaning in meanings):
                yield _report(program, function, effect, name, len(handed))
                return


def _spreads(effect: Effect) -> bool:
    return any(argument.keyword in ("*", "**") for argument in effect.args)


def _wants(program: Program, meaning: One, effect: Effect, name: str) -> bool:
    """Does what is called take the parameter, use it, and not get it?"""
    signature = signature_of(meaning)
    if signature is None or not _lacks(signature, effect, name):
        return False
    called = meaning.method("__init__") if isinstance(meaning, ClassInfo) else getattr(meaning, "function", meaning)
    return not isinstance(called, FunctionInfo) or name in _used_in(program, called)


def _lacks(signature: Signature, effect: Effect, name: str) -> bool:
    """Does it take a parameter of this name, and is not given it?"""
    ordinary = [p.name for p in signature if p.kind == ""]
    positional = sum(1 for argument in effect.args if not argument.keyword)
    given = {*ordinary[:positional], *(a.keyword for a in effect.args)}
    return name not in given and any(p.name == name and p.kind in ("", "only") for p in signature)


def _doubts(program: Program, function: FunctionInfo, name: str) -> str:
    """Why the parameter may only be there for its signature: others of the same name have it, or nobody gives it."""
    if function.name != "__init__" and function.owner is not None:
        same = [cls for cls in program.classes if cls is not function.owner and function.name in cls.methods]
        if any(name in {p.name for p in cls.methods[function.name].params} for cls in same):
            return "other classes have a method with this signature, which may be why it takes it"
    calls = program.callers(function)
    if calls and not any(
        name in arguments_by_parameter(function, call.effect) or _spreads(call.effect) for call in calls
    ):
        return "no caller gives it"
    return ""


def _report(program: Program, function: FunctionInfo, effect: Effect, name: str, handed: int) -> Report:
    doubts = _doubts(program, function, name)
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{name} is taken and never used, and {effect.callee} here would take it",
        (
            program.step(function, function.facts.line, f"takes {name}, and nothing in it reads that"),
            program.step(function, effect, f"hands on {handed} of its parameters under their names, and not {name}"),
        ),
        confidence="low" if doubts else "medium",
        reason=doubts or f"{handed} other parameters are handed on, and this one has a parameter of its name to go to",
        subject=f"{name}:{effect.callee}",
        fix=f"hand {name} on, or take it no more",
    )
