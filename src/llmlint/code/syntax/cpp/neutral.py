"""The bytes of a C++ file with strings, characters and comments neutral, so that patterns see nothing but code."""

from __future__ import annotations

import re

Span = tuple[int, int]

_QUIET = re.compile(
    rb"""
      //(?:[^\n\\]|\\.|\\\n)*
    | /\*.*?(?:\*/|\Z)
    | \bR"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"
    | "(?:[^"\\\n]|\\.|\\\n)*"
    | (?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'
    """,
    re.VERBOSE | re.DOTALL,
)
_BRACKETS = re.compile(rb"[(){}\[\]]")
_MARKS = re.compile(rb"[(){}\[\],]")
_INSIDE = re.compile(rb"[^\n]")


def neutral(data: bytes) -> bytes:
    """The same length and lines; a string is a pair of quotes with blanks between, a comment is blank."""
    return _QUIET.sub(_quiet, data)


def _quiet(match: re.Match[bytes]) -> bytes:
    text = match[0]
    if text.startswith(b"/"):
        return _INSIDE.sub(b" ", text)
    return b"".join((b'"', _INSIDE.sub(b" ", text[1:-1]), b'"'))


def closing(code: bytes | bytearray, opening: int, most: int = 20_000) -> int:
    """Where the bracket that opens here is closed, -1 where it is not; `code` is neutral."""
    depth = 0
    for bracket in _BRACKETS.finditer(code, opening, opening + most):
        depth += 1 if bracket[0] in b"([{" else -1
        if depth == 0:
            return bracket.start()
    return -1


def commas(code: bytes | bytearray, opening: int, end: int) -> list[int]:
    """The commas between the brackets that open and close here, not those of brackets inside."""
    found, depth = [], 0
    for mark in _MARKS.finditer(code, opening, end):
        if mark[0] != b",":
            depth += 1 if mark[0] in b"([{" else -1
        elif depth == 1:
            found.append(mark.start())
    return found


def blanked(text: bytes) -> bytes:
    return _INSIDE.sub(b" ", text)
