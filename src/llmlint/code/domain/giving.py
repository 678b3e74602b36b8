"""What gives back: a call or change by which what something held returns to where it came from.

It lowers a count of what it is given, puts it back into a pool, or is called what a protocol's leaving is called.
"""

from __future__ import annotations

from functools import cached_property

from llmlint.code.domain.counting import counts_of
from llmlint.code.domain.pools import Pool, pools_of, told_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.program import FunctionInfo, Program

_HELPERS = 2


class Giving:
    """What in one program gives things back, and how: the path of the pool, or the name of what is called."""

    def __init__(self, program: Program) -> None:
        self._program = program

    @cached_property
    def pools(self) -> list[Pool]:
        return pools_of(self._program)

    @cached_property
    def _givers(self) -> dict[FunctionInfo, frozenset[str]]:
        """The functions that put what these parameters are given into a pool, and those that pass it on to them."""
        found = {function: names for pool in self.pools for function, names in pool.givers.items() if names}
        waiting = [(function, _HELPERS) for function in found]
        while waiting:
            giver, hands = waiting.pop()
            for caller, call in self._program.callers(giver):
                told = self._told_by(giver, found[giver], call) & {param.name for param in caller.params}
                if told and caller not in found and hands:
                    found[caller] = frozenset(told)
                    waiting.append((caller, hands - 1))
        return found

    @staticmethod
    def _told_by(giver: FunctionInfo, names: frozenset[str], call: Effect) -> set[str]:
        handed = (argument for name, argument in arguments_by_parameter(giver, call).items() if name in names)
        return {path.partition(".")[0].partition("[")[0] for a in handed for path in (a.path, *a.reads) if path}

    def back(self, function: FunctionInfo, effect: Effect, thing: str) -> str:
        """How the effect gives back the thing, or a part of it; "" where it does not."""
        if effect.op == "insert" and any(pool.path == effect.path for pool in self._pools_of(function)):
            return effect.path if _is_told(effect, thing) else ""
        if not effect.callee:
            return ""
        name = effect.callee.rpartition(".")[2]
        if _is_part(effect.callee.rpartition(".")[0], thing):
            return name if self._program.vocabulary.left_by(effect.callee) else ""
        if not any(_is_part(path, thing) for a in effect.args for path in (a.path, a.written, *a.reads)):
            return ""
        callees = self._program.callees(function, effect)
        lowering = counts_of(self._program, function.language == "python").lowering
        if any(callee in lowering or callee in self._givers for callee in callees):
            return name
        return name if self._program.vocabulary.left_by(effect.callee) else ""

    def _pools_of(self, function: FunctionInfo) -> list[Pool]:
        owner = function.owner
        return [pool for pool in self.pools if owner is not None and pool.cls in owner.mro]


def _is_told(effect: Effect, thing: str) -> bool:
    return any(_is_part(path, thing) for path in told_of(effect))


def _is_part(path: str, thing: str) -> bool:
    return path == thing or path.startswith((f"{thing}.", f"{thing}["))
