"""Following a program through its processes: forks, children it starts, and the ways it leaves.

The tracer's thread is a bare one that `threading` does not know of, so the program counts its own threads only. It is
stopped across a fork: Python warns of forks in a process with threads, and the program's stderr is its own.
"""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

HELPER = "multiprocessing.resource_tracker"
"""A process of the standard library, known by its command line, in which nobody's code runs."""


def is_helper() -> bool:
    return HELPER in " ".join(getattr(sys, "orig_argv", [])[:8])


class Ticker:
    """Calls `tick` every so often on a thread of its own."""

    def __init__(self, tick: Callable[[], None], seconds: float) -> None:
        self._tick = tick
        self._seconds = seconds
        self._stopping: Any = None
        self._stopped: Any = None

    def start(self) -> None:
        if self._stopping is not None:
            return
        self._stopping, self._stopped = _thread.allocate_lock(), _thread.allocate_lock()
        self._stopping.acquire()
        self._stopped.acquire()
        try:
            _thread.start_new_thread(self._run, (self._stopping, self._stopped))
        except RuntimeError:  # no more threads to be had, or the interpreter is going down
            self._stopping = None

    def _run(self, stopping: Any, stopped: Any) -> None:
        try:
            if hasattr(signal, "pthread_sigmask"):
                signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            wait = 0.002
            while not stopping.acquire(timeout=wait):
                wait = min(self._seconds, wait * 2)
                self._tick()
        finally:
            stopped.release()

    def stop(self) -> None:
        if self._stopping is None:
            return
        before = threads()
        self._stopping.release()
        self._stopped.acquire(timeout=2)
        self._stopping = None
        if before:
            until_fewer_than(before)

    def forget(self) -> None:
        """In a forked child there is no such thread."""
        self._stopping = None


def threads() -> int:
    """How many threads the kernel sees in this process; 0 where it does not tell."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0


def until_fewer_than(count: int) -> None:
    """The interpreter counts threads by /proc, where one that has returned still shows for a moment."""
    for _ in range(50):
        if threads() < count:
            return
        time.sleep(0.0005)


Undo = Callable[[], None]
"""Takes back what was done, as far as it is still there."""

_followers: list[tuple[Callable[[], None], Callable[[], None], Callable[[], None]]] = []
"""Python forgets nobody who was told of forks once: so one is told, and tells those who still want it."""
_follows: list[bool] = []
_about_to_exec: set[int] = set()
"""Threads that start a program: what they fork runs a `preexec_fn` of this one, if anything."""


def follow_forks(before: Callable[[], None], in_parent: Callable[[], None], in_child: Callable[[], None]) -> Undo:
    follower = (before, in_parent, in_child)
    _followers.append(follower)
    if not _follows and hasattr(os, "register_at_fork"):
        _follows.append(True)
        os.register_at_fork(
            before=lambda: _tell_followers(0),
            after_in_parent=lambda: _tell_followers(1),
            after_in_child=lambda: _tell_followers(2),
        )
    return lambda: _followers.remove(follower) if follower in _followers else None


def is_about_to_exec() -> bool:
    """Asked in a forked child: whether it will be another program as soon as a `preexec_fn` has run."""
    return _thread.get_ident() in _about_to_exec


def _tell_followers(when: int) -> None:
    for follower in list(_followers):
        follower[when]()


Note = Callable[[int, "list[str]", bool], None]
"""Takes a child's number, how it was called, and whether it was given the environment in which the tracer starts."""


def note_children(note: Note) -> Undo:
    """Tell `note` of each process started through the standard library, to name those that were never reached.

    From Python 3.13 on `subprocess` starts most by `os.posix_spawn`. What a library forks in which another program runs
    when it comes back, as uvloop's does, is known by that.
    """
    undone = [
        _note_fork_exec(note),
        *(_note_spawn(name, note) for name in ("posix_spawn", "posix_spawnp")),
        follow_forks(lambda: None, lambda: _note_the_newest(note), lambda: None),
    ]

    def undo() -> None:
        for one in undone:
            one()

    return undo


def _note_fork_exec(note: Note) -> Undo:
    import _posixsubprocess

    original: Any = _posixsubprocess.fork_exec

    def fork_exec(*arguments: Any) -> int:
        thread = _thread.get_ident()
        _about_to_exec.add(thread)
        try:
            pid: int = original(*arguments)
        finally:
            _about_to_exec.discard(thread)
        _tell_of_child(note, pid, arguments[0], arguments[5])
        return pid

    _posixsubprocess.fork_exec = fork_exec
    subprocess: Any = sys.modules.get("subprocess")
    if subprocess is not None and hasattr(subprocess, "_fork_exec"):
        subprocess._fork_exec = fork_exec

    def undo() -> None:
        for module, name in ((_posixsubprocess, "fork_exec"), (sys.modules.get("subprocess"), "_fork_exec")):
            if getattr(module, name, None) is fork_exec:
                setattr(module, name, original)

    return undo


def _note_spawn(name: str, note: Note) -> Undo:
    original: Any = getattr(os, name, None)
    if original is None:
        return lambda: None

    def spawn(path: Any, argv: Any, env: Any, /, **named: Any) -> int:
        pid: int = original(path, argv, env, **named)
        _tell_of_child(note, pid, argv, env)
        return pid

    _take_the_name_of(original, spawn, name)
    _put_in_place_of(original, spawn, name, ("os", original.__module__))
    return lambda: _put_in_place_of(spawn, original, name, ("os", original.__module__))


def _note_the_newest(note: Note) -> None:
    if is_about_to_exec():
        return
    try:
        pid = int(_text(f"/proc/self/task/{_thread.get_native_id()}/children").split()[-1])
        words = _text(f"/proc/{pid}/cmdline")
        if words and words != _text("/proc/self/cmdline"):
            env = [one for one in _text(f"/proc/{pid}/environ").split(b"\0") if b"=" in one]
            _tell_of_child(note, pid, words.split(b"\0")[:-1], env)
    except (OSError, ValueError, IndexError):  # it is gone by now, or the kernel does not tell
        return


def _text(file: str) -> bytes:
    with open(file, "rb") as opened:
        return opened.read()


def _tell_of_child(note: Note, pid: int, argv: Any, env: Any) -> None:
    try:
        note(pid, [os.fsdecode(part)[:200] for part in list(argv)[:8]], _is_told(env))
    except Exception:  # whatever was accepted as argv and environment: the child runs, and so does the program
        note(pid, [], False)


def _is_told(env: Any) -> bool:
    """Does a child with this environment, as `NAME=value` or a mapping, start the tracer by itself?"""
    if env is None:
        env = os.environ
    given = [(name, env[name]) for name in env] if hasattr(env, "keys") else [one.split(b"=", 1) for one in env]
    told = {os.fsdecode(name): os.fsdecode(value) for name, value in given}
    first = told.get("PYTHONPATH", "").split(os.pathsep)[0]
    return "LLMLINT_TRACE" in told and os.path.isfile(os.path.join(first, "llmlint_waits.py"))


_ENDING = frozenset(("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGABRT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGPIPE"))
"""Signals that end a process which has not said what to do about them."""


def at_every_exit(finish: Callable[[], None], go_on: Callable[[], None], make_way: Note) -> Undo:
    """At an ordinary exit, and wherever a program leaves by its own doing: by `os._exit`, as multiprocessing's children
    do; by a signal to itself, as servers do that were asked to end and have cleaned up; for another in its place, of
    which `make_way` is told."""
    atexit.register(finish)

    def about_to_leave(*_: object) -> bool:
        finish()
        return True

    def about_to_make_way(_: object, argv: object = (), env: object = None, *__: object) -> bool:
        _tell_of_child(make_way, os.getpid(), argv, env)
        return about_to_leave()

    def about_to_end(number: object, *_: object) -> bool:
        ends = _ends(number)
        if ends:
            finish()
        return ends

    def about_to_kill(pid: object, number: object, *_: object) -> bool:
        return pid == os.getpid() and about_to_end(number)

    undone = [
        _tell_before("os", "_exit", about_to_leave, go_on),
        _tell_before("os", "execv", about_to_make_way, go_on),
        _tell_before("os", "execve", about_to_make_way, go_on),
        _tell_before("os", "kill", about_to_kill, go_on),
        _tell_before("signal", "raise_signal", about_to_end, go_on),
    ]

    def undo() -> None:
        atexit.unregister(finish)
        for one in undone:
            one()

    return undo


def _ends(number: object) -> bool:
    try:
        known = signal.Signals(number)  # type: ignore[arg-type]
    except ValueError:
        return False
    return known.name in _ENDING and signal.getsignal(known) is signal.SIG_DFL


def _tell_before(module: str, name: str, leaving: Callable[..., bool], go_on: Callable[[], None]) -> Undo:
    """`leaving` runs first, and says whether this is the end; `go_on`, where it was none after all."""
    original = getattr(sys.modules[module], name, None)
    if original is None:
        return lambda: None

    def told(*arguments: Any, **named: Any) -> Any:
        ending = leaving(*arguments, *named.values())
        result = None
        try:
            result = original(*arguments, **named)
        finally:
            if ending:
                go_on()
        return result

    _take_the_name_of(original, told, name)
    _put_in_place_of(original, told, name, (module, original.__module__))
    return lambda: _put_in_place_of(told, original, name, (module, original.__module__))


def _take_the_name_of(original: Any, told: Any, name: str) -> None:
    told.__name__, told.__qualname__, told.__doc__ = name, original.__qualname__, original.__doc__
    told.__module__ = original.__module__


def _put_in_place_of(old: object, new: object, name: str, modules: tuple[str, ...]) -> None:
    for module in modules:
        if getattr(sys.modules.get(module), name, None) is old:
            setattr(sys.modules[module], name, new)
