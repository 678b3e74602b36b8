"""Every call of a program by the last part of its name: a sieve before calls are resolved.

Gists tell which functions call a name; their bodies are looked into when somebody asks for the calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property

from llmlint.code.facts.gists import name_called
from llmlint.code.link.entities import Call, FunctionInfo


class CallIndex:
    def __init__(self, functions: Sequence[FunctionInfo]) -> None:
        self.functions = functions
        self._named: dict[str, Sequence[Call]] = {}
        self._inside: dict[FunctionInfo, dict[str, list[Call]]] = {}

    @property
    def names(self) -> AbstractSet[str]:
        """The last part of every call there is, each once."""
        return self._calling.keys()

    def calling(self, name: str) -> Sequence[FunctionInfo]:
        """The functions that call something of this name."""
        return self._calling.get(name, ())

    def named(self, name: str) -> Sequence[Call]:
        """The calls of this name, in the program's order."""
        calls = self._named.get(name)
        if calls is None:
            calls = self._named[name] = self.inside(self.calling(name), name)
        return calls

    def inside(self, functions: Iterable[FunctionInfo], name: str) -> Sequence[Call]:
        """The calls of this name in some functions, in the order of these."""
        calling = (function for function in functions if name in function.facts.gist.calls)
        return tuple(call for function in calling for call in self._calls_in(function).get(name, ()))

    def _calls_in(self, function: FunctionInfo) -> dict[str, list[Call]]:
        calls = self._inside.get(function)
        if calls is None:
            calls = self._inside[function] = {}
            for effect in function.effects:
                callee = effect.path if effect.op == "call" else effect.callee
                if callee:
                    calls.setdefault(name_called(callee), []).append(Call(function, effect))
        return calls

    @cached_property
    def _calling(self) -> dict[str, list[FunctionInfo]]:
        calling: dict[str, list[FunctionInfo]] = {}
        for function in self.functions:
            for name in function.facts.gist.calls:
                calling.setdefault(name, []).append(function)
        return calling
