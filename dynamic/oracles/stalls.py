"""Sees an event loop stand still, and in which line of which watched function.

While a watched function is under way on a thread with a running loop, a thread of our own looks at that thread's stack
every twenty milliseconds, and every ten once the loop does not seem to move. When the line in question is on it, the
loop is asked to call back. As long as it does not, and the frames are the same at every look, the loop stands still at
that line. Time in which the whole process got no processor does not count: it is no fault of the line's.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

from ..processes import threads, until_fewer_than

PERIOD = 0.01
IDLE = 1.0
"""Seconds without a call under way after which the thread ends; the next call starts another."""
_FRAMES = 8
_NOTHING: tuple[None, tuple[Line, ...]] = (None, ())

Frames = tuple[int, ...]
"""Marks of the frames from a line's function out to the loop: the same marks at two looks mean the same call."""

_IMPORTING = "<frozen importlib"
_COROUTINES = 0x80 | 0x100 | 0x200
"""Flags of the code of coroutines, also of those that are generators."""
_sleep = time.sleep
"""As it was before anybody replaced it."""

Noted = Callable[[float, list[str]], None]
"""Told of a stall: its milliseconds so far and the stack, innermost first; once when it is one, and when it is over."""


class Line:
    """The lines of one function that a finding speaks of.

    Where nobody has said that a line of them blocks, they are a coroutine's `own`: what it awaits is another's doing,
    a loop on which there is no other task keeps nobody waiting, and who waits for the processor or for a turn to run
    Python does not rest.
    """

    def __init__(self, lines: range, stall: float, noted: Noted, own: bool = False) -> None:
        self.lines = lines
        self.stall = stall
        self.noted = noted
        self.own = own
        self.seen = self.stalls = 0


class Loop:
    """A thread with a running loop, and how many watched calls are under way on it."""

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.calls = 0
        self.standing: dict[Line, Standing] = {}


class Standing:
    """A loop that was found in a line, until it moves on."""

    def __init__(self, line: Line, frames: Frames, thread: int, loop: Any) -> None:
        self.line = line
        self.loop = loop
        self.frames = frames
        self.moved = False
        self.seconds = 0.0
        self.rests = _rests(thread) if line.own else None
        self.stack: list[str] = []
        self.told = False
        self.looked_at = time.monotonic()
        self.worked = _processor_time(thread)
        self.all_worked = time.process_time()

    def answer(self) -> None:
        """Called by the loop."""
        self.moved = True

    def goes_on(self, thread: int) -> None:
        """One more look found it in the same place."""
        now, worked, all_worked = time.monotonic(), _processor_time(thread), time.process_time()
        passed, mine = now - self.looked_at, worked - self.worked
        others = all_worked - self.all_worked - mine
        rests, waited = _rests(thread) if self.line.own else None, min(passed, 2 * PERIOD)
        if self.line.own and rests is not None:
            rested = passed if others > passed / 2 else waited
            waited = rested if rests == self.rests and rests != -1 else 0.0
        self.seconds += max(waited, mine)
        self.rests = rests
        self.looked_at, self.worked, self.all_worked = now, worked, all_worked

    def tell(self) -> None:
        if self.seconds >= self.line.stall and (self.told or not self.line.own or _has_other_tasks(self.loop)):
            self.line.stalls += not self.told
            self.told = True
            self.line.noted(1000 * self.seconds, self.stack)


class Watchdog:
    """One for a process. Its thread is there only while watched calls are under way."""

    def __init__(self) -> None:
        self.loops: dict[int, Loop] = {}
        self.lines: dict[int, tuple[CodeType, list[Line]]] = {}
        """By the id of a code object, which is kept so that no other gets its id."""
        self.running = _thread.allocate_lock()
        self.is_held = False
        """Whether the thread was stopped for a fork, and none may be started."""
        self.stopping = False
        self.follows_forks = False
        self.last_call = 0.0

    def watch(self, code: CodeType, line: Line) -> None:
        found = self.lines.setdefault(id(code), (code, []))[1]
        if line not in found:
            found.append(line)

    def enter(self, loop: Any) -> Loop:
        thread = _thread.get_ident()
        here = self.loops.get(thread)
        if here is None or here.loop is not loop:
            here = self.loops[thread] = Loop(loop)
        here.calls += 1
        if not self.running.locked():
            self._start()
        return here

    def leave(self, here: Loop) -> None:
        here.calls -= 1
        if here.standing:
            for standing in list(here.standing.values()):
                if standing.told:
                    standing.tell()

    def forget(self, line: Line) -> None:
        """Nobody asks about it any more. Where nothing is left to look for, the thread ends by itself."""
        self.lines = {
            place: (code, [one for one in lines if one is not line]) for place, (code, lines) in self.lines.items()
        }
        self.lines = {place: found for place, found in self.lines.items() if found[1]}
        if not self.lines:
            self.loops.clear()

    # ------------------------------------------------------------ the thread

    def _start(self) -> None:
        if not self.follows_forks and hasattr(os, "register_at_fork"):
            self.follows_forks = True
            os.register_at_fork(
                before=self._before_fork, after_in_parent=self._after_fork, after_in_child=self._in_child
            )
        if self.running.acquire(False):
            try:
                self.last_call = time.monotonic()
                _thread.start_new_thread(self._run, ())
            except RuntimeError:  # no more threads to be had, or the interpreter is going down
                self.running.release()

    def _run(self) -> None:
        try:
            if hasattr(signal, "pthread_sigmask"):
                signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            while not self.stopping and self._is_wanted():
                _sleep(PERIOD if self.look() else 2 * PERIOD)
        except Exception:  # the interpreter is going down
            self.loops.clear()
        finally:
            self.running.release()

    def _is_wanted(self) -> bool:
        now = time.monotonic()
        if any(here.calls > 0 for here in list(self.loops.values())):
            self.last_call = now
        return now - self.last_call < IDLE

    def _before_fork(self) -> None:
        """Python warns of forks in a process with threads, so there is none of ours."""
        before = threads() if self.running.locked() else 0
        self.stopping = True
        self.is_held = self.running.acquire(timeout=1)
        if before:
            until_fewer_than(before)

    def _after_fork(self) -> None:
        self.stopping = False
        if self.is_held:
            self.running.release()

    def _in_child(self) -> None:
        """Only the forking thread lives on, and whatever loop it ran."""
        self.stopping = False
        self.running = _thread.allocate_lock()
        self.loops.clear()

    # ------------------------------------------------------------ looking

    def look(self) -> bool:
        """Whether a loop stood where it did at the last look."""
        known = list(self.loops.items())
        open_calls = [(thread, here) for thread, here in known if here.calls > 0]
        if not open_calls:
            return False
        frames = sys._current_frames()
        for thread, here in open_calls:
            self._look_at(thread, here, frames.get(thread))
        for thread in [thread for thread, _ in known if thread not in frames]:  # who came meanwhile is not among them
            self.loops.pop(thread, None)
        return any(standing.seconds for _, here in open_calls for standing in list(here.standing.values()))

    def _look_at(self, thread: int, here: Loop, frame: FrameType | None) -> None:
        found = dict(self._lines_on(frame))
        for line, standing in list(here.standing.items()):
            if not standing.moved and found.get(line) == standing.frames:
                standing.goes_on(thread)
                standing.stack = standing.stack or list(_places(frame))
                if not standing.told:
                    standing.tell()
            else:
                if standing.told:
                    standing.tell()
                del here.standing[line]
        for line in found.keys() - here.standing.keys():
            self._begin(here, Standing(line, found[line], thread, here.loop))

    @staticmethod
    def _begin(here: Loop, standing: Standing) -> None:
        standing.line.seen += 1
        try:
            here.loop.call_soon_threadsafe(standing.answer)
        except RuntimeError:  # the loop is closed
            return
        here.standing[standing.line] = standing

    def _lines_on(self, frame: FrameType | None) -> Iterator[tuple[Line, Frames]]:
        """The watched lines on a stack, but for those that import something: that happens once."""
        is_awaited = False
        while frame is not None and not frame.f_code.co_filename.startswith(_IMPORTING):
            for line in self.lines.get(id(frame.f_code), _NOTHING)[1]:
                if frame.f_lineno in line.lines and not (line.own and is_awaited):
                    yield line, tuple(_outwards(frame))
            is_awaited = is_awaited or bool(frame.f_code.co_flags & _COROUTINES)
            frame = frame.f_back


def _outwards(frame: FrameType | None) -> Iterator[int]:
    while frame is not None:
        yield id(frame)
        frame = frame.f_back


def _places(frame: FrameType | None) -> Iterator[str]:
    left = _FRAMES
    while frame is not None and left:
        code = frame.f_code
        yield f"{code.co_filename}:{frame.f_lineno} {code.co_name}"
        frame, left = frame.f_back, left - 1


def _processor_time(thread: int) -> float:
    """What a living thread has used of a processor; 0 where the system does not tell."""
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread))
    except (AttributeError, OSError, ValueError, OverflowError):
        return 0.0


def _has_other_tasks(loop: Any) -> bool:
    """Beside the one that keeps it."""
    tasks: Any = sys.modules.get("asyncio.tasks")
    return tasks is not None and len(tasks.all_tasks(loop)) > 1


def _rests(thread: int) -> int | None:
    """How often a thread that rests has gone to rest, -1 for one that does not; None where the system does not tell.
    Who waits for its turn to run Python wakes up every few milliseconds, and who waits for anything else does not."""
    threading: Any = sys.modules.get("threading")
    known = threading._active.get(thread) if threading is not None else None
    try:
        with open(f"/proc/self/task/{known.native_id}/status", "rb") as told:  # type: ignore[union-attr]
            text = told.read()
        is_resting = text.partition(b"\nState:")[2].split(None, 1)[0] in (b"S", b"D")
        return int(text.partition(b"\nvoluntary_ctxt_switches:")[2].split(None, 1)[0]) if is_resting else -1
    except (OSError, AttributeError, IndexError, ValueError):
        return None


WATCHDOG = Watchdog()
STAND_INS: dict[int, Any] = {}
"""By thread, what the canary has for a loop: asyncio is not imported for its sake."""


def running_loop() -> Any:
    """The event loop that runs in this thread, if any."""
    asyncio: Any = sys.modules.get("asyncio.events")
    found = asyncio._get_running_loop() if asyncio is not None else None
    return STAND_INS.get(_thread.get_ident()) if found is None and STAND_INS else found
