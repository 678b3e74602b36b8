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


class _Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row; what its keys mean in full stands at the head of the TOML file."""

    languages: tuple[_Language, ...]
    calls: tuple[str, ...]
    source: str
    given: tuple[str, ...] = ()


def never_returns(callee: str, first: str, is_python: bool) -> bool:
    """Does a call with this first argument, as it is written, never come back?"""
    rows = _index("python" if is_python else "cpp").find(callee)
    if not rows:  # nearly always
        return False
    return any(not row.given or any(fnmatchcase(first, given) for given in row.given) for row in rows)


@lru_cache(maxsize=2)
def _index(language: _Language) -> CallIndex[_Ending]:
    return CallIndex((call, row) for row in _rows() if language in row.languages for call in row.calls)


@lru_cache(maxsize=1)
def _rows() -> tuple[_Ending, ...]:
    rows = tomllib.loads(ENDINGS_FILE.read_text(encoding="utf-8"))
    return msgspec.convert(rows["ending"], tuple[_Ending, ...])
