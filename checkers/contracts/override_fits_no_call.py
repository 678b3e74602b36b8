"""LLM913: a method that a class puts in the place of an inherited one, and that cannot take what inherited code gives.

`generate` of a class and the `chat` that its base calls it from drifted apart: whoever calls `chat` on an object of the
class gets a TypeError, or an argument lands on another parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.answers import is_answered_at
from llmlint.code.domain.inherited_calls import InheritedCalls, OwnCall
from llmlint.code.domain.made import why_never_made
from llmlint.code.domain.signatures import Signature, misfit, signature_of
from llmlint.code.domain.state import head_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.exits import around, chain
from llmlint.code.link.objects import Method
from llmlint.code.link.program import Call, Program
from llmlint.findings import Report, Step

_ASKING = ("isinstance", "hasattr", "signature", "type(")
_MOST_STEPS = 3


class _Broken(NamedTuple):
    call: OwnCall
    why: str
    is_called: bool
    shut: str
    """Why control never comes to the call, "" where it may."""


def check_program(program: Program) -> Iterator[Report]:
    inherited = InheritedCalls(program)
    for method in program.asked.functions:
        cls = method.owner
        if cls is None or not _is_override(cls, method):
            continue
        taken = signature_of(Method(method, cls))
        if taken is None or _does_nothing(method):
            continue
        broken = list(_broken(program, inherited, cls, method, taken))
        if broken:
            yield _report(program, cls, method, broken)


def _is_override(cls: ClassInfo, method: FunctionInfo) -> bool:
    """The only definition of a name in its class, which has bases to inherit the callers from."""
    if method.language != "python" or not method.is_method or method.is_property or method.name.startswith("__"):
        return False
    return len(cls.mro) > 1 and sum(1 for f in cls.functions if f.is_method and f.name == method.name) == 1


def _does_nothing(method: FunctionInfo) -> bool:
    """Whoever replaces a method by one that only passes, raises or gives an error back, lets nobody call it."""
    returns = method.doing("return")
    is_refusal = len(method.effects) <= len(returns) + 1 and any("NotImplemented" in e.source for e in returns)
    return method.facts.shape in ("pass", "raise") or is_refusal


def _broken(
    program: Program, inherited: InheritedCalls, cls: ClassInfo, method: FunctionInfo, taken: Signature
) -> Iterator[_Broken]:
    for call in inherited.of(cls, method.name):
        why = misfit(taken, call.effect.args) or _lands_elsewhere(taken, call.effect)
        if not why or _is_asked_first(call, method.name) or not _fits_somebody(call, method):
            continue
        if not _replaced_takes(cls, method, call) or _takes_the_other_way(taken, call):
            continue
        reached = inherited.reach(call.function, cls)
        if reached:
            shut = inherited.why_shut(Call(call.function, call.effect), cls)
            yield _Broken(call, why, reached == "called", shut)


def _lands_elsewhere(taken: Signature, effect: Effect) -> str:
    """Why a positional argument, called like a parameter, is bound to another one; "" where none is."""
    ordinary = [param.name for param in taken if param.kind == ""]
    for at, argument in enumerate(effect.args):
        if argument.keyword or at >= len(ordinary):
            return ""
        if argument.path != ordinary[at] and argument.path in ordinary and ordinary[at] in _names_given(effect):
            return f"takes {argument.path} as {ordinary[at]}"
    return ""


def _names_given(effect: Effect) -> set[str]:
    return {argument.path for argument in effect.args if not argument.keyword}


def _is_asked_first(call: OwnCall, name: str) -> bool:
    """Does the caller ask before what kind of object it is, or what its method takes, or answer for the error?"""
    line = call.effect.line
    before = [region.text for region in call.function.regions if region.line <= line]
    handed_over = re.compile(rf"[(,] ?self\.{name} ?[,)]")  # `if takes_one(self.forward):`
    asked = any(word in text for text in before for word in _ASKING) or any(map(handed_over.search, before))
    return asked or is_answered_at(call.function, line, "TypeError")


def _fits_somebody(call: OwnCall, method: FunctionInfo) -> bool:
    """Does another class of the family take the call as it stands? Otherwise it is the call that is wrong."""
    kin = (*call.owner.mro, *call.owner.subclasses)
    others = (cls.methods[method.name] for cls in kin if method.name in cls.methods)
    signatures = (signature_of(Method(o, o.owner)) for o in others if o is not method and o.owner is not None)
    fitting = (s for s in signatures if s is not None)
    return any(not misfit(s, call.effect.args) and not _lands_elsewhere(s, call.effect) for s in fitting)


def _replaced_takes(cls: ClassInfo, method: FunctionInfo, call: OwnCall) -> bool:
    """Does the method that is replaced take the call? Else it is no fault of the one in its place."""
    replaced = next((above.methods[method.name] for above in cls.mro[1:] if method.name in above.methods), None)
    if replaced is None or replaced.owner is None or replaced.is_abstract or _does_nothing(replaced):
        return True
    taken = signature_of(Method(replaced, replaced.owner))
    return taken is None or not misfit(taken, call.effect.args)


def _takes_the_other_way(taken: Signature, call: OwnCall) -> bool:
    """Does the caller call it in another branch too, in a way that it takes?"""
    if not any(region.kind in ("if", "else") for region in around(call.function, call.effect)):
        return False
    others = (e for e in call.function.doing("call") if e is not call.effect and e.callee == call.effect.callee)
    apart = (e for e in others if {e.region, call.effect.region}.isdisjoint(_shared(call.function, e, call.effect)))
    return any(not misfit(taken, e.args) for e in apart)


def _shared(function: FunctionInfo, one: Effect, other: Effect) -> set[int]:
    """The regions that both stand in."""
    return set(chain(function, one.region)) & set(chain(function, other.region))


def _report(program: Program, cls: ClassInfo, method: FunctionInfo, broken: list[_Broken]) -> Report:
    first = min(broken, key=lambda one: (bool(one.shut), not one.is_called))
    caller = first.call.function.name
    why = why_never_made(program, cls) or first.shut
    doubt = f"; but {why}" if why else ""
    unsure = "" if first.is_called else f"; no code here calls {caller}"
    steps = [Step(one.call.function.path, one.call.effect.line, _said(one)) for one in (first, *broken)]
    way = "which it inherits" if cls.method(caller) is first.call.function else f"which its own {caller} calls"
    return Report(
        head_of(method),
        symbol_of(method),
        f"{cls.name}.{method.name} {first.why}; {first.call.owner.name}.{caller}, {way}, calls it so",
        tuple(dict.fromkeys(steps))[:_MOST_STEPS],
        confidence="low" if doubt else "medium" if unsure else "high",
        reason=f"an object of {cls.name} runs it, and others of its kind take what it hands over{doubt}{unsure}",
        subject=f"{cls.name}.{method.name}:{first.why}",
        origin=f"{cls.name}.{method.name}",
        mechanism=f"override_fits_no_call.{'called' if first.is_called else 'open'}",
        fix=f"take in {method.name} what the inherited methods hand over, or replace {caller} as well",
    )


def _said(broken: _Broken) -> str:
    return f"{broken.call.owner.name}.{broken.call.function.name} calls it here: it {broken.why}"
