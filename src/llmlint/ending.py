"""How a command ends when it does not end by itself: by a signal, by a reader that went away, by our own mistake.

Never with 1, which says that there are findings.
"""

from __future__ import annotations

import atexit
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import click

from llmlint.plain import one_line

FAILED = 3
_BY_SIGNAL = 128


@contextmanager
def told_endings() -> Iterator[None]:
    """What ends the block becomes an exit code; Ctrl-C and SIGTERM unwind it, so that what it holds is let go."""
    heard = [number for number in (signal.SIGINT, signal.SIGTERM) if _is_heard(number)]
    kept = {number: signal.signal(number, _leave) for number in heard}
    try:
        with told_faults():
            yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def told_faults() -> Iterator[None]:
    try:
        yield
    except (click.Abort, KeyboardInterrupt):
        sys.exit(_BY_SIGNAL + signal.SIGINT)
    except BrokenPipeError:
        _write_no_more()
        sys.exit(_BY_SIGNAL + signal.SIGPIPE)
    except (click.exceptions.Exit, click.ClickException):
        raise
    except Exception as error:
        if isinstance(error, OSError):
            _write_no_more()
        _tell(error)
        sys.exit(FAILED)


def run_and_leave(command: Callable[[], object]) -> None:
    """Run what the process is there for. Then the system takes all memory back at once: to free it piece by piece takes
    as long as a sixth of a scan."""
    _open_what_is_closed()
    _say_what_can_be_said()
    try:
        with told_faults():  # of what is done before a command has begun: help, wrong use
            command()
    except SystemExit as ending:
        code = 0 if ending.code is None else ending.code
        if not isinstance(code, int) or threading.active_count() > 1:
            raise
        atexit._run_exitfuncs()
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):  # Python itself has an exit code for this
            raise ending from None
        os._exit(code)


def _open_what_is_closed() -> None:
    """A shell may close standard streams (`>&-`). What is said there is then said to nobody, and no file that is opened
    later gets the number of one, to be written into by whoever complains. Programs that we start find them closed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            opened = os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8")
            setattr(sys, name, opened)
            setattr(sys, f"__{name}__", opened)  # which keeps it open where another takes its place


class _Forgiving(io.TextIOWrapper):
    """Standard error: what cannot be said there, because a disk is full, costs nothing else."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def _say_what_can_be_said() -> None:
    said = sys.stderr
    if isinstance(said, io.TextIOWrapper):
        sys.stderr = _Forgiving(said.buffer, said.encoding, said.errors, line_buffering=True)


def _is_heard(number: signal.Signals) -> bool:
    """A shell starts what runs in the background with interrupts ignored, and that stays so."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    return in_main_thread and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)


def _leave(number: int, _: FrameType | None) -> None:
    """A second signal does not wait for anything."""
    signal.signal(number, lambda number, _: os._exit(_BY_SIGNAL + number))
    sys.exit(_BY_SIGNAL + number)


def _write_no_more() -> None:
    """What standard output still holds would fail again at the exit, and change the exit code."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(error: Exception) -> None:
    import traceback

    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(where.filename)}:{where.lineno}"
    click.echo(f"llmlint: internal fault: {type(error).__name__} at {place}: {one_line(str(error))}", err=True)
    if os.environ.get("LLMLINT_TRACEBACK"):
        traceback.print_exception(error)
