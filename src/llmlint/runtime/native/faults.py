"""Faults inside a process of the command: its disk is full, its clock is off. A small library in it obeys the orders.

Both are reached from outside by a mapped file of the run's folder, so that nothing has to be stopped or started anew.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from llmlint.runtime.native.build import FAULTS, SOURCES, compile_library, obstacle

ORDERS = "faults"
FULL_DISK, CLOCK = "full-disk", "clock"
AN_HOUR = 3600
_ORDER = struct.Struct("=qqq")
"""As `struct orders` of faults.c has it: who has no room on disk, whose clock is off, by how many seconds."""


def prepare_faults(folder: Path) -> str:
    """What the command's processes need for such faults; why it can't be had, or nothing."""
    library = folder.resolve() / FAULTS
    problem = obstacle(library) or compile_library(library, [str(SOURCES / "faults.c")], "the library for faults")
    if not problem:
        (folder / ORDERS).write_bytes(_ORDER.pack(0, 0, 0))
    return problem


def why_not_reached(folder: Path, pid: int) -> str:
    """What hinders a fault inside of this process, if anything does."""
    if not (folder / ORDERS).is_file():
        return "there is no library for it"
    try:
        has_it = str(folder.resolve() / FAULTS) in Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        has_it = False
    return "" if has_it else "it has not loaded the library for it"


def order(folder: Path, verb: str, pid: int) -> None:
    """From now on this process has the fault; with 0 for a process, none has any."""
    asked = (pid, 0, 0) if verb == FULL_DISK else (0, pid, AN_HOUR)
    file = os.open(folder / ORDERS, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(file, _ORDER.pack(*asked), 0)
    finally:
        os.close(file)
