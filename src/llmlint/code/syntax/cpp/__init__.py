"""C, C++ and CUDA to the code tree, through tree-sitter.

The parser never gives up: what it cannot make out becomes an ERROR node, which is walked as far as it goes and marked
`Broken`.
"""

from __future__ import annotations

import importlib
from functools import lru_cache

import tree_sitter

from llmlint.code.syntax import tree
from llmlint.code.syntax.cpp import cpp_expressions, cpp_statements, declarations
from llmlint.code.syntax.cpp.cpp_reading import File
from llmlint.code.syntax.cpp.macros import first_branches, mask_macros
from llmlint.code.syntax.errors import Unreadable

_FEW_LINES = 20
__all__ = ["cpp_expressions", "cpp_statements", "declarations", "read_cpp"]


def read_cpp(data: bytes, language: tree.Language) -> tuple[str, tree.Module]:
    """The text of a C, C++ or CUDA file and its tree; bytes that are no UTF-8 read as replacement characters."""
    if b"\0" in data:
        raise Unreadable("holds a NUL byte")
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    encoded = text.encode()
    parser = _parser("cuda" if language == "cuda" else "cpp")
    return text, declarations.module_of(File(encoded, language), _parsed(parser, mask_macros(encoded)))


def _parsed(parser: tree_sitter.Parser, data: bytes) -> tree_sitter.Node:
    """The root of the better of two readings: all branches of the preprocessor's conditions, or their first ones."""
    whole = parser.parse(data).root_node
    if _lines_lost(whole) <= _FEW_LINES:
        return whole
    first = parser.parse(first_branches(data)).root_node
    return first if _lines_lost(first) < _lines_lost(whole) else whole


def _lines_lost(root: tree_sitter.Node) -> int:
    lost, waiting = 0, [root]
    while waiting:
        node = waiting.pop()
        if node.type == "ERROR" or node.is_missing:
            lost += node.end_point.row - node.start_point.row + 1
        elif node.has_error:
            waiting.extend(node.children)
    return lost


@lru_cache(maxsize=4)
def _parser(grammar: str) -> tree_sitter.Parser:
    module = importlib.import_module(f"tree_sitter_{grammar}")
    return tree_sitter.Parser(tree_sitter.Language(module.language()))
