"""An issue's fix, and what scans before and after it showed."""

from __future__ import annotations

from typing import Literal

import msgspec

How = Literal["pull", "commit", "named"]
"""A merged pull request closes it; a commit closes it; a commit names it and it was closed about then."""


class Link(msgspec.Struct, frozen=True):
    repository: str
    issue: int
    pull: int
    """0 where only a commit is known."""
    commit: str
    """"" where the clone has none, or there is no clone."""
    parent: str
    how: How


class Gone(msgspec.Struct, frozen=True):
    """A finding of the parent, where the fix touches it, that the fix has no more."""

    rule: str
    causes: tuple[str, ...]
    path: str
    line: int
    symbol: str
    message: str


class Seen(msgspec.Struct, frozen=True):
    """What came of one fix; `problem` says why nothing could."""

    gone: tuple[Gone, ...] = ()
    problem: str = ""
