"""LLM102, within one function: an entry is made, taken out again on some ways, and a raise leaves it.

That the function itself takes the entry out, by hand or through a method of the object, says that the entry is its own
affair: it does not stay for somebody else. An entry that is made for others is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.entries import entered
from llmlint.code.domain.registered import forgets
from llmlint.code.domain.state import is_keyed, is_setup, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.leaks import Question, leak
from llmlint.code.link.exits import chain, regions_around, stands_in
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program, root_of
from llmlint.code.link.raising import may_raise
from llmlint.findings import Report


def left_by_raise(program: Program, cls: ClassInfo) -> Iterator[Report]:
    for function in cls.functions:
        if function in cls.building or is_setup(function) or not any(e.op == "raise" for e in function.effects):
            continue
        given = {param.name for param in function.params}
        for at, effect in enumerate(function.effects):
            attribute = entered(effect)
            known = cls.attributes.get(attribute) if attribute else None
            if known is None or not is_keyed(known) or root_of(effect.key) not in given:
                continue
            found = _left(program, cls, function, at, attribute)
            if found is not None:
                yield _report(program, function, effect, attribute, *found)
                break


def _left(
    program: Program, cls: ClassInfo, function: FunctionInfo, at: int, attribute: str
) -> tuple[Effect, Effect] | None:
    """The raise that leaves the entry, and where another way takes it out."""
    effects = function.effects
    settled = [n for n in range(at + 1, len(effects)) if _takes_out(program, cls, function, effects[n], attribute)]
    own = [n for n in settled if not stands_in(function, effects[n], {"except"})]
    if not own or stands_in(function, effects[at], {"lambda", "except"}):
        return None
    nothing: frozenset[str] = frozenset()
    asked = Question(function, at, nothing, nothing, settled, settled, ways=("raise",))
    found = leak(asked) or leak(asked._replace(throws=lambda effect: may_raise(program, function, effect)))
    if found is None or found.left_by is None or (found.left_by.op == "raise" and not found.left_by.path):
        return None
    if any(_is_in_finally_of(function, effects[n], found.left_by) for n in own):
        return None
    return None if _callers_take_out(program, cls, function, attribute) else (found.left_by, effects[own[0]])


def _is_in_finally_of(function: FunctionInfo, taking: Effect, left_by: Effect) -> bool:
    """A `finally` around the raise takes it out, unless it fails itself before it does: nobody mends that."""
    left = {n for at in chain(function, left_by.region) for n in (at, function.regions[at].first)}
    return any(function.regions[at].first in left for at in regions_around(function, taking, "finally"))


def _takes_out(program: Program, cls: ClassInfo, function: FunctionInfo, effect: Effect, attribute: str) -> bool:
    if effect.op in ("remove", "clear"):
        return effect.path == f"self.{attribute}"
    return bool(effect.callee) and any(
        callee.owner is not None and callee.owner in cls.mro and forgets(program, callee, cls, attribute)
        for callee in program.callees(function, effect)
    )


def _callers_take_out(program: Program, cls: ClassInfo, function: FunctionInfo, attribute: str) -> bool:
    """Does a handler of a caller see to it?"""
    return any(
        stands_in(caller, effect, {"except", "finally"}) and _takes_out(program, cls, caller, effect, attribute)
        for caller, _ in program.callers(function)
        for effect in caller.effects
    )


def _report(
    program: Program, function: FunctionInfo, made: Effect, attribute: str, left: Effect, taken: Effect
) -> Report:
    way = "raises" if left.op == "raise" else "may raise"
    return Report(
        program.place(function, left),
        symbol_of(function),
        f"{function.name} {way} here and leaves the entry of self.{attribute} that it has made",
        (
            program.step(function, made, f"the entry is made under {made.key}"),
            program.step(function, taken, "another way takes it out again"),
            program.step(function, left, "this one leaves it"),
        ),
        confidence="medium" if left.op == "raise" else "low",
        reason="the function takes the entry out on other ways, and no handler, here or of a caller, does on this",
        subject=f"raised:{attribute}",
        fix="take the entry out in a finally",
    )
