"""LLM401: an integer that goes in does not come out with all its digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ..paths import Roots, elements
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, Judgement, State, samples, total
from ..probe import Probe as Base
from ..values import is_container

LONG = 1_000_000
"""The first integer that `%g` cuts short; smaller ones prove nothing."""
BIG = 2**53 + 1
"""The first integer that a double cannot hold."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


class Probe(Base):
    """Compares what came out with what went in. `--stress bigint` sends numbers beyond 2**53 through a server."""

    exercised: ClassVar[str] = "a long integer went through"
    may_refute: ClassVar[bool] = False
    attached: ClassVar[str] = CONFIRMED

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.calls = 0
        self.long = 0
        self.lost = 0
        self.largest = 0
        self.samples: list[str] = []

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        if target.role != "format":
            return None
        given = target.entity.values(roots) if target.entity else [roots(name) for name in roots.names]
        return [number for value in given for number in integers_in(value)]

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if not isinstance(token, list) or error is not None:
            return
        self.calls += 1
        text = "\n".join(texts_in(self._out(roots, result)))
        for number in token:
            if abs(number) >= LONG:
                self._compare(number, text)

    def _out(self, roots: Roots, result: object) -> object:
        """What came out: the result, or what `options.out` leads to."""
        if "out" not in self.finding.options:
            return result
        return [value for path in self.finding.extra_paths() for value in path.values(roots)]

    def _compare(self, number: int, text: str) -> None:
        self.long += 1
        self.largest = max(self.largest, abs(number))
        if str(number) in text:
            return
        near = next((found for found in _NUMBER.findall(text) if _is_near(found, number)), None)
        if near is not None:
            self.lost += 1
            if len(self.samples) < 3:
                self.samples.append(f"an integer of {len(str(abs(number)))} digits came out as {_shape(near)}")

    def state(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "long": self.long,
            "lost": self.lost,
            "digits": len(str(self.largest)) if self.largest else 0,
            "samples": self.samples,
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        calls, long, lost = total(states, "calls"), total(states, "long"), total(states, "lost")
        if lost:
            return Judgement(CONFIRMED, f"{lost} of {long} long integers lost digits", samples(states, "samples"))
        if not calls:
            return Judgement(NOT_EXERCISED, "the function was never called")
        if not long:
            return Judgement(NOT_EXERCISED, f"no integer of seven digits or more went through ({calls} calls)")
        digits = max((int(state.get("digits", 0)) for state in states), default=0)
        if digits < len(str(BIG)):
            return Judgement(CLEAN, f"{long} long integers came out whole, none beyond 2**53 ({digits} digits at most)")
        return Judgement(CLEAN, f"{long} long integers came out whole")


def integers_in(value: object, depth: int = 4) -> Iterator[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield value
    elif isinstance(value, str):
        yield from (int(found) for found in _NUMBER.findall(value[:65536]) if found.lstrip("-").isdigit())
    elif depth and isinstance(value, Mapping):
        for held in list(value.values())[:256]:
            yield from integers_in(held, depth - 1)
    elif depth and is_container(value):
        for held in elements(value)[:256]:
            yield from integers_in(held, depth - 1)


def texts_in(value: object, depth: int = 4) -> Iterator[str]:
    """All texts and numbers of a result, as text."""
    if isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, (str, int, float)):
        yield str(value)
    elif depth and isinstance(value, Mapping):
        for held in list(value.values())[:256]:
            yield from texts_in(held, depth - 1)
    elif depth and is_container(value):
        for held in elements(value)[:256]:
            yield from texts_in(held, depth - 1)
    elif depth and hasattr(value, "__dict__"):
        yield from texts_in(dict(vars(value)), depth - 1)


def _is_near(text: str, number: int) -> bool:
    return abs(float(text) - number) <= abs(number) * 1e-4


def _shape(text: str) -> str:
    """How a number was written, without its digits: they may be the user's."""
    return re.sub(r"\d", "9", text)
