"""C, C++ and CUDA to the code tree, through tree-sitter.

The parser never gives up: what it cannot make out becomes an ERROR node, which is walked as far as it goes and marked
`Broken`.
"""

from __future__ import annotations

import importlib
import re
from functools import lru_cache

import tree_sitter

from llmlint.code.syntax import tree
from llmlint.code.syntax.cpp import cpp_expressions, cpp_statements, declarations
from llmlint.code.syntax.cpp.cpp_reading import File
from llmlint.code.syntax.cpp.macros import mask_macros, mask_names_of_c
from llmlint.code.syntax.cpp.repairs import lines_lost, mended
from llmlint.code.syntax.errors import Unreadable

_OF_CUDA = re.compile(rb"\b__(?:global|device|shared)__\b|<<<")
_MARKS_OF_CUDA = (b"__global__", b"__device__", b"__shared__", b"<<<")
__all__ = ["cpp_expressions", "cpp_statements", "declarations", "read_cpp"]


def read_cpp(data: bytes, language: tree.Language) -> tuple[str, tree.Module]:
    """The text of a C, C++ or CUDA file and its tree; bytes that are no UTF-8 read as replacement characters."""
    if b"\0" in data:
        raise Unreadable("holds a NUL byte")
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    encoded = text.encode()
    parser = _parser("cuda" if language == "cuda" or _is_cuda(encoded) else "cpp")
    masked = mask_macros(encoded)
    if language == "c":
        masked = mask_names_of_c(masked)
    parsed = parser.parse(masked)
    root = parsed.root_node
    root, left_out = mended(parser, masked, parsed) if lines_lost(root) else (root, [])
    return text, declarations.module_of(File(encoded, language), root, left_out)


def _is_cuda(text: bytes) -> bool:
    return any(mark in text for mark in _MARKS_OF_CUDA) and _OF_CUDA.search(text) is not None


@lru_cache(maxsize=4)
def _parser(grammar: str) -> tree_sitter.Parser:
    module = importlib.import_module(f"tree_sitter_{grammar}")
    return tree_sitter.Parser(tree_sitter.Language(module.language()))
