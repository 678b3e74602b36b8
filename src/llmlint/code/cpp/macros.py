"""Macros that break the grammar, blanked before parsing without moving a byte.

Only macros that stand where the grammar allows no identifier are blanked: export and attribute macros before a
declaration, format attributes after one, `extern "C"` braces. Macros that look like calls stay: they are calls.
"""

from __future__ import annotations

import re

_BLANKED = re.compile(
    rb"""
      \b[A-Z][A-Z0-9_]*_(?:API|CALL|EXPORT|INLINE|RESTRICT)\b(?!\s*\()
    | \b[A-Z][A-Z0-9_]*_(?:ATTRIBUTE_FORMAT|DEPRECATED_MSG|ATTRIBUTE)\s*\([^()]*(?:\([^()]*\)[^()]*)*\)
    | \b__attribute__\s*\(\(.*?\)\)
    | \b__declspec\s*\([^()]*\)
    | \b(?:__restrict__|__restrict|__forceinline__|__launch_bounds__\s*\([^()]*\)|GGML_NORETURN|GGML_UNREACHABLE\(\);)
    | \bextern\s+"C"\s*(?=\{)
    """,
    re.VERBOSE,
)
_CPLUSPLUS_GUARD = re.compile(
    rb"^[ \t]*\#[ \t]*ifdef[ \t]+__cplusplus[ \t]*\n"
    rb'(?:[ \t]*extern[ \t]+"C"[ \t]*\{|[ \t]*\})[ \t]*\n[ \t]*\#[ \t]*endif[^\n]*$',
    re.MULTILINE,
)


def mask_macros(data: bytes) -> bytes:
    """The same bytes with such macros as blanks; every offset and line stays."""
    data = _CPLUSPLUS_GUARD.sub(_blank, data)
    return _BLANKED.sub(_blank, data)


def _blank(match: re.Match[bytes]) -> bytes:
    return re.sub(rb"[^\n]", b" ", match[0])
