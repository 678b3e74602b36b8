"""The file that says which repositories a fleet scan is about, at which revisions, and with which rules."""

from __future__ import annotations

import os
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from llmlint.opening import read_small

_LARGEST = 1_000_000
_URL = re.compile(r"^[\w+.-]+://|^[\w.-]+@[\w.-]+:")


class FleetFileError(ValueError):
    """A fleet file that cannot be used; the message names it."""


class Repository(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One `[[repository]]`. The revisions chosen in several ways are taken together."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[\w][\w.+-]*$", max_length=80)]
    source: Annotated[str, msgspec.Meta(min_length=1)]
    """A clone, bare or not, or a URL to clone from."""
    branch: str = "HEAD"
    paths: tuple[str, ...] = ()
    """Only what lies below these; everything where none is named."""
    exclude: tuple[str, ...] = ()
    """Patterns as in a .gitignore."""
    tags: tuple[str, ...] = ()
    """Patterns of tags, as in a shell."""
    every: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Every so many commits of the branch, counted back from its newest."""
    range: str = ""
    """`A..B`: every commit of it, or every n-th with `every`."""
    monthly: bool = False
    """The last commit before each month began."""
    dates: tuple[date, ...] = ()
    since: date | None = None
    until: date | None = None
    last: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Of all that was chosen, only the newest so many."""

    @property
    def is_remote(self) -> bool:
        return bool(_URL.match(self.source))


class FleetFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Settings are the fleet's, one for all revisions: those of the trees are not read."""

    repository: Annotated[tuple[Repository, ...], msgspec.Meta(min_length=1)]
    data: str = ""
    """The folder that results go to, from the file on; its own name with `-data` where none is named."""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    min_confidence: Literal["low", "medium", "high", "certain"] = "medium"
    max_file_mb: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 10.0


def read_fleet_file(file: Path) -> FleetFile:
    """With sources and the folder of results as paths from here on."""
    try:
        text = read_small(file, _LARGEST).decode()
        fleet = msgspec.convert(tomllib.loads(text), FleetFile)
    except OSError as error:
        raise FleetFileError(f"{file}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise FleetFileError(f"{file}: {error}") from error
    _refuse_twins(file, fleet)
    home = file.parent
    repositories = tuple(_placed(repository, home) for repository in fleet.repository)
    data = str(home / os.path.expanduser(fleet.data or f"{file.stem}-data"))
    return msgspec.structs.replace(fleet, repository=repositories, data=data)


def _refuse_twins(file: Path, fleet: FleetFile) -> None:
    names = [repository.name for repository in fleet.repository]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FleetFileError(f"{file}: two repositories are called {twice[0]}")


def _placed(repository: Repository, home: Path) -> Repository:
    if repository.is_remote:
        return repository
    return msgspec.structs.replace(repository, source=str(home / os.path.expanduser(repository.source)))
