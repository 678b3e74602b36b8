"""What is worked out once of a program, of a function or of a function's facts, and kept for as long as that lives.

What goes with facts is worked out of them alone: scans that follow one another hand them on (`kept_files.py`).

It is kept in the thing itself: a weak dictionary whose values lead back to their keys never lets go of them, and an
editor makes a program at every change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar


class Keeper(Protocol):
    @property
    def kept(self) -> dict[object, Any]: ...


K = TypeVar("K", bound=Keeper)
T = TypeVar("T")


def once(of: K, make: Callable[[K], T]) -> T:
    """`make` is a class or a function of a module: the same object each time."""
    if make not in of.kept:
        of.kept[make] = make(of)
    made: T = of.kept[make]
    return made
