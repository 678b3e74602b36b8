"""What callers hand to parameters that declare no type, told by all calls together.

Each round knows what the round before it could tell of the arguments: the classes that callers hand over directly, and
then those that they were handed themselves.
"""

from __future__ import annotations

from functools import cached_property
from typing import TypeAlias

from llmlint.code.facts.facts import Argument
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.dispatch import Dispatch
from llmlint.code.link.entities import Call, FunctionInfo, is_told_by_callers
from llmlint.code.link.objects import Instance, Value, joined
from llmlint.code.link.types import Types
from llmlint.code.link.typetext import literal_type

_Place: TypeAlias = tuple[FunctionInfo, str]
"""A parameter of a function, by name."""


class Passed:
    """`types` and `dispatch` are those of the round before."""

    def __init__(self, types: Types, dispatch: Dispatch) -> None:
        self._types = types
        self._dispatch = dispatch

    def value(self, function: FunctionInfo, name: str) -> Value:
        """What a parameter may be, as far as the calls of its function tell."""
        return self._handed.get((function, name))

    @cached_property
    def _handed(self) -> dict[_Place, Value]:
        handed: dict[_Place, dict[Value, None]] = {}
        wanted = {function for function in self._dispatch.calls.functions if _asks(function)}
        for call in self._calls_of(wanted):
            for target in self._dispatch.callees(*call):
                if target in wanted:
                    self._take(call, target, handed)
        return {place: joined(values) for place, values in handed.items()}

    def _calls_of(self, wanted: set[FunctionInfo]) -> list[Call]:
        """The calls that may run one of these functions, by the name that is called."""
        names = {name for function in wanted for name in self._dispatch.names_of(function)}
        named = self._dispatch.calls.by_name
        return [call for name in sorted(names) for call in named.get(name, ())]

    def _take(
        self, call: Call, target: FunctionInfo, handed: dict[tuple[FunctionInfo, str], dict[Value, None]]
    ) -> None:
        params = {param.name for param in target.params if is_told_by_callers(param)}
        for name, argument in arguments_by_parameter(target, call.effect).items():
            value = self._value_of(call.function, argument) if name in params else None
            if value is not None:
                handed.setdefault((target, name), {})[value] = None

    def _value_of(self, function: FunctionInfo, argument: Argument) -> Value:
        if argument.path:
            return self._types.value_of(function, argument.path)
        text = literal_type(argument.literal) if argument.literal and function.language == "python" else ""
        return Instance(None, text) if text else None


def _asks(function: FunctionInfo) -> bool:
    """Has it a parameter of which only its callers can tell what it is?"""
    return function.language == "python" and any(map(is_told_by_callers, function.params))
