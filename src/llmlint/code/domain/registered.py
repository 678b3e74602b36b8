"""Entries that a method makes under a request's id, itself or through a helper of the same object."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.domain.state import attribute_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import does
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program


class Registration(msgspec.Struct, frozen=True):
    """`effect` is what the method does: the insertion, or the call of the helper that makes it in `holder`."""

    function: FunctionInfo
    effect: Effect
    attribute: str
    holder: FunctionInfo
    insertion: Effect


def registrations(program: Program, cls: ClassInfo) -> Iterator[Registration]:
    """Insertions into keyed containers of the object that some method of the class removes from again."""
    removed = {attribute_of(e.path) for f in cls.functions for e in f.doing("remove") if e.key}
    known: dict[str, Registration] = {}
    for function in cls.functions:
        for effect in function.doing("insert"):
            attribute = _entered(program, effect)
            if attribute in removed and attribute:
                made = Registration(function, effect, attribute, function, effect)
                known.setdefault(function.name, made)
                yield made
    waiting = list(known.items())
    while waiting:
        name, inner = waiting.pop(0)
        for function, call in program.calls_named(name):
            is_run = call.via == "await" or not inner.function.facts.is_async  # a task of its own runs later
            if function.owner is cls and call.callee == f"self.{name}" and function is not inner.holder and is_run:
                made = msgspec.structs.replace(inner, function=function, effect=call)
                yield made
                if function.name not in known:
                    known[function.name] = made
                    waiting.append((function.name, made))


def _entered(program: Program, effect: Effect) -> str:
    """The attribute in which the effect makes an entry under a request's id."""
    attribute = attribute_of(effect.path)
    is_entry = effect.op == "insert" and effect.path == f"self.{attribute}" and effect.via == "[]="
    return attribute if is_entry and program.vocabulary.is_request_id(effect.key) else ""


def forgets(program: Program, function: FunctionInfo, cls: ClassInfo, attribute: str) -> bool:
    """Does the function, with all it calls on the object, remove entries of this attribute?"""
    return any(d.attribute == attribute and d.effect.op in ("remove", "clear") for d in does(program, function, cls))
