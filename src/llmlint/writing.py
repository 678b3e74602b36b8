"""Writing a user's files: whole or not at all, and only where the user meant it to go.

The new content is written beside the file and moved into its place, so that a full disk, a kill at any moment and a
reader at any moment meet the old file or the new one. Mode and owner stay; a link stays a link, and what it names is
written, unless that lies outside of the tree the link stands in.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from llmlint.opening import read_file


class Changed(OSError):
    """The file is no longer what was read: somebody wrote to it meanwhile, and that must not be lost."""

    def __init__(self, file: Path) -> None:
        super().__init__(0, "has changed since it was read and was left alone", str(file))


def write_file(file: Path, data: bytes, expected: bytes | None = None, parents: bool = False) -> None:
    """Raises OSError, and leaves the file as it was. `expected` is what it must still hold."""
    if _is_device(file):
        _write_through(file, data)
        return
    real = _inside(file)
    if parents:
        real.parent.mkdir(parents=True, exist_ok=True)
    import secrets

    beside = real.with_name(f".{real.name[:200]}.{secrets.token_hex(4)}.llmlint")
    try:
        _write_new(beside, data, real)
        if expected is not None and read_file(real) != expected:
            raise Changed(file)
        beside.replace(real)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def _write_new(beside: Path, data: bytes, like: Path) -> None:
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
    with os.fdopen(handle, "wb") as opened:
        with suppress(FileNotFoundError):
            before = like.stat()
            if not stat.S_ISREG(before.st_mode) or not os.access(like, os.W_OK):
                raise PermissionError(13, "is not a file that may be written", str(like))
            with suppress(PermissionError):
                os.fchown(handle, before.st_uid, before.st_gid)
            os.fchmod(handle, stat.S_IMODE(before.st_mode))
        opened.write(data)
        opened.flush()
        os.fsync(handle)


def _is_device(file: Path) -> bool:
    """/dev/stdout and its like, and a pipe that the user names: nothing of them can be lost."""
    if file.is_absolute() and file.parts[1:2] in (("dev",), ("proc",)):
        return file.parts[2:3] != ("shm",)  # memory that is a folder like any other
    with suppress(OSError):
        return stat.S_ISFIFO(file.lstat().st_mode)
    return False


def _write_through(file: Path, data: bytes) -> None:
    handle = os.open(file, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe without a reader is no place to wait
    os.set_blocking(handle, True)
    with os.fdopen(handle, "wb") as opened:
        opened.write(data)


def _inside(file: Path) -> Path:
    """The file that is meant, links followed; an OSError where they lead out of the tree they stand in."""
    real, tree = Path(os.path.realpath(file)), _tree_of(file)
    if not real.is_relative_to(tree):
        raise PermissionError(1, "is a link that leads out of its tree", str(file))
    return real


def _tree_of(file: Path) -> str:
    """The repository that the path goes through; else the working directory, or the file's own folder."""
    folders = Path(os.path.abspath(file)).parents
    here = Path.cwd()
    top = next(
        (folder for folder in folders if os.path.exists(folder / ".git")), here if here in folders else folders[0]
    )
    return os.path.realpath(top)
