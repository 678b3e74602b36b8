"""Can a call lead to an effect of some kind: the shortest chain from a function to one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from weakref import WeakKeyDictionary

from llmlint.code.dispatch import Dispatch
from llmlint.code.entities import Call, FunctionInfo
from llmlint.code.facts import Effect

Wanted = Callable[[FunctionInfo, Effect], bool]


class Reach:
    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self._steps: dict[FunctionInfo, tuple[tuple[Effect, FunctionInfo], ...]] = {}
        self._answers: WeakKeyDictionary[Wanted, dict[FunctionInfo, tuple[Call, ...]]] = WeakKeyDictionary()
        self._hits: WeakKeyDictionary[Wanted, dict[FunctionInfo, Effect | None]] = WeakKeyDictionary()

    def reaches(self, start: FunctionInfo, wanted: Wanted) -> tuple[Call, ...]:
        answers = self._answers.setdefault(wanted, {})
        if start in answers:
            return answers[start]
        came_from: dict[FunctionInfo, Call | None] = {start: None}
        waiting = deque([start])
        while waiting:
            function = waiting.popleft()
            if answers.get(function) == ():
                continue
            hit = self._hit(function, wanted)
            if hit is not None:
                answers[start] = (*_way_to(function, came_from), Call(function, hit))
                return answers[start]
            for effect, target in self._calls_of(function):
                if target not in came_from:
                    came_from[target] = Call(function, effect)
                    waiting.append(target)
        # Nothing was found from here, so there is nothing behind any function on the way either.
        for function in came_from:
            answers[function] = ()
        return ()

    def _hit(self, function: FunctionInfo, wanted: Wanted) -> Effect | None:
        hits = self._hits.setdefault(wanted, {})
        if function not in hits:
            hits[function] = next((e for e in function.effects if wanted(function, e)), None)
        return hits[function]

    def _calls_of(self, function: FunctionInfo) -> tuple[tuple[Effect, FunctionInfo], ...]:
        steps = self._steps.get(function)
        if steps is None:
            steps = self._steps[function] = tuple(
                (effect, target)
                for effect in function.effects
                if effect.callee
                for target in self._dispatch.callees(function, effect)
            )
        return steps


def _way_to(function: FunctionInfo, came_from: dict[FunctionInfo, Call | None]) -> tuple[Call, ...]:
    way: list[Call] = []
    step = came_from[function]
    while step is not None:
        way.append(step)
        step = came_from[step.function]
    return tuple(reversed(way))
