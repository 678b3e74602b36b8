"""Objects of a class that were there before anybody watched.

Python's list of all objects must not be asked for: a tuple that another thread is filling would be in it, and could not
be finished then. Who refers to a class is found in one step, and names its objects. What `gc.freeze` has put aside is
not told of: engines do that when they have started, so then whatever threads and modules hold is walked as well.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Collection, Iterator
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType

MOST = 200_000
"""So many objects are walked at the most."""

_NOT_INTO = (ModuleType, type, FunctionType, BuiltinFunctionType, CodeType)
"""They lead to all there is, and hold no object of a request or a step. An object is asked for its type alone: its
`__class__` may be code of the program's."""
CO_OPTIMIZED = 1
"""Of the code of functions, whose variables are in no dictionary."""


def leads_everywhere(thing: object) -> bool:
    return issubclass(type(thing), _NOT_INTO)


def objects_of(classes: Collection[type]) -> Iterator[object]:
    """Some may come twice."""
    for thing in gc.get_referrers(*classes):
        if type(thing) in classes:
            yield thing
    if gc.get_freeze_count():
        yield from _held(classes)


def _held(classes: Collection[type]) -> Iterator[object]:
    """What is reached from the variables of running functions and of modules."""
    seen: set[int] = set()
    waiting = [thing for frame in _frames() for thing in _variables(frame)]
    waiting += [
        thing for module in list(sys.modules.values()) if _has_source(module) for thing in list(vars(module).values())
    ]
    while waiting and len(seen) < MOST:
        thing = waiting.pop()
        if id(thing) in seen or not gc.is_tracked(thing) or leads_everywhere(thing):
            continue
        seen.add(id(thing))
        if type(thing) in classes:
            yield thing
        waiting += gc.get_referents(thing)


def _frames() -> Iterator[FrameType]:
    for innermost in list(sys._current_frames().values()):
        frame: FrameType | None = innermost
        while frame is not None:
            yield frame
            frame = frame.f_back


def _variables(frame: FrameType) -> list[object]:
    """Before 3.13 the answer is a copy that the frame keeps: it must not keep what the program lets go of. In a module
    that is within a comprehension, it may be the comprehension's alone."""
    variables = frame.f_locals
    found = list(variables.values())
    if not frame.f_code.co_flags & CO_OPTIMIZED:
        found += frame.f_globals.values()
    is_a_copy = sys.version_info < (3, 13) and frame.f_code.co_flags & CO_OPTIMIZED
    if (
        is_a_copy and sys.getrefcount(variables) == 3
    ):  # the frame's, ours and this call's: the program has not asked for it
        variables.clear()
    return found


def _has_source(module: object) -> bool:
    return isinstance(module, ModuleType) and type(module) is ModuleType and bool(module.__dict__.get("__file__"))
