"""Which of many patterns might match a path, told by what each of them spells out: the others need not be tried."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NOT_SPELT_OUT = re.compile(r"[*?/]|\\.|\[.*\]|\[.*", re.S)
_LENGTHS = (8, 4, 2, 1)
_LONG = 4


class PatternIndex:
    """Numbers, each under a few signs that a path must hold somewhere for the pattern of that number to match it."""

    def __init__(self) -> None:
        self._by_signs: dict[int, dict[str, list[int]]] = {}
        self._always: list[int] = []

    def add(self, number: int, pattern: str) -> None:
        """`pattern` is one as in a .gitignore, without its `!`."""
        place = min(self._places(pattern), key=len, default=self._always)
        place.append(number)

    def might_match(self, path: str) -> list[int]:
        """In rising order, and each once. What matches a folder that holds the path is among them."""
        found = set(self._always)
        for length, places in self._by_signs.items():
            for start in range(len(path) - length + 1):
                numbers = places.get(path[start : start + length])
                if numbers is not None:
                    found.update(numbers)
        return sorted(found)

    def _places(self, pattern: str) -> Iterator[list[int]]:
        """Where a pattern may stand: under any long sign that it spells out, else under the longest."""
        pieces = [(_length_of(piece), piece) for piece in _NOT_SPELT_OUT.split(pattern)]
        long_enough = min(max(length for length, _ in pieces), _LONG)
        for length, piece in pieces:
            if length and length >= long_enough:
                places = self._by_signs.setdefault(length, {})
                for start in range(len(piece) - length + 1):
                    yield places.setdefault(piece[start : start + length], [])


def _length_of(piece: str) -> int:
    """How much of what is spelt out is looked for."""
    return next((length for length in _LENGTHS if length <= len(piece)), 0)
