"""What a scan is doing, told while it does it: on a terminal one line that is written over, elsewhere plain lines.

On standard error, and in a pipe only when asked for. Nothing is told of what takes no time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

import msgspec

from llmlint.plain import one_line

KINDS = ("auto", "plain", "none")

_QUIET_SECONDS = 0.5
"""A scan that ends sooner shows nothing on a terminal."""

_BETWEEN_DRAWINGS = 0.05
_BETWEEN_LINES = 10.0
_BAR = 24


class Stage(msgspec.Struct, frozen=True):
    """One look at the work: `done` of `total` things, if they can be counted; `about` is the one in work."""

    name: str
    done: int = 0
    total: int = 0
    things: str = ""
    about: str = ""


class Progress(Protocol):
    def __call__(self, stage: Stage) -> None: ...


@contextmanager
def shown_progress(kind: str) -> Iterator[Progress | None]:
    """Tells how far the work in the block is, and leaves no trace of it on a terminal."""
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    if kind == "plain":
        yield _Lines(sys.stderr)
    elif kind == "auto" and terminal:
        display = _Display(sys.stderr)
        try:
            yield display
        finally:
            display.clear()
    else:
        yield None


class _Display:
    """One line for all stages."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun = time.monotonic()
        self._drawn = 0.0
        self._stage = ""

    def __call__(self, stage: Stage) -> None:
        now = time.monotonic()
        fresh = stage.name != self._stage
        if now - self._begun < _QUIET_SECONDS or (now - self._drawn < _BETWEEN_DRAWINGS and not fresh):
            return
        self._drawn, self._stage = now, stage.name
        import shutil

        room = shutil.get_terminal_size((80, 24)).columns - 1
        self._stream.write(f"\r\x1b[2K{one_line(_bar(stage))[:room]}")
        self._stream.flush()

    def clear(self) -> None:
        if self._drawn:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()


class _Lines:
    """A line where a stage begins, and one now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told = 0.0
        self._stage = ""

    def __call__(self, stage: Stage) -> None:
        now = time.monotonic()
        if stage.name == self._stage and now - self._told < _BETWEEN_LINES:
            return
        self._told, self._stage = now, stage.name
        self._stream.write(f"llmlint: {one_line(_words(stage))}\n")
        self._stream.flush()


def _bar(stage: Stage) -> str:
    if not stage.total:
        return stage.name
    filled = _BAR * min(stage.done, stage.total) // stage.total
    counted = f"{stage.done}/{stage.total} {stage.things}"
    return f"{stage.name:<8} [{'=' * filled}{' ' * (_BAR - filled)}] {counted}  {stage.about}".rstrip()


def _words(stage: Stage) -> str:
    counted = f" {stage.done}/{stage.total} {stage.things}" if stage.total else ""
    return f"{stage.name}{counted}" + (f": {stage.about}" if stage.about else "")
