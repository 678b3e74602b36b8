"""Starts the tracer in a process that was told to by its environment. Never raises, never prints."""

from __future__ import annotations

import os

_tracer: object = None


def start() -> None:
    """Once a process. LLMLINT_TRACE is the run's folder, with its plan in it."""
    global _tracer
    folder = os.environ.get("LLMLINT_TRACE", "")
    if _tracer is not None or not folder:
        return
    from .processes import is_helper

    if is_helper():
        return
    from .plan import read_plan
    from .tracer import TICK, Tracer

    try:
        tick = float(os.environ.get("LLMLINT_TICK", TICK))
        tracer = Tracer(read_plan(os.path.join(folder, "plan.json")), folder, bool(os.environ.get("LLMLINT_IDS")), tick)
        _tracer = tracer
        tracer.start()
    except Exception as error:
        _note(folder, error)


def _note(folder: str, error: Exception) -> None:
    """A tracer that could not start leaves a note, so that the verdict can say so."""
    try:
        note = os.open(
            os.path.join(folder, f"failed-{os.getpid()}.txt"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        with open(note, "w", encoding="utf-8") as file:
            file.write(f"{type(error).__name__}: {error}\n")
    except OSError:
        return
