"""Can a call lead to an effect of some kind: the shortest chain from a function to one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from weakref import WeakKeyDictionary

from llmlint.code.facts.facts import Effect
from llmlint.code.link.dispatch import Dispatch
from llmlint.code.link.entities import Call, FunctionInfo

Wanted = Callable[[FunctionInfo, Effect], bool]


class _Answers:
    """What is known for one `wanted`: chains found, and within how many functions there is surely none."""

    def __init__(self) -> None:
        self.chains: dict[tuple[FunctionInfo, int], tuple[Call, ...]] = {}
        self.none_within: dict[FunctionInfo, int] = {}
        self.hits: dict[FunctionInfo, Effect | None] = {}


class Reach:
    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self._steps: dict[FunctionInfo, tuple[tuple[Effect, FunctionInfo], ...]] = {}
        self._answers: WeakKeyDictionary[Wanted, _Answers] = WeakKeyDictionary()

    def reaches(self, start: FunctionInfo, wanted: Wanted, depth: int) -> tuple[Call, ...]:
        answers = self._answers.setdefault(wanted, _Answers())
        if (start, depth) not in answers.chains:
            answers.chains[start, depth] = self._search(start, wanted, depth, answers)
        return answers.chains[start, depth]

    def _search(self, start: FunctionInfo, wanted: Wanted, depth: int, answers: _Answers) -> tuple[Call, ...]:
        came_from: dict[FunctionInfo, Call | None] = {start: None}
        left = {start: depth}
        waiting = deque([start])
        while waiting:
            function = waiting.popleft()
            if answers.none_within.get(function, 0) >= left[function]:
                continue
            if function not in answers.hits:
                answers.hits[function] = next((e for e in function.effects if wanted(function, e)), None)
            hit = answers.hits[function]
            if hit is not None:
                return (*_way_to(function, came_from), Call(function, hit))
            for effect, target in self._calls_of(function) if left[function] > 1 else ():
                if target not in came_from:
                    came_from[target] = Call(function, effect)
                    left[target] = left[function] - 1
                    waiting.append(target)
        for function, remaining in left.items():
            answers.none_within[function] = max(remaining, answers.none_within.get(function, 0))
        return ()

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
