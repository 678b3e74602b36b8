"""Macros that break the grammar, blanked before parsing without moving a byte.

Only macros that stand where the grammar allows no identifier are blanked: export and attribute macros before a
declaration, format attributes after one, deprecation marks around one, `extern "C"` braces. Macros that look like calls
stay: they are calls. Preprocessor lines stay too.
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
_DIRECTIVE = re.compile(rb"^[ \t]*\#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
_DEPRECATED = re.compile(rb"\b(?:[A-Z][A-Z0-9_]*_)?DEPRECATED\s*\(")
_HINT = re.compile(rb'\s*,\s*"(?:[^"\\]|\\.)*"\s*\)')
_LONGEST_DECLARATION = 4000
_CONDITIONAL = re.compile(rb"^[ \t]*\#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)


def mask_macros(data: bytes) -> bytes:
    """The same bytes with such macros as blanks; every offset and line stays."""
    data = _CPLUSPLUS_GUARD.sub(_blank, data)
    parts, end = [], 0
    for directive in _DIRECTIVE.finditer(data):
        parts += [_mask(data[end : directive.start()]), directive[0]]
        end = directive.end()
    return b"".join((*parts, _mask(data[end:])))


def first_branches(data: bytes) -> bytes:
    """The same bytes, each `#elif` and `#else` branch blank: two branches may each open a brace that one closes."""
    kept = bytearray(data)
    open_branches: list[int | None] = []
    for directive in _CONDITIONAL.finditer(data):
        match directive[1]:
            case b"if" | b"ifdef" | b"ifndef":
                open_branches.append(None)
            case b"elif" | b"else" if open_branches and open_branches[-1] is None:
                open_branches[-1] = directive.end()
            case b"endif" if open_branches:
                begin = open_branches.pop()
                if begin is not None:
                    kept[begin : directive.start()] = re.sub(rb"[^\n]", b" ", data[begin : directive.start()])
    return bytes(kept)


def _mask(code: bytes) -> bytes:
    return _unwrap(_BLANKED.sub(_blank, code))


def _unwrap(code: bytes) -> bytes:
    """`DEPRECATED(declaration, "hint")` becomes the declaration alone."""
    end = 0
    while (opening := _DEPRECATED.search(code, end)) is not None:
        end = opening.end()
        hint = _HINT.search(code, end, end + _LONGEST_DECLARATION)
        if hint is not None:
            declaration = code[end : hint.start()]
            code = b"".join((code[: opening.start()], _blank(opening), declaration, _blank(hint), code[hint.end() :]))
            end = hint.end()
    return code


def _blank(match: re.Match[bytes]) -> bytes:
    return re.sub(rb"[^\n]", b" ", match[0])
