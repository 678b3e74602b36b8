"""Every call of a program by the last part of its name: a sieve before calls are resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from llmlint.code.link.entities import Call, FunctionInfo


class CallIndex:
    def __init__(self, functions: Sequence[FunctionInfo]) -> None:
        self.functions = functions

    @cached_property
    def by_name(self) -> Mapping[str, Sequence[Call]]:
        calls: dict[str, list[Call]] = {}
        for function in self.functions:
            for effect in function.effects:
                callee = effect.path if effect.op == "call" else effect.callee
                if callee:
                    calls.setdefault(name_called(callee), []).append(Call(function, effect))
        return calls


def name_called(callee: str) -> str:
    return callee.rpartition(".")[2].rpartition(":")[2]
