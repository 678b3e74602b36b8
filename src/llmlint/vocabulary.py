"""The domain's words: `rules/vocabulary.toml`, plus what a project adds in `[tool.llmlint.vocabulary]`."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@lru_cache(maxsize=65536)
def words(identifier: str) -> tuple[str, ...]:
    """`reset_prefixCache` as ("reset", "prefix", "cache")."""
    return tuple(word.lower() for word in _WORD.findall(identifier))


class Pair(msgspec.Struct, frozen=True):
    """Calls that must balance. `held` says what is lent: the call's "result", an "argument" or the "receiver"."""

    acquire: tuple[str, ...]
    release: tuple[str, ...]
    held: str
    what: str
    source: str


class Collective(msgspec.Struct, frozen=True):
    """A call every rank of a group must make. `kind`: collective, create (of a group), barrier, wait (on a store)."""

    call: str
    kind: str
    group: str
    timeout: str
    source: str


class Vocabulary(msgspec.Struct, frozen=True):
    """The words, grouped by what they say. Sets hold single lower-case words unless their comment says otherwise."""

    terminal: frozenset[str] = frozenset()
    reset: frozenset[str] = frozenset()
    save: frozenset[str] = frozenset()
    restore: frozenset[str] = frozenset()
    request_ids: frozenset[str] = frozenset()
    not_state: frozenset[str] = frozenset()
    blocking: frozenset[str] = frozenset()
    pairs: tuple[Pair, ...] = ()
    collectives: tuple[Collective, ...] = ()
