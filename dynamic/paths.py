"""The path language of the runtime block: `request.request_id`, `ids[]`, `self.slots[slot].rid`. Parsed, never eval'ed.

A path starts at a parameter, at `return` or at a local variable. `[]` stands for each element (each key of a mapping);
a string counts as one element, and an iterator is never touched, because reading it would use it up.
"""

from __future__ import annotations

import operator
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

_TOKEN = re.compile(r"\s*(?:(\.)?([A-Za-z_]\w*)|(\[\])|(\[)|(\])|(-?\d+)|'([^']*)'|\"([^\"]*)\")")


class Roots(Protocol):
    """Gives the value a root name stands for; raises LookupError where there is none. `names` are the parameters."""

    names: tuple[str, ...]

    def __call__(self, name: str) -> object: ...


class PathError(ValueError):
    """Not a path."""


class Path:
    """A parsed path: a root and the steps from it."""

    __slots__ = ("root", "steps", "text")

    def __init__(self, text: str, root: str, steps: tuple[tuple[str, object], ...]) -> None:
        self.text = text
        self.root = root
        self.steps = steps

    def roots(self) -> set[str]:
        """Every name the path reads, those inside brackets included."""
        found = {self.root}
        for kind, what in self.steps:
            if kind == "at" and isinstance(what, Path):
                found |= what.roots()
        return found

    def values(self, roots: Roots) -> list[object]:
        """What the path leads to now: one value, one for each element where it has `[]`, none where it breaks off."""
        try:
            found = [roots(self.root)]
        except LookupError:
            return []
        for kind, what in self.steps:
            found = [value for start in found for value in _follow(start, kind, what, roots)]
        return found


def one_place(path: Path | None, names: tuple[str, ...]) -> tuple[int, str] | None:
    """Which of a call's values a path leads to, and which attribute of it ("" for itself); None for anything more."""
    if path is None or path.root not in names or len(path.steps) > 1:
        return None
    place = names.index(path.root)
    if not path.steps:
        return (place, "")
    kind, name = path.steps[0]
    return (place, str(name)) if kind == "name" else None


def one_value(path: Path | None, names: tuple[str, ...]) -> Callable[[tuple[object, ...]], object] | None:
    """How to read a parameter, or an attribute of one, from the values of a call; None for anything longer."""
    found = one_place(path, names)
    if found is None:
        return None
    place, name = found
    return (lambda values: getattr(values[place], name, None)) if name else operator.itemgetter(place)


def _follow(start: object, kind: str, what: object, roots: Roots) -> list[object]:
    if kind == "name":
        try:
            return [getattr(start, str(what))]
        except AttributeError:
            return []
    if kind == "each":
        return elements(start)
    keys = what.values(roots) if isinstance(what, Path) else [what]
    found: list[object] = []
    for key in keys:
        try:
            found.append(start[key])  # type: ignore[index]
        except (LookupError, TypeError):
            continue
    return found


def elements(value: object) -> list[object]:
    """The elements of a container, copied; a string is one element, anything that is not a container gives none."""
    if isinstance(value, (str, bytes)):
        return [value]
    for _ in range(3):
        try:
            if isinstance(value, (Mapping, list, tuple, set, frozenset, deque)):
                return list(value)
            return []
        except RuntimeError:  # changed by another thread while it was copied
            continue
    return []


def parse_path(text: str) -> Path:
    path, end = _parse(text, 0)
    if text[end:].strip():
        raise PathError(f"{text!r}: what is {text[end:]!r}?")
    return path


def _parse(text: str, start: int) -> tuple[Path, int]:
    match = _TOKEN.match(text, start)
    if match is None or match[1] or not match[2]:
        raise PathError(f"{text!r}: a path starts with a name")
    root, position = match[2], match.end()
    steps: list[tuple[str, object]] = []
    while True:
        match = _TOKEN.match(text, position)
        if match is None or match[5]:
            return Path(text, root, tuple(steps)), position
        if match[1]:
            steps.append(("name", match[2]))
            position = match.end()
        elif match[3]:
            steps.append(("each", None))
            position = match.end()
        elif match[4]:
            key, position = _parse_key(text, match.end())
            steps.append(("at", key))
        else:
            raise PathError(f"{text!r}: expected .name or [...] at {position}")


def _parse_key(text: str, start: int) -> tuple[object, int]:
    match = _TOKEN.match(text, start)
    if match is None:
        raise PathError(f"{text!r}: expected a key at {start}")
    key: object
    if match[6] is not None:
        key, position = int(match[6]), match.end()
    elif match[7] is not None or match[8] is not None:
        key, position = match[7] or match[8] or "", match.end()
    else:
        key, position = _parse(text, start)
    closing = _TOKEN.match(text, position)
    if closing is None or not closing[5]:
        raise PathError(f"{text!r}: expected ] at {position}")
    return key, closing.end()
