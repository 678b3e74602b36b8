"""Which argument of a call each parameter takes."""

from __future__ import annotations

from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.link.entities import FunctionInfo


def arguments_by_parameter(function: FunctionInfo, effect: Effect) -> dict[str, Argument]:
    """The arguments of a call by the name of the parameter that takes each."""
    taken: dict[str, Argument] = {}
    params = function.facts.params if is_asked_of_its_class(function, effect) else function.params
    positional = [p for p in params if p.kind == ""]
    at = 0
    for argument in effect.args:
        if argument.keyword in ("*", "**"):
            break
        if argument.keyword:
            taken[argument.keyword] = argument
        elif at < len(positional):
            taken[positional[at].name] = argument
            at += 1
    return taken


def is_asked_of_its_class(function: FunctionInfo, effect: Effect) -> bool:
    """`Base.reset(self)` hands over the object as an ordinary argument; a constant `BASE` and `Base()` are objects."""
    if not function.takes_self or function.is_class_method or function.owner is None:
        return False
    name = effect.callee.rpartition(".")[0].rpartition(".")[2]
    is_known = any(cls.name == name for cls in (function.owner, *function.owner.subclasses))
    return is_known or (name.isidentifier() and name[:1].isupper() and not name.isupper())


def name_of(argument: Argument) -> str:
    """What an argument is called at the end of its path, as it stands in the source."""
    return (argument.written or argument.path).lstrip("~").rpartition(".")[2]


def plain_name(argument: Argument, shortest: int) -> str:
    """The same of what is a name and no more; "" for shorter ones, which are given to anything."""
    name = name_of(argument).strip("_")
    return name if name.isidentifier() and len(name) >= shortest else ""
