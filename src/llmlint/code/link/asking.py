"""Questions that may lead back to themselves, answered the same whatever was asked before.

What a name means may depend on another name, and that on the first. Such a circle is cut where it closes, so an answer
found inside of one depends on where the asking began. It is therefore kept while that first question is open and no
longer; answers that met no cut are kept for good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Answer = TypeVar("Answer")

Question = tuple[object, object]
"""What is asked of types, by whom or of what: a path of a function, an attribute, what a call gives, an element."""

_DEEPEST = 24


class Asking(Generic[Key, Answer]):
    def __init__(self) -> None:
        self._sure: dict[Key, Answer | None] = {}
        self._first: dict[Key, Answer | None] = {}
        self._meanwhile: dict[Key, Answer | None] = {}
        self._open: dict[Key, None] = {}
        self._was_cut = False

    def ask(self, key: Key, find: Callable[[], Answer | None]) -> Answer | None:
        """The answer to `key`, by `find` when it is not known; None where the asking comes back to itself."""
        if key in self._sure:
            return self._sure[key]
        is_first = not self._open
        if is_first and key in self._first:
            return self._first[key]
        if key in self._meanwhile:
            self._was_cut = True
            return self._meanwhile[key]
        if key in self._open or len(self._open) >= _DEEPEST:
            self._was_cut = True
            return None
        cut_before, self._was_cut = self._was_cut, False
        self._open[key] = None
        try:
            answer = find()
        finally:
            del self._open[key]
        if not self._was_cut:
            self._sure[key] = answer
        elif is_first:
            self._first[key] = answer
        else:
            self._meanwhile[key] = answer
        if is_first:
            self._meanwhile.clear()
        self._was_cut = not is_first and (self._was_cut or cut_before)
        return answer
