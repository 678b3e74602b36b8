"""The words that bug reports are read by (`rules/issue_words.toml`), and finding them in a text."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Generic, Literal, TypeVar

import msgspec

WORDS_FILE = Path(__file__).parents[1] / "rules" / "issue_words.toml"

Kind = Literal["fault", "feature", "question", "build", "upkeep"]
Chapter = Literal["memory", "concurrency", "gpu", "api", "model", "performance", "distributed", "state"]

_WORD = re.compile(r"[^\W_]+")
_T = TypeVar("_T")


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    source: str


class _Aside(_Row, frozen=True, kw_only=True):
    headings: tuple[str, ...]


class _TellsError(_Row, frozen=True, kw_only=True):
    words: tuple[str, ...]


class KindWords(_Row, frozen=True, kw_only=True):
    kind: Kind
    tags: tuple[str, ...]
    labels: tuple[str, ...]
    words: tuple[str, ...]
    sure: tuple[str, ...] = ()


class Clue(_Row, frozen=True, kw_only=True):
    chapter: Chapter | Literal[""] = ""
    """"" where the words tell of a cause, and a fault of any chapter can have it."""
    cause: str = ""
    weight: Literal[1, 2, 3]
    words: tuple[str, ...]


class IssueWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as it is written; what each group means is said in it."""

    aside: tuple[_Aside, ...]
    tells_error: tuple[_TellsError, ...]
    kind: tuple[KindWords, ...]
    clue: tuple[Clue, ...]


@lru_cache
def issue_words() -> IssueWords:
    return msgspec.convert(tomllib.loads(WORDS_FILE.read_text(encoding="utf-8")), IssueWords)


class Hit(msgspec.Struct, Generic[_T], frozen=True):
    """A phrase found at a place of a text."""

    phrase: str
    value: _T
    start: int
    end: int


class Phrases(Generic[_T]):
    """Finds phrases word by word in one walk over a text, whatever their number."""

    def __init__(self, phrases: Iterable[tuple[str, _T]]) -> None:
        self._exact: defaultdict[str, list[tuple[tuple[str, ...], str, _T]]] = defaultdict(list)
        self._starred: list[tuple[tuple[str, ...], str, _T]] = []
        self._known: dict[str, list[tuple[tuple[str, ...], str, _T]]] = {}
        for phrase, value in phrases:
            parts = tuple(phrase.lower().split())
            entry = (parts, phrase, value)
            if "*" in parts[0]:
                self._starred.append(entry)
            else:
                self._exact[parts[0]].append(entry)

    def hits(self, text: str) -> Iterator[Hit[_T]]:
        words = [(match[0].lower(), match.start(), match.end()) for match in _WORD.finditer(text)]
        for at, (word, start, _) in enumerate(words):
            for parts, phrase, value in self._beginning_with(word):
                if len(parts) == 1 or _follow(words, at, parts):
                    yield Hit(phrase, value, start, words[at + len(parts) - 1][2])

    def within(self, text: str) -> bool:
        return next(self.hits(text), None) is not None

    def _beginning_with(self, word: str) -> Sequence[tuple[tuple[str, ...], str, _T]]:
        found = self._known.get(word)
        if found is None:
            found = self._exact.get(word, []) + [entry for entry in self._starred if _fits(word, entry[0][0])]
            if len(self._known) < _MOST_KNOWN:
                self._known[word] = found
        return found


_MOST_KNOWN = 200_000


def _follow(words: Sequence[tuple[str, int, int]], at: int, parts: Sequence[str]) -> bool:
    if at + len(parts) > len(words):
        return False
    return all(_fits(words[at + nth][0], parts[nth]) for nth in range(1, len(parts)))


def _fits(word: str, part: str) -> bool:
    if part.endswith("*"):
        return word.startswith(part[:-1])
    return word.endswith(part[1:]) if part.startswith("*") else word == part


def as_phrase(text: str) -> str:
    """A label or heading as its words, to compare it with a phrase."""
    return " ".join(match[0].lower() for match in _WORD.finditer(text))
