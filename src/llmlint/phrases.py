"""Names taken apart into words, and matched with phrases of several words."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@lru_cache(maxsize=65536)
def words(identifier: str) -> tuple[str, ...]:
    """`reset_prefixCache` as ("reset", "prefix", "cache")."""
    return tuple(word.lower() for word in _WORD.findall(identifier))


@lru_cache(maxsize=65536)
def last_name(path: str) -> str:
    """The name at the end of an access path, without its subscripts and calls."""
    return path.replace("()", "").replace("[]", "").replace("->", ".").replace("::", ".").rpartition(".")[2]


@lru_cache(maxsize=4096)
def _phrases(phrases: frozenset[str]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Phrases as words, by their first word, longest first."""
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for phrase in sorted(phrases):
        split = words(phrase)
        if split:
            by_first.setdefault(split[0], []).append(split)
    return {first: tuple(sorted(found, key=len, reverse=True)) for first, found in by_first.items()}


def starts(name: tuple[str, ...], phrases: frozenset[str]) -> int:
    """How many of the first words make up one of the phrases."""
    for phrase in _phrases(phrases).get(name[0], ()) if name else ():
        if name[: len(phrase)] == phrase:
            return len(phrase)
    return 0


def ends(name: tuple[str, ...], phrases: frozenset[str]) -> bool:
    return any(starts(name[at:], phrases) == len(name) - at for at in range(len(name)))


@lru_cache(maxsize=65536)
def contains(name: tuple[str, ...], phrases: frozenset[str]) -> bool:
    return any(starts(name[at:], phrases) for at in range(len(name)))
