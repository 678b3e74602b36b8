"""Room for functions that follow a tree by calling themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def room_for_calls(calls: int) -> Iterator[None]:
    """The same number of nested calls however deep the caller stands, so that equal input gives equal results.

    Calls between Python functions don't use the C stack, so some thousands of them are no danger to it.
    """
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(_depth_of_calls() + calls)
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


def _depth_of_calls() -> int:
    depth, frame = 0, sys._getframe()
    while frame.f_back:
        depth, frame = depth + 1, frame.f_back
    return depth
