"""What happens to the locals of the C++ functions of one file: one reading for all checkers that ask."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.flow.fates import Seen
from llmlint.code.flow.lifetimes import Lifetimes
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes

_ENDS = ("move(", "delete ", "delete[", "free(", "destroy(", "detach(", "= &", "return &", "string_view ", "span<")
_BUFFERS = ("c_str()", "data()")
_CHANGES = ("push_back(", "emplace", "insert(", "erase(", "clear(", "resize(", "append(", "assign(", "push_front(")
_KEPT = re.compile(r"=|\breturn\b")
_DECLARED = re.compile(
    r"\n[ \t]+(?:const )?(?:unsigned |long |short )*(?:int|bool|float|double|size_t|u?int\d+_t|char|long|\w+ \*) ?\*?"
    r"\w+(?:, ?\*?\w+)*;"
)
_BORROWS = re.compile(r"[&*] ?\w+ = .*(?:\[|back\(|front\(|at\()|= .*\b(?:begin|end|find|lower_bound|upper_bound)\(")
_NEWLINE = re.compile("\n")
_LARGEST = 3000


class Met(NamedTuple):
    function: tree.Function
    seen: Seen


_last: tuple[tree.Module, list[Met]] | None = None


def met_in(file: SourceFile) -> list[Met]:
    global _last
    if _last is None or _last[0] is not file.tree:
        _last = (file.tree, _read(file))
    return _last[1]


def _read(file: SourceFile) -> list[Met]:
    text = file.text
    starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]
    worth = sorted((*_found(_ENDS, text), *_kept_buffers(text), *(match.end() for match in _DECLARED.finditer(text))))
    changes = _found(_CHANGES, text)
    jumps = [starts[label.line - 1] for label in nodes(file.tree, tree.Label)]
    functions = []
    for function in nodes(file.tree, tree.Function):
        if function.body and function.end_line - function.line < _LARGEST:
            begin, end = starts[function.line - 1], starts[min(function.end_line, len(starts) - 1)]
            borrows = _any_in(changes, begin, end) and _BORROWS.search(text, begin, end) is not None
            if (borrows or _any_in(worth, begin, end)) and not _any_in(jumps, begin, end):
                functions.append(function)
    if not functions:
        return []
    lines = file.text.split("\n")
    typed = [field for field in nodes(file.tree, tree.Field) if isinstance(field.annotation, tree.TypeName)]
    fields = {field.name: field.annotation.text for field in typed if isinstance(field.annotation, tree.TypeName)}
    values = frozenset(
        function.name
        for function in nodes(file.tree, tree.Function)
        if isinstance(function.returns, tree.TypeName) and function.returns.text in ("std::string", "string")
    )
    return [Met(f, seen) for f in functions for seen in Lifetimes(f, lines, fields, values).read()]


def _found(words: tuple[str, ...], text: str) -> list[int]:
    """Where these words stand; looking for plain words is many times faster than a pattern."""
    found = []
    for word in words:
        at = text.find(word)
        while at >= 0:
            found.append(at)
            at = text.find(word, at + 1)
    return sorted(found)


def _kept_buffers(text: str) -> Iterator[int]:
    for at in _found(_BUFFERS, text):
        if _KEPT.search(text, text.rfind("\n", 0, at) + 1, at):
            yield at


def _any_in(places: list[int], begin: int, end: int) -> bool:
    at = bisect_left(places, begin)
    return at < len(places) and places[at] < end
