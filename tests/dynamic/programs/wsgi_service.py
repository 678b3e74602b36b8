"""For gunicorn: each request is added, and finished or aborted; the answer says in which process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import engine

SCHEDULER, NUMBERS = engine.Scheduler(), count()


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    name = f"r{next(NUMBERS)}"
    SCHEDULER.add(name)
    if environ["PATH_INFO"] == "/abort":
        SCHEDULER.abort([name])
    else:
        SCHEDULER.finish(name)
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
