"""When a step of the engine begins and ends, and who wants to be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plan import Target
from ..probe import Quick

ROLE = "step"


class Steps:
    """The steps of one process. One that runs within another, as the model's in the engine's, is part of it."""

    def __init__(self) -> None:
        self.count = 0
        """How many have ended."""
        self.depth = 0
        self.begins: list[Callable[[], None]] = []
        self.ends: list[Callable[[], None]] = []

    @property
    def under_way(self) -> bool:
        return self.depth > 0

    def begin(self) -> object:
        self.depth += 1
        if self.depth == 1:
            for told in self.begins:
                told()
        return self

    def end(self) -> None:
        self.depth -= 1
        if self.depth == 0:
            self.count += 1
            for told in self.ends:
                told()

    def forget(self) -> None:
        """In a forked child no step is under way."""
        self.count = self.depth = 0

    def quick(self, target: Target) -> Quick | None:
        """How a station tells of a step; None for any other function."""
        if target.role != ROLE:
            return None

        def after(token: Any, result: Any, error: BaseException | None) -> None:
            if token is not None:
                self.end()

        return Quick(lambda values: self.begin(), after)


STEPS = Steps()
