"""For uvicorn: each request is added, and finished or aborted; one keeps the loop. The answer says in which process."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import engine

SCHEDULER, NUMBERS = engine.Scheduler(), count()


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    if scope["type"] != "http":
        return
    if scope["path"] == "/stall":
        time.sleep(0.12)
    name = f"r{next(NUMBERS)}"
    SCHEDULER.add(name)
    if scope["path"] == "/abort":
        SCHEDULER.abort([name])
    else:
        SCHEDULER.finish(name)
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
