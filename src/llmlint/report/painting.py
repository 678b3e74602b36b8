"""Colours of the terminal: what stands out in a report, and the words of a line of code."""

from __future__ import annotations

import keyword
import re

from llmlint.files import language_of
from llmlint.report import Style

_COLOURS = {
    "P0": "1;31",
    "P1": "1;31",
    "P2": "1;33",
    "P3": "1;36",
    "dim": "2",
    "bold": "1",
    "mark": "34",
    "keyword": "35",
    "string": "32",
    "comment": "2",
    "number": "36",
}

_CPP_WORDS = frozenset(
    "auto bool break case catch char class co_await co_return const constexpr continue default delete do "
    "double else enum explicit extern false final float for friend goto if inline int long mutable "
    "namespace new noexcept nullptr operator override private protected public return short signed sizeof "
    "static struct switch template this throw true try typedef typename union unsigned using virtual void "
    "volatile while __device__ __global__ __host__ __shared__".split()
)
_PYTHON_WORDS = frozenset(keyword.kwlist)

_PYTHON = re.compile(
    r"(?P<comment>\#.*)|(?P<string>[rbfuRBFU]{0,2}(?:'''|\"\"\"|'(?:\\.|[^'\\])*'?|\"(?:\\.|[^\"\\])*\"?))"
    r"|(?P<number>\b\d[\w.]*)|(?P<word>\w+)"
)
_CPP = re.compile(
    r"(?P<comment>//.*|/\*.*?(?:\*/|$))|(?P<string>'(?:\\.|[^'\\])*'?|\"(?:\\.|[^\"\\])*\"?)"
    r"|(?P<number>\b\d[\w.]*)|(?P<word>#?\s*\b\w+)"
)


def paint(style: Style, kind: str, text: str) -> str:
    return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if style.color and kind and text else text


def paint_code(style: Style, path: str, code: str) -> str:
    """One line by itself: what began on a line above it, such as a docstring, is not known."""
    if not style.color:
        return code
    is_python = (language_of(path) or "python") == "python"
    pattern, words = (_PYTHON, _PYTHON_WORDS) if is_python else (_CPP, _CPP_WORDS)

    def painted(match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        if kind == "word":
            kind = "keyword" if match[0] in words or match[0].startswith("#") else ""
        return paint(style, kind, match[0])

    return pattern.sub(painted, code)
