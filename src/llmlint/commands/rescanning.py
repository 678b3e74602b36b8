"""`scan --watch`: scans again whenever a scanned file, a folder of one or their settings change."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from llmlint.project import Project, Request

_LOOK_EVERY = 0.5
_SETTINGS = ("llmlint.toml", "pyproject.toml")

Stamps = dict[str, tuple[int, int, int]]


def watch(request: Request, scan: Callable[[], None]) -> NoReturn:
    """Goes on until it is interrupted."""
    while True:
        before = stamps_of(_watched(request))
        scan()
        while stamps_of(before) == before:
            time.sleep(_LOOK_EVERY)


def _watched(request: Request) -> set[str]:
    """The files, and their folders: a folder changes when a file comes or goes."""
    files = {source.file for source in Project(request).discover(request.paths).sources}
    folders = {os.path.dirname(file) for file in files} | {path for path in request.paths if os.path.isdir(path)}
    whole = {Path(folder).absolute() for folder in folders}
    above = whole | {parent for folder in whole for parent in folder.parents}
    return files | folders | {os.path.join(folder, name) for folder in above for name in _SETTINGS}


def stamps_of(paths: Iterable[str]) -> Stamps:
    """When each was last changed, and its size; (0, 0, 0) for what is not there."""
    return {path: _stamp(path) for path in paths}


def _stamp(path: str) -> tuple[int, int, int]:
    try:
        info = os.stat(path)
    except OSError:
        return 0, 0, 0
    return info.st_mtime_ns, info.st_ctime_ns, info.st_size
