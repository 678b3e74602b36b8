"""Opening what a tree offers to read: regular files only, and no more of them than makes sense.

A pipe would wait for its writer for ever, a device has no end, and a name in a tree may be either.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


class NotToBeRead(OSError):
    """Why a file is left unread, in `strerror` as of any other."""


def read_file(file: Path | str) -> bytes:
    """The content of a regular file: what was one when it was found may be a pipe by now."""
    return _read(file, -1, follow=True)


def read_small(file: Path | str, most: int, follow: bool = True) -> bytes:
    """The content of a regular file of at most so many bytes; an OSError says why not."""
    data = _read(file, most + 1, follow)
    if len(data) > most:
        raise NotToBeRead(0, f"is larger than {most / 1e6:g} MB", str(file))
    return data


def _read(file: Path | str, most: int, follow: bool) -> bytes:
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(file, flags | (0 if follow else getattr(os, "O_NOFOLLOW", 0)))
    with os.fdopen(handle, "rb") as opened:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise NotToBeRead(0, "is not a regular file", str(file))
        return opened.read(most)
