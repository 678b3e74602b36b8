"""Where a call is under way: in which thread and, under asyncio, in which task; in which frame, at which lines."""

from __future__ import annotations

import sys
from _thread import get_ident
from types import CodeType, FrameType
from typing import Any

from . import station

CallKey = tuple[int, int]
"""A thread, and a task or 0."""


def here() -> CallKey:
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        task = asyncio.current_task()
        return (get_ident(), id(task))
    return (get_ident(), 0)


def watched_frame() -> FrameType:
    """For a probe: the frame of the watched function that has called its station."""
    frame: Any = sys._getframe(1)
    while _is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    found: FrameType = frame
    return found


def _is_ours(module: str) -> bool:
    return module == station.__name__ or module.startswith((f"{__package__}.probes.", f"{__package__}.oracles."))


def lines_of(code: CodeType, line: int) -> range:
    """The lines of the expressions that begin on a line: Python may count any of them as the one it is at."""
    positions: Any = getattr(code, "co_positions", None)
    ends = [end for start, end, *_ in positions() if start == line and end] if positions is not None else []
    return range(line, max(ends, default=line) + 1)
