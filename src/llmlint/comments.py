"""Where the comments of a text are; strings that look like comments are none."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PYTHON = re.compile(
    r"""
      (?P<comment> \#[^\n]*+ )
    | \"{3} (?: [^"\\] | \\. | "(?!"") )*+ (?: \"{3} | \Z )
    | '{3}  (?: [^'\\] | \\. | '(?!'') )*+ (?: '{3}  | \Z )
    | "     (?: [^"\\\n] | \\. )*+ "?
    | '     (?: [^'\\\n] | \\. )*+ '?
    """,
    re.VERBOSE | re.DOTALL,
)

_CPP = re.compile(
    r"""
      (?P<comment> // (?: [^\\\n] | \\\n | \\ )*+ | /\* .*? (?: \*/ | \Z ) )
    | (?<!\w) (?:u8|[uUL])? R"(?P<delimiter>[^()\\\s]{0,16}) \( .*? (?: \)(?P=delimiter)" | \Z )
    | (?<!\w) \.?\d (?: [eEpP][+-] | '\w | [\w.] )*+
    | "     (?: [^"\\\n] | \\. )*+ "?
    | '     (?: [^'\\\n] | \\. )*+ '?
    """,
    re.VERBOSE | re.DOTALL,
)


def comments_of(text: str, language: str) -> Iterator[tuple[int, int, str, bool]]:
    """(line, column, comment, alone on its line) of each comment, in order."""
    line, counted = 1, 0
    for match in (_PYTHON if language == "python" else _CPP).finditer(text):
        comment = match["comment"]
        if comment is None:
            continue
        start, end = match.span()
        line, counted = line + text.count("\n", counted, start), start
        line_start = text.rfind("\n", 0, start) + 1
        line_end = text.find("\n", end)
        around = text[line_start:start] + text[end : line_end if line_end >= 0 else len(text)]
        yield line, start - line_start + 1, comment, not around.strip()
