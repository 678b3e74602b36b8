"""Python that `ast` rejects, into the same tree, through tree-sitter: what it cannot parse becomes `Broken` regions.

On source that `ast` accepts it gives the tree that `python_ast` gives, but for the places inside f-strings.
"""

from __future__ import annotations

from functools import cache

import tree_sitter_python
from tree_sitter import Language, Parser
from tree_sitter import Node as Syntax

from llmlint.code.syntax import tree
from llmlint.code.syntax.python_fallback import fallback_expressions, fallback_statements, patterns, strings
from llmlint.code.syntax.python_fallback.fallback_reading import READ, File, is_broken, mark_broken

READ.update(fallback_expressions.READERS | patterns.READERS | fallback_statements.READERS | strings.READERS)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_python.language()))


def read_tolerantly(text: str, max_depth: int) -> tree.Module:
    """What is nested deeper than `max_depth` counts as not parsed."""
    data = text.encode("utf-8")
    root = _parser().parse(data).root_node
    file = File(data, max_depth)
    docstring, body = fallback_statements.documented_body(root, file)
    if root.has_error:
        _mark_the_rest(root, file)
    lines = text.split("\n")
    broken = sorted(file.broken.values(), key=lambda here: (here.line, here.column))
    return tree.Module(1, 1, len(lines), len(lines[-1]) + 1, "python", body, docstring, broken)


def _mark_the_rest(root: Syntax, file: File) -> None:
    """Broken pieces at places where the tree has no room for them (inside a call's parentheses, say)."""
    below = [root]
    while below:
        node = below.pop()
        for child in node.children:
            if is_broken(child):
                mark_broken(child, file)
            elif child.has_error:
                below.append(child)
