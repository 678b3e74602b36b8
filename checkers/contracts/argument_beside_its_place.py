"""LLM907: an argument that is named as one parameter, lands on another, and leaves its own at the default."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmlint.checkers.contracts.call_fits_no_definition import is_trial, takers
from llmlint.code.domain.made import is_never_made
from llmlint.code.domain.never_entered import why_never_entered
from llmlint.code.domain.signatures import Signature, misfit
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.objects import Method, One
from llmlint.code.link.program import Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_SHORTEST = 3
"""Shorter names are given to anything."""


class _Landing(NamedTuple):
    """The name of an argument, and the parameter that takes it, and that may have to be given something."""

    name: str
    param: str
    is_optional: bool


def beside_their_places(program: Program) -> Iterator[Report]:
    optional = _optional(program)
    for function in program.asked.functions:
        if function.language == "python" and not is_trial(function):
            for effect in function.effects:
                if effect.op == "call" and _may_land(effect, optional):
                    yield from _check(program, function, effect)


def _optional(program: Program) -> dict[str, set[str]]:
    """By the name of a function or class, which parameters need not be given: a sieve before calls are resolved."""
    known: dict[str, set[str]] = {}
    for function in program.functions:
        if function.language == "python" and (names := {p.name for p in function.params if p.default}):
            known.setdefault(function.name, set()).update(names)
            if function.owner is not None and function.name == "__init__":
                for cls in (function.owner, *function.owner.subclasses):
                    known.setdefault(cls.name, set()).update(names)
    return known


def _may_land(effect: Effect, optional: dict[str, set[str]]) -> bool:
    known = optional.get(effect.callee.rpartition(".")[2])
    return known is not None and any(name_of(a) in known for a in effect.args if not a.keyword)


def name_of(argument: Argument) -> str:
    """What an argument is called at the end of its path; "" for what has no name of its own."""
    name = (argument.written or argument.path).lstrip("~").rpartition(".")[2].strip("_")
    return name if name.isidentifier() and len(name) > _SHORTEST else ""


def _check(program: Program, function: FunctionInfo, effect: Effect) -> Iterator[Report]:
    if any(argument.keyword in ("*", "**") for argument in effect.args):
        return
    known = {one: taken for one, taken in takers(program, function, effect).items() if not _only_raises(one)}
    if any(one is function or (isinstance(one, Method) and one.function is function) for one in known):
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
        if (name := name_of(argument)) in free
    ]


def _why_unsure(effect: Effect, landing: _Landing) -> str:
    own, other = set(words(landing.name)), set(words(landing.param))
    if own <= other or other <= own:
        return "one name says more of what the other is called"
    if not landing.is_optional:
        return f"{landing.param} has to be given something"
    return "it is all that is handed over" if sum(1 for a in effect.args if not a.keyword) == 1 else ""


def _report(program: Program, function: FunctionInfo, effect: Effect, taker: One, landing: _Landing) -> Report:
    defined = taker.function if isinstance(taker, Method) else taker
    assert isinstance(defined, FunctionInfo | ClassInfo)
    name, param, _ = landing
    owner = function.owner
    never = f"no code makes a {owner.name}" if owner is not None and is_never_made(program, owner) else ""
    doubt = _why_unsure(effect, landing) or never or why_never_entered(program, function)
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
