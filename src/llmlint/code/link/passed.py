"""What callers hand to parameters that declare no type, told by all calls together.

Each round knows what the round before it could tell of the arguments: the classes that callers hand over directly, and
then those that they were handed themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.facts.facts import Argument
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.dispatch import Dispatch
from llmlint.code.link.entities import Call, FunctionInfo, is_told_by_callers
from llmlint.code.link.objects import Instance, Value, joined
from llmlint.code.link.types import Types
from llmlint.code.link.typetext import literal_type


class Passed:
    """`types` and `dispatch` are those of the round before."""

    def __init__(self, types: Types, dispatch: Dispatch) -> None:
        self._types = types
        self._dispatch = dispatch
        self._by_name: dict[str, dict[FunctionInfo, list[Call]]] = {}
        self._to: dict[FunctionInfo, dict[str, Value]] = {}

    def value(self, function: FunctionInfo, name: str) -> Value:
        """What a parameter may be, as far as the calls of its function tell."""
        known = self._to.get(function)
        if known is None:
            known = self._to[function] = self._handed_to(function) if _asks(function) else {}
        return known.get(name)

    def _handed_to(self, function: FunctionInfo) -> dict[str, Value]:
        handed: dict[str, dict[Value, None]] = {}
        params = {param.name for param in function.params if is_told_by_callers(param)}
        for caller, effect in self._calls_of(function):
            for name, argument in arguments_by_parameter(function, effect).items():
                value = self._value_of(caller, argument) if name in params else None
                if value is not None:
                    handed.setdefault(name, {})[value] = None
        return {name: joined(values) for name, values in handed.items()}

    def _calls_of(self, function: FunctionInfo) -> Iterator[Call]:
        begun_again = self._dispatch.begun_again_in(function)
        for called in sorted(self._dispatch.names_of(function)):
            if begun_again is not None and called == function.name:
                yield from (call for call in begun_again if function in self._dispatch.callees(*call))
            else:
                yield from self._calls_by_target(called).get(function, ())

    def _calls_by_target(self, called: str) -> dict[FunctionInfo, list[Call]]:
        """The calls by one name, by what they run: resolved only where somebody asks about a function of that name."""
        calls = self._by_name.get(called)
        if calls is None:
            calls = self._by_name[called] = {}
            for call in self._dispatch.calls.named(called, in_python=True):
                for target in self._dispatch.callees(*call):
                    if _asks(target):
                        calls.setdefault(target, []).append(call)
        return calls

    def _value_of(self, function: FunctionInfo, argument: Argument) -> Value:
        if argument.path:
            return self._types.value_of(function, argument.path)
        text = literal_type(argument.literal) if argument.literal and function.language == "python" else ""
        return Instance(None, text) if text else None


def _asks(function: FunctionInfo) -> bool:
    """Has it a parameter of which only its callers can tell what it is?"""
    return function.language == "python" and any(map(is_told_by_callers, function.params))
