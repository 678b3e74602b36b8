"""Calls that do not come back: the rows of `rules/endings.toml`."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from llmlint.calls import CallIndex

ENDINGS_FILE = Path(__file__).parent / "rules" / "endings.toml"
_Language = Literal["python", "cpp"]


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row; what its keys mean in full stands at the head of the TOML file."""

    languages: tuple[_Language, ...]
    calls: tuple[str, ...]
    source: str
    given: tuple[str, ...] = ()

    def fits(self, first: str) -> bool:
        return not self.given or any(fnmatchcase(first, given) for given in self.given)


def never_returns(callee: str, first: str, is_python: bool) -> bool:
    """Does a call with this first argument, as it is written, never come back?"""
    return any(row.fits(first) for row in ending_rows(callee, is_python))


def ending_rows(callee: str, is_python: bool) -> tuple[Ending, ...]:
    """The rows for calls of this name, whatever they are given."""
    return _index("python" if is_python else "cpp").find(callee)


@lru_cache(maxsize=1)
def python_endings() -> tuple[str, ...]:
    """The calls of Python that never return, whatever they are given, by their full names."""
    rows = (row for row in _rows() if "python" in row.languages and not row.given)
    return tuple(call for row in rows for call in row.calls if "." in call and "*" not in call)


@lru_cache(maxsize=2)
def _index(language: _Language) -> CallIndex[Ending]:
    return CallIndex((call, row) for row in _rows() if language in row.languages for call in row.calls)


@lru_cache(maxsize=1)
def _rows() -> tuple[Ending, ...]:
    rows = tomllib.loads(ENDINGS_FILE.read_text(encoding="utf-8"))
    return msgspec.convert(rows["ending"], tuple[Ending, ...])
