"""Says what keeps a run from being traced as it was asked: in one line on stderr, as soon as it is known.

A service may run for weeks, and a disk that is full or a Python that is too old is to be told at once, not at its end.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from llmlint.dynamic.read import failures_in
from llmlint.plain import one_line
from llmlint.runtime.stress import command_line, descendants

FIRST, LAST = 0.1, 60.0
"""Seconds between two looks while the command runs: few at first, then more and more."""
SETTLED = 2.0
"""Seconds after which a record that is still empty will stay so."""


@contextmanager
def lacks_said(folder: Path) -> Iterator[None]:
    """While the command runs, and once more when it has ended."""
    over, said = threading.Event(), threading.Event()

    def look() -> None:
        wait = FIRST
        while not said.is_set() and not over.wait(wait):
            wait = min(LAST, 2 * wait)
            _say(folder, said, SETTLED)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()
        _say(folder, said, 0.0)


def _say(folder: Path, said: threading.Event, settled: float) -> None:
    lacks = lacks_of(folder, settled)
    if lacks and not said.is_set():
        said.set()
        click.echo(f"llmlint: the command is not traced in all its processes: {one_line('; '.join(lacks))}", err=True)


def lacks_of(folder: Path, settled: float = 0.0) -> list[str]:
    """In words; a record that is empty counts when it has been so for that long."""
    try:
        lacks = sorted(failures_in(str(folder)))
        empty = [one for one in folder.glob("p-*.jsonl") if _is_empty(one, settled)]
    except OSError as error:
        return [f"{folder}: {error.strerror}"]
    lacks += [f"process {pid} runs as another user, who can't read {folder}" for pid in _of_others(folder)]
    if empty:
        lacks.append(f"{len(empty)} of them could write down nothing in {folder} (is the disk full?)")
    return lacks


def _of_others(folder: Path) -> list[int]:
    """Pythons of the command that are somebody else's; one that was traced before it changed its user has a record."""
    with suppress(OSError):
        owner = folder.stat().st_uid
        pythons = [pid for pid in descendants(os.getpid()) if _is_python(command_line(pid))]
        others = [pid for pid in pythons if Path(f"/proc/{pid}").stat().st_uid not in (owner, 0)]
        return [pid for pid in others if not any(folder.glob(f"p-{pid}-*"))]
    return []


def _is_python(command: str) -> bool:
    return Path(command.partition(" ")[0]).name.startswith("python")


def _is_empty(file: Path, settled: float) -> bool:
    with suppress(OSError):
        told = file.stat()
        return told.st_size == 0 and time.time() - told.st_mtime >= settled
    return False
