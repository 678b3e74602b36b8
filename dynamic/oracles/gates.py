"""Which other locks may stand around two that are taken: a lock around both keeps their orders from ever meeting.

Python does not tell which locks a thread holds. So the locks within reach of the call (of its object, of the functions
that called it, of their modules) are asked whether somebody has locked them: rather too many count than too few.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_OURS = f"{__name__.rpartition('.oracles')[0]}."
_FRAMES = 24
_OBJECTS = 1024
_LOCKS = 64
_OPTIMIZED = 0x1
_SEES_ITS_LOCALS = frozenset(("locals", "vars", "dir", "eval", "exec"))


class Gates:
    """The locks in reach are looked for in the first calls about an object, and then only asked."""

    def __init__(self) -> None:
        self.of: dict[int, list[weakref.ref[Any]]] = {}
        self.searches: dict[int, int] = {}

    def locked(self, subject: object) -> list[object]:
        key = id(subject)
        count = self.searches.get(key, 0)
        if count < 4 and len(self.of) < _OBJECTS:
            self.searches[key] = count + 1
            known = {id(way()) for way in self.of.setdefault(key, [])}
            self.of[key] += [weakref.ref(lock) for lock in _in_reach(subject) if id(lock) not in known][:_LOCKS]
        found = [way() for way in self.of.get(key, ())]
        return [lock for lock in found if lock is not None and _is_locked(lock)]


def weakly(thing: object) -> Callable[[], object]:
    try:
        return weakref.ref(thing)
    except TypeError:
        return lambda: None


def _in_reach(subject: object) -> Iterator[object]:
    frame: Any = sys._getframe(1)
    modules: dict[int, dict[str, object]] = {}
    places = _attributes(subject)
    for _ in range(_FRAMES):
        if frame is None:
            break
        if not str(frame.f_globals.get("__name__")).startswith((_OURS, "threading")):
            modules[id(frame.f_globals)] = frame.f_globals
            for value in _variables(frame):
                places += [value, *_attributes(value)]
        frame = frame.f_back
    for module in modules.values():
        places += list(module.values())
    yield from {id(place): place for place in places if _is_lock(place)}.values()


def _attributes(thing: object) -> list[object]:
    """A thread's own locks are locked for as long as it lives, and keep nothing apart."""
    if any(base.__module__ == "threading" for base in type(thing).__mro__):
        return []
    try:
        held = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return []
    return list(held.values()) if type(held) is dict else []


def _variables(frame: FrameType) -> list[object]:
    """The values of a function's variables. Nothing of them is kept: before Python 3.13 a look leaves a copy behind."""
    code = frame.f_code
    if not code.co_flags & _OPTIMIZED or sys.gettrace() is not None or not _SEES_ITS_LOCALS.isdisjoint(code.co_names):
        return []
    variables = frame.f_locals
    found = list(variables.values())
    if sys.version_info < (3, 13):
        variables.clear()
    return found


def _is_lock(value: object) -> bool:
    """Only locks of the standard library: nothing of the program's is asked."""
    kind = type(value)
    return kind.__module__ in ("_thread", "threading", "asyncio.locks") and hasattr(kind, "acquire")


def _is_locked(lock: Any) -> bool:
    locked = getattr(lock, "locked", None) or getattr(lock, "_is_owned", None)
    return bool(locked()) if callable(locked) else False
