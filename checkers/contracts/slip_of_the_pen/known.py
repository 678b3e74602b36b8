"""What all kinds of slips ask of a file."""

from __future__ import annotations

import builtins
from typing import NamedTuple

from llmlint.code.facts.facts import FileFacts
from llmlint.code.syntax import tree
from llmlint.code.syntax.written import text_of

ERRORS = frozenset(n for n, v in vars(builtins).items() if isinstance(v, type) and issubclass(v, BaseException))
_DECODE_ERRORS = ("json.JSONDecodeError", "json.decoder.JSONDecodeError")
"""Kinds of ValueError: docs.python.org/3/library/json."""


class Known(NamedTuple):
    """The names of exceptions and of what is imported, what is known of the file, its text and its tree."""

    errors: frozenset[str]
    imported: dict[str, str]
    facts: FileFacts
    lines: list[str]
    module: tree.Module

    def text(self, node: tree.Node) -> str:
        return text_of(node, self.lines)

    def class_named(self, node: tree.Node) -> str:
        """The same text only for the same class; "" for what may be another class each time it is asked for."""
        path = tree.path_of(node)
        if "()" in path:
            return ""
        return self.text(node) if "[]" in path else self.meant(path)

    def meant(self, path: str) -> str:
        """A dotted name as its module knows it: `aio.CancelledError` is `asyncio.CancelledError`."""
        first, dot, further = path.removeprefix("builtins.").partition(".")
        return f"{self.imported.get(first, first)}{dot}{further}"

    def above(self, path: str) -> set[str]:
        """The classes that one stands under, as far as the file and the language tell; none of another module's."""
        if "." in path:
            return {"ValueError"} if path in _DECODE_ERRORS else set()
        bases = {cls.name: cls.bases for cls in self.facts.classes}
        found: set[str] = set()
        waiting = [path]
        while waiting:
            for base in map(self.meant, bases.get(one := waiting.pop(), ())):
                if base not in found:
                    waiting.append(base)
                    found.add(base)
            own = vars(builtins).get(one) if one not in bases else None
            if isinstance(own, type) and issubclass(own, BaseException):
                found |= {cls.__name__ for cls in own.__mro__[1:-1]}
        return found
