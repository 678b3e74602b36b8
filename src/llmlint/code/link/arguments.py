"""Which argument of a call each parameter takes."""

from __future__ import annotations

from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.link.entities import FunctionInfo


def arguments_by_parameter(function: FunctionInfo, effect: Effect) -> dict[str, Argument]:
    """The arguments of a call by the name of the parameter that takes each."""
    taken: dict[str, Argument] = {}
    params = function.params
    if (
        function.takes_self
        and not function.is_class_method
        and effect.callee.rpartition(".")[0].rpartition(".")[2][:1].isupper()
    ):
        # `Base.reset(self)` hands over the object as an ordinary argument.
        params = function.facts.params
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
