"""Lines of descent, cut where they are longer than any that people write.

A class has all that its ancestors have, so a chain of N classes would cost N squared. Cut into stretches, it costs N;
the base at a cut counts as one that is not known, of which rules assume nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from llmlint.code.link.entities import ClassInfo

GENERATIONS = 24


class Descent:
    """Looks no further than to the ancestors of the classes that somebody asks about."""

    def __init__(self, bases_of: Callable[[ClassInfo], tuple[ClassInfo, ...]]) -> None:
        self._bases_of = bases_of
        self._generation: dict[ClassInfo, int] = {}
        self._entered: set[ClassInfo] = set()
        self._cut: set[ClassInfo] = set()
        self._is_looking = False

    def is_cut(self, cls: ClassInfo) -> bool:
        """Does it begin a stretch of its own, though it has bases?"""
        if not self._is_looking and cls not in self._generation:
            self._is_looking = True  # a base named `Outer.Inner` asks Outer for its bases while we look
            try:
                self._look(cls)
            finally:
                self._is_looking = False
        return cls in self._cut

    def _look(self, cls: ClassInfo) -> None:
        waiting = [cls]
        while waiting:
            one = waiting[-1]
            if one in self._entered:
                waiting.pop()
                if one not in self._generation:
                    count = 1 + max((self._generation.get(base, 0) for base in self._bases_of(one)), default=-1)
                    self._generation[one] = count % GENERATIONS
                    self._cut.update((one,) if count == GENERATIONS else ())
            else:
                self._entered.add(one)
                waiting.extend(base for base in self._bases_of(one) if base not in self._entered)
