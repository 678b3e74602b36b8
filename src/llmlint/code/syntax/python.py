"""Python source into the code tree: decoding, parsing, and what to do when either fails.

`ast` reads what the running interpreter accepts. What it rejects (a syntax error, Python 2, a newer syntax, an
expression too deep for its stack) goes through a tolerant parser, so one bad line costs one region and not the file.
"""

from __future__ import annotations

import ast
import io
import tokenize
import warnings

from llmlint.code.syntax.errors import Unreadable
from llmlint.code.syntax.python_ast import TooDeep, module_of
from llmlint.code.syntax.recursion import room_for_calls
from llmlint.code.syntax.tree import Columns, Module

MAX_DEPTH = 250
"""Levels of a tree that was too deep to convert: what lies below is cut off and marked as broken."""

_CALLS = 850
"""Calls that converting may nest. A level takes two or three, so trees of `MAX_DEPTH` levels fit and others hardly."""

_CALLS_TOLERANT = 3000
"""The same for the tolerant reader, which counts its levels itself."""


_LARGEST_TOLERANT = 1_000_000
"""Characters. The tolerant parser takes up to a thousand times its text in memory; code of this size is rare."""


def read_python(data: bytes) -> tuple[str, Module]:
    """The text, with `\\n` line ends and no byte order mark, and its tree; raises Unreadable."""
    text = decode(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser warns of odd escapes in the code it reads
            parsed = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if len(text) > _LARGEST_TOLERANT:
            raise Unreadable(f"{_complaint(error)}, and is too large to be read around that") from error
        return text, _read_tolerantly(text)
    if not text.isascii():
        _count_code_points(parsed, text)
    return text, _converted(parsed, text)


def decode(data: bytes) -> str:
    """The text as the interpreter would see it: by byte order mark or PEP 263 cookie, else UTF-8."""
    if b"\0" in data:
        raise Unreadable("holds a NUL byte")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
        text.encode("utf-8")  # some codecs give lone surrogates, which no parser takes
    except SyntaxError as error:
        raise Unreadable(f"is not text in the encoding it declares: {error.msg}") from error
    except (ValueError, LookupError) as error:
        raise Unreadable(f"is not text in UTF-8 or the encoding it declares: {error}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _complaint(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"does not parse (line {error.lineno}: {error.msg})"
    return "is nested too deep to parse"


def _read_tolerantly(text: str) -> Module:
    from llmlint.code.syntax.python_fallback import read_tolerantly  # most runs never need this parser

    with room_for_calls(_CALLS_TOLERANT):
        return read_tolerantly(text, MAX_DEPTH)


def _converted(parsed: ast.Module, text: str) -> Module:
    with room_for_calls(_CALLS):
        try:
            return module_of(parsed, text)
        except RecursionError:
            _cut_below(parsed, MAX_DEPTH)
            return module_of(parsed, text)


def _cut_below(parsed: ast.Module, levels: int) -> None:
    """Put a TooDeep in the place of every statement, expression and pattern further down."""
    level: list[ast.AST] = [parsed]
    for _ in range(levels):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    for node in level:
        _cut_children(node)


def _cut_children(node: ast.AST) -> None:
    for name, value in ast.iter_fields(node):
        setattr(node, name, [_cut(item) for item in value] if isinstance(value, list) else _cut(value))


def _cut(value: object) -> object:
    if isinstance(value, ast.expr | ast.stmt | ast.pattern):
        return TooDeep(value.lineno, value.col_offset, value.end_lineno, value.end_col_offset)
    if isinstance(value, ast.AST):  # keywords, parameters, cases: they hold what is cut
        _cut_children(value)
    return value


_PLACED = (ast.stmt, ast.expr, ast.arg, ast.keyword, ast.alias, ast.excepthandler, ast.pattern)


def _count_code_points(parsed: ast.Module, text: str) -> None:
    """`ast` counts columns in UTF-8 bytes; from here on they count code points, as they do in the tree."""
    columns = Columns(text.encode("utf-8"))
    wide = {at for at, line in enumerate(text.split("\n"), 1) if not line.isascii()}
    for node in ast.walk(parsed):
        if isinstance(node, _PLACED):
            if node.lineno in wide:
                node.col_offset = columns(node.lineno, node.col_offset) - 1
            if node.end_lineno in wide and node.end_col_offset is not None:
                node.end_col_offset = columns(node.end_lineno, node.end_col_offset) - 1
