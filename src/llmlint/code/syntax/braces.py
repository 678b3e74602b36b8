"""What the braces of a plain text would show, were it an f-string.

Python's own parser says whether a brace holds an expression. Where one does not, an `f` would not compile or would
show a constant: such a text is a template that somebody fills, or code to read.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import NamedTuple

_BRACE = re.compile(r"(?<!\{)\{([^{}]*)\}(?!\})")
_LONGEST = 200
_SPEC = re.compile(r"(.?[<>=^])?[-+ ]?z?#?0?\d*[,_]?(\.\d+[,_]?)?[bcdeEfFgGnosxX%]?")
"""docs.python.org/3/library/string.html#format-specification-mini-language"""
_OF_DATES = "%"
"""`{now:%H:%M}`: what a date takes goes to `strftime`."""


class Field(NamedTuple):
    written: str
    """What stands between the braces."""
    names: tuple[str, ...]
    """The names that its expression reads, in their order."""


@lru_cache(maxsize=4096)
def fields_in(text: str, are_doubled: bool = False) -> tuple[Field, ...] | None:
    """The fields an `f` would make of the braces; None where it would make none of one of them.

    `are_doubled`: some braces of the text are those that an f-string writes twice, so that single ones may be left.
    """
    fields = tuple(_field(brace[1]) for brace in _BRACE.finditer(text))
    if are_doubled:
        return tuple(field for field in fields if field is not None)
    left = _BRACE.sub("", text).replace("{{", "").replace("}}", "")
    known = tuple(field for field in fields if field is not None)
    return None if len(known) < len(fields) or "{" in left or "}" in left else known


def _field(written: str) -> Field | None:
    if not written or len(written) > _LONGEST or any(sign in written for sign in ("\\", "\n", "'''")):
        return None
    try:
        read = ast.parse(f"f'''{{{written}}}'''", mode="eval").body
    except (SyntaxError, ValueError):
        return None
    values = [part for part in getattr(read, "values", ()) if isinstance(part, ast.FormattedValue)]
    if len(values) != 1 or not _is_spec(values[0].format_spec):
        return None
    if isinstance(values[0].value, ast.Tuple) and not written.startswith("("):
        return None  # `one of {left, right}` is a set, written down
    met = [node for node in ast.walk(values[0].value) if isinstance(node, ast.Name)]
    own = {node.id for node in met if isinstance(node.ctx, ast.Store)}
    names = sorted((node for node in met if node.id not in own), key=lambda node: node.col_offset)
    return Field(written, tuple(dict.fromkeys(node.id for node in names))) if names else None


def _is_spec(spec: ast.expr | None) -> bool:
    if spec is None:
        return True
    text = "".join(str(part.value) for part in getattr(spec, "values", ()) if isinstance(part, ast.Constant))
    return _OF_DATES in text or _SPEC.fullmatch(text) is not None
