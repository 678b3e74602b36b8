"""What one process writes down: counters and a ring in a mapped file, and lines of JSON, both of bounded size.

The hot path touches only the mapped file, whose pages outlive the process however it dies. Nothing here raises into
the program: a full disk or an unwritable folder turns into counters of what was lost.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import sys
import time
import zlib
from collections.abc import Mapping
from typing import Any

from .secrecy import without_secrets

MAX_BYTES = 16 << 20
MOST_PROCESSES = 4096
"""So many may leave their records: a service that makes its workers anew again and again runs for weeks, too."""
COUNTERS = 4096
HEADER = struct.Struct("<8sQdQQQQ")
"""Magic, pid, last sign of life (monotonic), slots of the ring ever used, faults, records lost, whether it has ended:
all that can still be said where the disk takes no more lines."""
MAGIC = b"LLMLINT2"
SLOT = struct.Struct("<IIIIdd")
"""What, group, sequence number, state (1 begun, 2 done, 3 raised), begun, ended."""
SLOTS = 16384
RING_AT = HEADER.size + 8 * COUNTERS
MAP_SIZE = RING_AT + SLOT.size * SLOTS
BEGUN, DONE, RAISED = 1, 2, 3
STATE_MAGIC = b"LLMLINTS"
STATE = struct.Struct("<8sQQQI4x")
"""Of a state's slot: magic, the how-many-th, where, how long, its checksum."""
STATE_AT = 2 * STATE.size


class Recorder:
    """The files of this process. A forked child makes its own."""

    def __init__(self, folder: str, run: str = "") -> None:
        self.folder = folder
        self.run = run
        self.name = f"p-{os.getpid()}-{time.monotonic_ns()}"
        self.lost = 0
        self.faults = 0
        self.ended = False
        self._written = 0
        self._next_counter = 0
        self._used = 0
        self._interned: dict[tuple[str, ...], int] = {}
        self._is_let_in = self._finds_room()
        self._file = self._opened(self.name + ".jsonl")
        self._map = self._mapped(self.name + ".ring", RING_AT)
        self._ring: mmap.mmap | None = None
        """All of the same file, once a call is noted: most processes note none, and a service may make many of them."""
        self.states = Overwritten(self._opened(self.name + ".state", append=False), run)
        self.counters = memoryview(self._map)[HEADER.size : RING_AT].cast("Q")
        self.alive()

    def _finds_room(self) -> bool:
        """Three files a process, in a folder that others write to as well."""
        try:
            there = sum(name.startswith("p-") for name in os.listdir(self.folder))
        except OSError:
            return True  # there is another thing to say of it
        if there >= 3 * MOST_PROCESSES:
            leave_note(self.folder, f"the run has the records of {MOST_PROCESSES:,} processes, and takes no more")
            return False
        return True

    def _opened(self, name: str, append: bool = True) -> int:
        if not self._is_let_in:
            return -1
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_APPEND if append else 0)
        try:
            return os.open(os.path.join(self.folder, name), flags, 0o600)
        except OSError:
            return -1

    def write_states(self, states: Mapping[str, Any], cost: Mapping[str, Any], last: bool) -> None:
        """What all probes have to say by now and what they cost, in place of what they said before."""
        if not self.states.write({"t": round(time.time(), 4), "last": last, "states": states, "cost": cost}):
            self.lost += 1

    def _mapped(self, name: str, size: int) -> mmap.mmap:
        """A mapped file whose blocks exist (a hole on a full disk would kill the program), or plain memory."""
        if not self._is_let_in:
            return mmap.mmap(-1, size)
        path = os.path.join(self.folder, name)
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            self.lost += 1
            return mmap.mmap(-1, size)
        try:
            os.posix_fallocate(file, 0, size)
            return mmap.mmap(file, size)
        except (OSError, ValueError):
            if size == RING_AT:
                os.unlink(path)
            self.lost += 1
            return mmap.mmap(-1, size)
        finally:
            os.close(file)

    @property
    def writes(self) -> bool:
        return self._file >= 0

    def counter(self) -> int:
        """A free counter; the last one is shared by all that come too late."""
        self._next_counter = min(self._next_counter + 1, COUNTERS - 1)
        return self._next_counter

    def alive(self) -> None:
        said = (self._used, self.faults, self.lost, self.ended)
        HEADER.pack_into(self._map, 0, MAGIC, os.getpid(), time.monotonic(), *said)

    def write(self, kind: str, **fields: Any) -> None:
        """One line; past the bound, and on a disk that takes no more, it is counted and dropped."""
        try:
            line = json.dumps({"kind": kind, "t": round(time.time(), 4), **fields}, default=str).encode() + b"\n"
            if self._file < 0 or self._written + len(line) > MAX_BYTES:
                self.lost += 1
                return
            written = os.write(self._file, line)
            self._written += written
            if written < len(line):
                self._give_up()
        except (OSError, ValueError, TypeError, RecursionError):
            self.lost += 1
            self._give_up()

    def _give_up(self) -> None:
        """A torn line is ignored by the reader only when it is the last one."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def intern(self, kind: str, *parts: str) -> int:
        """A small number for a text that comes often; the text is written once."""
        key = (kind, *parts)
        number = self._interned.get(key)
        if number is None:
            number = self._interned[key] = len(self._interned) + 1
            self.write("intern", number=number, what=kind, parts=parts)
        return number

    def begin(self, what: int, group: int, sequence: int) -> int:
        """Note a call in the ring before it is made, so that one that never returns is on record."""
        slot = self._used
        self._used += 1
        if self._ring is None:
            self._ring = self._mapped(self.name + ".ring", MAP_SIZE)
        SLOT.pack_into(
            self._ring, RING_AT + SLOT.size * (slot % SLOTS), what, group, sequence, BEGUN, time.monotonic(), 0.0
        )
        if slot % 64 == 0 or slot < 64:
            self.alive()
        return slot

    def end(self, slot: int, state: int) -> None:
        if self._used - slot > SLOTS or self._ring is None:
            return
        place = RING_AT + SLOT.size * (slot % SLOTS)
        struct.pack_into("<I", self._ring, place + 12, state)
        struct.pack_into("<d", self._ring, place + 24, time.monotonic())

    def disown(self) -> None:
        """In a forked child: the parent's files are the parent's."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self.states.close()


class Overwritten:
    """A file with the last of many accounts in it: two places, written in turn, so that one is always whole.

    However long a process runs, the file does not grow, and whatever ends it, what it said last is there.
    """

    def __init__(self, file: int, run: str) -> None:
        self._file = file
        self._run = run
        self._count = 0
        self._room = 0
        self._end = STATE_AT

    def write(self, account: Mapping[str, Any]) -> bool:
        """Whether it was written; where not, the last one that was is still there."""
        try:
            text = json.dumps(account, default=str).encode()
            if self._file < 0:
                return False
            if len(text) > self._room:
                self._make_room(2 * len(text))
            turn = self._count % 2
            place = self._end - (2 - turn) * self._room
            if os.pwrite(self._file, text, place) < len(text):
                return False
            slot = STATE.pack(STATE_MAGIC, self._count + 1, place, len(text), checksum(text, self._run))
            os.pwrite(self._file, slot, turn * STATE.size)
            self._count += 1
        except (OSError, ValueError, TypeError, RecursionError):
            return False
        return True

    def _make_room(self, size: int) -> None:
        """For both places anew, behind the old ones: those stay readable until they are written to again."""
        self._room = size
        self._end += 2 * size

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def leave_note(folder: str, why: str) -> None:
    """Why a process is not traced, so that the verdict can say so: one note for however many processes."""
    said = why.encode("utf-8", "replace")[:300]
    place = os.path.join(folder, f"failed-{zlib.crc32(said):08x}.txt")
    try:
        note = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.write(note, said)
        os.close(note)
    except OSError:
        return


def checksum(text: bytes, run: str) -> int:
    """Right only for the run that wrote the text."""
    return zlib.crc32(text, zlib.crc32(run.encode()))


def head(plan_hash: str, run: str) -> dict[str, Any]:
    """What a process says of itself first."""
    ranks = {name.lower(): os.environ[name] for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE") if name in os.environ}
    torch = sys.modules.get("torch")
    return {
        "pid": os.getpid(),
        "ppid": os.getppid(),
        "argv": [part[:200] for part in without_secrets(getattr(sys, "orig_argv", None) or [sys.executable])[:6]],
        "python": sys.version.split()[0],
        "torch": getattr(torch, "__version__", ""),
        "monotonic": time.monotonic(),
        "plan": plan_hash,
        "run": run,
        **ranks,
    }
