"""Macros that break the grammar, blanked before parsing without moving a byte.

Only macros that stand where the grammar allows no identifier are blanked: export and attribute macros before a
declaration, format attributes after one, deprecation marks around one, `extern "C"` braces. Macros that look like calls
stay: they are calls. Preprocessor lines stay too.
"""

from __future__ import annotations

import re

_BLANKED = re.compile(
    rb"""
    \b(?=[A-Z_ve])(?:
      [A-Z][A-Z0-9_]*_(?:API|CALL|EXPORT|INLINE|RESTRICT)\b(?!\s*\()
    | [A-Z][A-Z0-9_]*_(?:ATTRIBUTE_FORMAT|DEPRECATED_MSG|ATTRIBUTE)\s*\([^()]*(?:\([^()]*\)[^()]*)*\)
    | __attribute__\s*\((?!\([^()]*noreturn)(?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)
    | __declspec\s*\((?!\s*noreturn)[^()]*\)
    | (?:__launch_bounds__|__align__)\s*\((?:[^()]|\([^()]*\))*\)
    | (?:__restrict__|__restrict|__forceinline__|__noinline__|__device__|__host__|__grid_constant__)\b
    | (?:GGML_NORETURN|GGML_UNREACHABLE\(\);)
    | (?:__)?vector(?=\s+(?:un)?signed\b|\s+(?:char|short|int|float|double|bool)\b)
    | extern\s+"C"\s*(?=\{)
    )
    """,
    re.VERBOSE,
)
_WORDS_OF_CPP = re.compile(
    rb"\b(?:new|delete|class|template|typename|namespace|private|public|protected|virtual|operator|friend|try|catch|throw"
    rb"|using|explicit|mutable|export|typeid|and|or|not|xor|bitand|bitor|compl)\b"
)
"""Keywords of C++ that C leaves for names."""
_CLASS_MARK = re.compile(
    rb"\b(?:class|struct|union)\s+([A-Z][A-Z0-9]*_[A-Z0-9_]*)(?=\s+[A-Za-z_]\w*(?:\s+final)?\s*(?::(?!:)|\{))"
)
"""`class ENGINE_DECL Model {`"""
_CPLUSPLUS_GUARD = re.compile(
    rb"^[ \t]*\#[ \t]*ifdef[ \t]+__cplusplus[ \t]*\n"
    rb'(?:[ \t]*extern[ \t]+"C"[ \t]*\{|[ \t]*\})[ \t]*\n[ \t]*\#[ \t]*endif[^\n]*$',
    re.MULTILINE,
)
_DIRECTIVE = re.compile(rb"^[ \t]*\#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
_DEPRECATED = re.compile(rb"\b(?:[A-Z][A-Z0-9_]*_)?DEPRECATED\s*\(")
_HINT = re.compile(rb'\s*,\s*"(?:[^"\\]|\\.)*"\s*\)')
_LONGEST_DECLARATION = 4000


def mask_macros(data: bytes) -> bytes:
    """The same bytes with such macros as blanks; every offset and line stays."""
    data = _CPLUSPLUS_GUARD.sub(_blank, data)
    parts, end = [], 0
    for directive in _DIRECTIVE.finditer(data):
        parts += [_mask(data[end : directive.start()]), directive[0]]
        end = directive.end()
    return b"".join((*parts, _mask(data[end:])))


def mask_names_of_c(data: bytes) -> bytes:
    """C with such names of its own as are none in C++: `new = malloc(size)`."""
    return _WORDS_OF_CPP.sub(lambda word: word[0].capitalize(), data)


def _mask(code: bytes) -> bytes:
    return _unwrap(_CLASS_MARK.sub(_blank_mark, _BLANKED.sub(_blank, code)))


def _unwrap(code: bytes) -> bytes:
    """`DEPRECATED(declaration, "hint")` becomes the declaration alone."""
    if b"DEPRECATED" not in code:
        return code
    end = 0
    while (opening := _DEPRECATED.search(code, end)) is not None:
        end = opening.end()
        hint = _HINT.search(code, end, end + _LONGEST_DECLARATION)
        if hint is not None:
            declaration = code[end : hint.start()]
            code = b"".join((code[: opening.start()], _blank(opening), declaration, _blank(hint), code[hint.end() :]))
            end = hint.end()
    return code


def _blank_mark(match: re.Match[bytes]) -> bytes:
    start, end = match.start(1) - match.start(), match.end(1) - match.start()
    return match[0][:start] + b" " * (end - start) + match[0][end:]


def _blank(match: re.Match[bytes]) -> bytes:
    return re.sub(rb"[^\n]", b" ", match[0])
