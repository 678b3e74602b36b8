"""LLM907: an argument that is named as one parameter, lands on another, and leaves its own at the default."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmlint.code.domain.made import why_never_made
from llmlint.code.domain.never_entered import why_never_entered
from llmlint.code.domain.roots import is_trial
from llmlint.code.domain.signatures import Signature, misfit
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.takers import takers
from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.link.arguments import plain_name
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.objects import Method, One, unbound
from llmlint.code.link.program import Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_SHORTEST = 4
"""Shorter names are given to anything."""


class _Landing(NamedTuple):
    """The name of an argument, and the parameter that takes it, and that may have to be given something."""

    name: str
    param: str
    is_optional: bool


def beside_their_places(program: Program) -> Iterator[Report]:
    for name in sorted(program.asked.call_names):
        optional = _optional(program, name)
        for function, effect in program.asked.calls(name) if optional else ():
            if function.language == "python" and effect.op == "call" and not is_trial(function):
                if any(_name(argument) in optional for argument in effect.args if not argument.keyword):
                    yield from _check(program, function, effect)


def _optional(program: Program, name: str) -> set[str]:
    """Which parameters of what bears a name need not be given: a sieve before calls are resolved."""
    makers = (cls.method("__init__") for cls in program.classes_named(name))
    called = (*program.functions_named(name), *(made for made in makers if made is not None))
    return {param.name for one in called if one.language == "python" for param in one.params if param.default}


def _name(argument: Argument) -> str:
    return plain_name(argument, _SHORTEST)


def _check(program: Program, function: FunctionInfo, effect: Effect) -> Iterator[Report]:
    if any(argument.keyword in ("*", "**") for argument in effect.args):
        return
    known = {one: taken for one, taken in takers(program, function, effect).items() if not _only_raises(one)}
    if any(unbound(one) is function for one in known):
        return  # who calls himself gives what he made of it
    landings = [_landings(signature, effect) for signature in known.values()]
    if not landings or not all(landings) or any(misfit(signature, effect.args) for signature in known.values()):
        return
    shared = [landing for landing in landings[0] if all(landing in others for others in landings[1:])]
    if shared:
        yield _report(program, function, effect, next(iter(known)), shared[0])


def _only_raises(one: One) -> bool:
    """What every class below replaces; an override may take more than it."""
    return isinstance(one, Method) and one.function.facts.shape == "raise"


def _landings(signature: Signature, effect: Effect) -> Sequence[_Landing]:
    """Arguments on a parameter of another name, whose own is not given."""
    ordinary = [param for param in signature if param.kind == ""]
    positional = [argument for argument in effect.args if not argument.keyword]
    taken = list(zip(ordinary, positional, strict=False))
    given = {param.name for param, _ in taken} | {argument.keyword for argument in effect.args if argument.keyword}
    free = {param.name for param in signature if param.kind in ("", "only")} - given
    return [
        _Landing(name, param.name, bool(param.default))
        for param, argument in taken
        if (name := _name(argument)) in free
    ]


def _why_unsure(effect: Effect, landing: _Landing) -> str:
    own, other = set(words(landing.name)), set(words(landing.param))
    if own <= other or other <= own:
        return "one name says more of what the other is called"
    if not landing.is_optional:
        return f"{landing.param} has to be given something"
    return "it is all that is handed over" if sum(1 for a in effect.args if not a.keyword) == 1 else ""


def _report(program: Program, function: FunctionInfo, effect: Effect, taker: One, landing: _Landing) -> Report:
    defined = unbound(taker)
    assert isinstance(defined, FunctionInfo | ClassInfo)
    name, param, _ = landing
    never = why_never_made(program, function.owner) or why_never_entered(program, function)
    doubt = _why_unsure(effect, landing) or never
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{name} is given to {param}, and what is called {name} there keeps its default",
        (
            program.step(function, effect, f"hands over {name} where {param} is taken"),
            Step(defined.path, defined.facts.line, f"takes {param} there, and {name} at another place"),
        ),
        confidence="low" if doubt else "medium",
        reason="what is called has a parameter of the argument's name, and that is left at its default"
        + (f"; but {doubt}" if doubt else ""),
        subject=f"{effect.callee}:{param}:{name}",
        fix=f"give {name} by its name",
        mechanism="argument_beside_its_place.optional",
    )
