"""Starts the tracer in a process that was told to: at its start by its environment, or later by an order. Never raises,
never prints."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .tracer import Tracer

_tracer: Tracer | None = None


def start() -> None:
    """Once a process. LLMLINT_TRACE is the run's folder, with its plan in it."""
    folder = os.environ.get("LLMLINT_TRACE", "")
    if folder:
        _start(folder)


def attach(folder: str, order: str, budget: float) -> bool:
    """Whether this process, which ran already, is watched from now on, until it is detached from."""
    return _start(folder, order, budget)


def is_idle() -> bool:
    """Whether there is nothing left to do before the time is over."""
    return _tracer is not None and (_tracer.is_idle or _tracer.finished)


def detach() -> None:
    global _tracer
    if _tracer is not None:
        _tracer.detach()
    _tracer = None


def _start(folder: str, order: str = "", budget: float = 0.0) -> bool:
    global _tracer
    from .processes import is_helper

    if _tracer is not None or is_helper():
        return False
    from .plan import read_plan
    from .record import leave_note
    from .tracer import TICK, Attached, Tracer

    try:
        tick = float(os.environ.get("LLMLINT_TICK", TICK))
        plan, attached = read_plan(os.path.join(folder, "plan.json")), Attached(order, budget) if order else None
        tracer = Tracer(plan, folder, bool(os.environ.get("LLMLINT_IDS")), tick, attached)
        _tracer = tracer
        tracer.start()
    except Exception as error:
        leave_note(folder, f"{type(error).__name__}: {error}")
    return _tracer is not None
