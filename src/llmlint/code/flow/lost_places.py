"""The uses behind an end of one file, found once for the rules that ask about them."""

from __future__ import annotations

import re
from collections.abc import Set

from llmlint.code.facts.native_endings import native_endings
from llmlint.code.flow.borrowed_locals import Locals
from llmlint.code.flow.lifetimes import Lost, lost_in
from llmlint.code.flow.native_helpers import CHANGES, Helpers, fields_of
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import OfLastTree, functions_of

_ENDING = ("move", "delete", "free", "fclose")
_FREEING = frozenset({"delete", "free", "fclose"})
_CALLED_TO_END = re.compile(r"\b(?:move|free|fclose)\s*\(|\bdelete\b")
_METHOD_TO_END = re.compile(r"[.>](?:detach|c_str|data|get|erase|clear|push_back|emplace_back|resize|insert)\b")
_WORD = re.compile(r"[A-Za-z_]\w*")
_STEPS = 4
"""So deep helpers are followed."""
_known: OfLastTree[list[Lost]] = OfLastTree()


def lost_places(file: SourceFile) -> list[Lost]:
    if file.facts.language == "python" or not _may_end(file.text):
        return []
    return _known.of(file.tree, lambda: _found(file))


def _may_end(text: str) -> bool:
    if _METHOD_TO_END.search(text):
        return True
    return any(word in text for word in _ENDING) and _CALLED_TO_END.search(text) is not None


def _found(file: SourceFile) -> list[Lost]:
    fields = fields_of(file.facts)
    functions = functions_of(file.tree)
    endings = native_endings(file.tree, file.facts.macros)
    lines = file.text.splitlines()
    words = {id(f): set(_WORD.findall("\n".join(lines[f.line - 1 : f.end_line]))) for f in functions}
    helpers = Helpers(functions, fields, endings, _leading_to(_FREEING, functions, words))
    returning = {f.name: f.returns.text for f in functions if isinstance(f.returns, tree.TypeName)}
    ending = _leading_to({*_ENDING, *CHANGES, "extract", "shrink_to_fit"}, functions, words)
    ended = [function for function in functions if not ending.isdisjoint(words[id(function)])]
    found = [lost for function in ended for lost in lost_in(function, fields, helpers, lines, endings)]
    return found + [lost for function in functions for lost in Locals(function, fields, returning).found()]


def _leading_to(seeds: Set[str], functions: list[tree.Function], words: dict[int, set[str]]) -> Set[str]:
    """The seeds, and the functions that may lead there, by their words alone: a sieve."""
    leading = set(seeds)
    for _ in range(_STEPS):
        more = {f.name for f in functions if not leading.isdisjoint(words[id(f)] - {f.name})}
        if more <= leading:
            break
        leading |= more
    return leading
