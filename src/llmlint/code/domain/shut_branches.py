"""Branches that no code of the program enters: a parameter that every caller leaves at one constant, or an attribute
that only ever gets one, decides against them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from llmlint.code.domain.roots import roots_of
from llmlint.code.facts.facts import Test
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.program import Program

_HIGHEST = 3
"""So many callers up a parameter is followed that is only handed on."""
_HANDS_ON = frozenset("staticmethod classmethod".split())
_TRIES = ("test", "benchmark")
_SETS_BY_NAME = frozenset({"setattr", "__setattr__", "vars", "exec"})

_Values = frozenset[Any] | None
"""What something may be; None where nobody can tell."""


class ShutBranches:
    """`is_run` says of a function whether code of the program may call it, `is_told` of a name whether anything speaks
    of it in a string or gives it as a keyword."""

    def __init__(
        self, program: Program, is_run: Callable[[FunctionInfo], bool], is_told: Callable[[str], bool]
    ) -> None:
        self._program = program
        self._is_run = is_run
        self._is_told = is_told

    def why(self, function: FunctionInfo, line: int) -> str:
        """Why control never comes to a line of the function; "" where it may."""
        for region in function.regions if function.language == "python" else ():
            if region.test is None or not region.line < line <= region.end_line or region.kind not in ("if", "else"):
                continue
            if self._truths(function, region.test) == frozenset({region.kind == "else"}):
                return f"no code here makes it that {'not ' * (region.kind == 'else')}{region.text}"
        return ""

    def _truths(self, function: FunctionInfo, test: Test) -> frozenset[bool] | None:
        """What a test may come to; None where nobody can tell."""
        if test.op in ("and", "or"):
            return self._joined(function, test)
        if test.op == "not":
            inner = self._truths(function, test.args[0])
            return None if inner is None else frozenset(not truth for truth in inner)
        if test.op in ("==", "!=", "is", "is not"):
            left, right = (self._values(function, side) for side in test.args)
            if left is None or right is None:
                return None
            return frozenset((one == other) is (test.op in ("==", "is")) for one in left for other in right)
        values = self._values(function, test)
        return None if values is None else frozenset(map(bool, values))

    def _joined(self, function: FunctionInfo, test: Test) -> frozenset[bool] | None:
        decides = frozenset({test.op == "or"})
        parts = [self._truths(function, part) for part in test.args]
        if decides in parts:
            return decides
        return None if None in parts else frozenset[bool]().union(*filter(None, parts))

    def _values(self, function: FunctionInfo, side: Test) -> _Values:
        if side.op == "none":
            return frozenset({None})
        if side.op == "constant":
            return _constant(side.path)
        if side.op != "path" or "[" in side.path or "(" in side.path:
            return None
        if "." in side.path:
            return self._of_attribute(side.path.rpartition(".")[2])
        return self._of_parameter(function, side.path, _HIGHEST)

    def _of_parameter(self, function: FunctionInfo, name: str, steps: int) -> _Values:
        """What all callers give for it, or leave it at, where all are seen."""
        given = next((param for param in function.params if param.name == name and param.kind in ("", "only")), None)
        if given is None or not given.default or not steps or self._is_set(function, name):
            return None
        if function.name.startswith("__") or not _HANDS_ON.issuperset(function.facts.decorators):
            return None
        if self._is_handed_out(function):
            return None
        kind = roots_of(self._program).kind
        calls = [call for call in self._program.calls_named(function.name) if kind(call.function.path) not in _TRIES]
        found: set[Any] = set()
        for call in calls:
            if any(argument.keyword in ("*", "**") for argument in call.effect.args):
                return None
            argument = arguments_by_parameter(function, call.effect).get(name)
            if argument is None:
                values = _constant(given.default)
            elif argument.literal:
                values = _constant(argument.literal)
            else:
                values = self._of_parameter(call.function, argument.path, steps - 1)
            if values is None:
                return None
            found |= values
        return frozenset(found) if found else None

    def _is_set(self, function: FunctionInfo, name: str) -> bool:
        return any(effect.path == name and effect.op in ("bind", "delete") for effect in function.effects)

    def _is_handed_out(self, function: FunctionInfo) -> bool:
        """Is it anywhere spoken of as a value, so that calls of it may bear another name?"""
        name = function.name
        for other in self._program.functions:
            if name in other.facts.gist.spoken:
                return True
            if name in other.facts.gist.reads and any(path.rpartition(".")[2] == name for path, _ in other.reads):
                return True
        return False

    def _of_attribute(self, name: str) -> _Values:
        """What all who set an attribute of this name give it, of whatever object."""
        found: set[Any] = set()
        for function, effect, path in self._program.changes_named(name):
            if not self._is_run(function):
                continue
            values = _constant(effect.source) if effect.op == "assign" and not effect.via else None
            if effect.value == "none":
                values = frozenset({None})
            is_set_by_name = function.owner is not None and _may_set_by_name(function.owner.functions)
            if values is None or path.endswith("]") or function.owner is None or is_set_by_name:
                return None
            if any(name in (field.name for field in cls.facts.fields) for cls in function.owner.mro):
                return None
            found |= values
        return frozenset(found) if found and not self._is_told(name) else None


def _may_set_by_name(functions: Iterable[FunctionInfo]) -> bool:
    return any(not _SETS_BY_NAME.isdisjoint(function.facts.gist.calls) for function in functions)


def _constant(text: str) -> _Values:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return frozenset({value}) if isinstance(value, str | int | float | bool | None) else None
