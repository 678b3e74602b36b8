"""When a step of the engine begins and ends, and who wants to be told."""

from __future__ import annotations

from _thread import allocate_lock
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
        self.failed = 0
        """How often somebody who was told failed: a step that has begun must end all the same."""
        self.counting = allocate_lock()
        self.begins: list[Callable[[], None]] = []
        self.ends: list[Callable[[], None]] = []

    @property
    def under_way(self) -> bool:
        return self.depth > 0

    def begin(self) -> object:
        with self.counting:
            self.depth += 1
            is_outermost = self.depth == 1
        if is_outermost:
            self._tell(self.begins)
        return self

    def end(self) -> None:
        with self.counting:
            self.depth -= 1
            is_outermost = self.depth == 0
            self.count += is_outermost
        if is_outermost:
            self._tell(self.ends)

    def _tell(self, hooks: list[Callable[[], None]]) -> None:
        for told in list(hooks):
            try:
                told()
            except Exception:
                self.failed += 1

    def forget(self) -> None:
        """In a forked child no step is under way."""
        self.count = self.depth = 0
        self.counting = allocate_lock()

    def quick(self, target: Target) -> Quick | None:
        """How a station tells of a step; None for any other function."""
        if target.role != ROLE:
            return None

        def after(token: Any, result: Any, error: BaseException | None) -> None:
            if token is not None:
                self.end()

        return Quick(lambda values: self.begin(), after)


STEPS = Steps()
