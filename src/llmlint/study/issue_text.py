"""What of an issue its author says. All else is blanked, so that places in the text stay what they are."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from functools import lru_cache

from llmlint.study.issue_words import Phrases, as_phrase, issue_words

_HEADING = re.compile(r"^(?:#{1,6}[ \t]+(.+)|\*\*([^*\n]+)\*\*[ \t:]*)$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ADDRESS = re.compile(r"https?://[^\s)>\]]+")
_CODE = re.compile(r"^[ \t]*(`{3,}+|~{3,}+)[^\n]*+\n(.*?)(?:^[ \t]*\1|\Z)", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})", re.MULTILINE)
_FOLDED = re.compile(r"<details>.*?(?:</details>|\Z)", re.DOTALL | re.IGNORECASE)
_FRAME = re.compile(r"""^\s*(?:\S+\s)?\s*File "[^"\n]+", line \d+""")
_FILLER = re.compile(r"_No response_")
_NOT_BLANK = re.compile(r"[^\s]")
_LONGEST = 60_000
"""Characters; what stands further back in a body is a log."""


def said(body: str) -> str:
    """The body with what its author does not say as blanks."""
    text = body[:_LONGEST]
    for pattern in (_COMMENT, _ADDRESS, _FILLER):
        text = pattern.sub(_blank, text)
    text = _without_asides(text)
    text = _CODE.sub(lambda match: _keep_errors(match[0]), text)
    return _FOLDED.sub(lambda match: _keep_errors(match[0]), text)


def _blank(match: re.Match[str]) -> str:
    return _blanked(match[0])


def _blanked(text: str) -> str:
    return _NOT_BLANK.sub(" ", text)


def _without_asides(text: str) -> str:
    """Without the sections that the template asks for; a section ends at the next heading."""
    pieces, at, is_aside = [], 0, False
    for match in _headings(text):
        section = text[at : match.start()]
        pieces += [_blanked(section) if is_aside else section, _blanked(match[0])]
        at, is_aside = match.end(), _is_aside(match[1] or match[2])
    return "".join([*pieces, _blanked(text[at:]) if is_aside else text[at:]])


def _headings(text: str) -> Iterator[re.Match[str]]:
    """Outside of code, where a comment of a shell looks like one."""
    fences = [match.start() for match in _FENCE.finditer(text)]
    return (match for match in _HEADING.finditer(text) if bisect(fences, match.start()) % 2 == 0)


def _is_aside(heading: str) -> bool:
    words = as_phrase(heading)
    return any(words == start or words.startswith(f"{start} ") for start in _asides())


def _keep_errors(text: str) -> str:
    """Of code and logs the lines that tell of an error."""
    lines = text.split("\n")
    return "\n".join(line if _tells(line) else _blanked(line) for line in lines)


def _tells(line: str) -> bool:
    return not _FRAME.match(line) and _error_words().within(line[:500])


@lru_cache
def _asides() -> tuple[str, ...]:
    return tuple(heading for row in issue_words().aside for heading in row.headings)


@lru_cache
def _error_words() -> Phrases[None]:
    return Phrases((word, None) for row in issue_words().tells_error for word in row.words)
