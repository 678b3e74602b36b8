"""Where a call is under way: in which thread and, under asyncio, in which task."""

from __future__ import annotations

import sys
from _thread import get_ident
from typing import Any

CallKey = tuple[int, int]
"""A thread, and a task or 0."""


def here() -> CallKey:
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        task = asyncio.current_task()
        return (get_ident(), id(task))
    return (get_ident(), 0)
