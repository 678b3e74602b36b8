"""Names that are only handed on: an option that ends in a field of its own name, which nobody reads, changes nothing.

A read is any word of that name in code but where it is declared, where it is given a value, and where its value goes to
what bears the same name here. Strings count, for attributes are also read through strings, and so do arguments of what
is not defined in these files: a library reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property

from llmlint.kept_files import KeptFiles
from llmlint.said_of_names import SETS, is_remark

_TYPED = re.compile(r"\s*:")
_SAID = re.compile(r"\bdest\s*=\s*[\"']\Z")
_DEFINED = re.compile(r"^\s*(?:async\s+def|def|class)\s+(\w+)", re.MULTILINE)
_CALLED = re.compile(r"(\w+)\s*\Z")
_FAR = 4000
"""No call is longer; in so many signs before an argument its callee is looked for."""


class UnreadNames:
    """`paths` are the files in which a name may be read."""

    def __init__(self, paths: Iterable[str], text_of: Callable[[str], str], kept: KeptFiles | None = None) -> None:
        self._paths = [path for path in paths if path.endswith(".py")]
        self._text_of = text_of
        self._kept = kept or KeptFiles()
        self._unread: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        if name not in self._unread:
            self._unread[name] = not any(self._is_read_in(path, name) for path in self._paths)
        return self._unread[name]

    def _is_read_in(self, path: str, name: str) -> bool:
        text = self._text_of(path)
        if self._kept.lacks(text, name):
            return False
        gets_its_own = re.compile(rf"\b{name}\s*=\s*[\w.]*\Z")
        for found in re.finditer(rf"(?<![\w-]){name}\b", text):
            line = text.rfind("\n", 0, found.start()) + 1
            before = text[line : found.start()]
            if _SAID.search(before) or _is_declared(text, before, found.end()) or is_remark(path, text, found.start()):
                continue
            handed_on = gets_its_own.search(before)
            if handed_on is None or not self._stays_here(text, line + handed_on.start()):
                return True
        return False

    def _stays_here(self, text: str, at: int) -> bool:
        """Is what begins here no argument, or one of what these files define?"""
        open_brackets = 0
        for place in range(at - 1, max(-1, at - _FAR), -1):
            if text[place] in ")]}":
                open_brackets -= 1
            elif text[place] in "([{":
                open_brackets += 1
            if open_brackets > 0:
                called = _CALLED.search(text, max(0, place - 100), place)
                return called is not None and called[1] in self._defined
        return True

    @cached_property
    def _defined(self) -> frozenset[str]:
        return frozenset(name for path in self._paths for name in _DEFINED.findall(self._text_of(path)))


def _is_declared(text: str, before: str, end: int) -> bool:
    """Is it given a value, or said to have a type: `config.name = …`, `name: bool`, and not `if config.name:`?"""
    return SETS.match(text, end) is not None or (not before.strip() and _TYPED.match(text, end) is not None)
