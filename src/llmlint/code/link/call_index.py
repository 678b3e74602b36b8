"""Every call of a program by the last part of its name: a sieve before calls are resolved.

Gists tell which functions call a name; their bodies are looked into when somebody asks for the calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property

from llmlint.code.facts.facts import Effect, Function
from llmlint.code.facts.gists import name_called
from llmlint.code.link.entities import Call, FunctionInfo
from llmlint.code.link.once import once


class CallIndex:
    def __init__(self, functions: Sequence[FunctionInfo]) -> None:
        self.functions = functions
        self._named: dict[tuple[str, bool | None], Sequence[Call]] = {}

    @property
    def names(self) -> AbstractSet[str]:
        """The last part of every call there is, each once."""
        return self._calling.keys()

    def calling(self, name: str, in_python: bool | None = None) -> Sequence[FunctionInfo]:
        """The functions that call something of this name: all, or those of Python, or those of the other languages."""
        calling = self._calling.get(name, ())
        return calling if in_python is None else [f for f in calling if (f.language == "python") == in_python]

    def named(self, name: str, in_python: bool | None = None) -> Sequence[Call]:
        """The calls of this name in these functions, in the program's order."""
        calls = self._named.get((name, in_python))
        if calls is None:
            calls = self._named[name, in_python] = self.inside(self.calling(name, in_python), name)
        return calls

    def inside(self, functions: Iterable[FunctionInfo], name: str) -> Sequence[Call]:
        """The calls of this name in some functions, in the order of these."""
        calling = (function for function in functions if name in function.facts.gist.calls)
        return tuple(Call(f, effect) for f in calling for effect in once(f.settled, _calls_in).get(name, ()))

    @cached_property
    def _calling(self) -> dict[str, list[FunctionInfo]]:
        calling: dict[str, list[FunctionInfo]] = {}
        for function in self.functions:
            for name in function.facts.gist.calls:
                calling.setdefault(name, []).append(function)
        return calling


def _calls_in(function: Function) -> dict[str, list[Effect]]:
    """The calls of a function by the last part of their names."""
    calls: dict[str, list[Effect]] = {}
    for effect in function.effects:
        if callee := effect.callee:
            calls.setdefault(name_called(callee), []).append(effect)
    return calls
