"""Finding the rows of the vocabulary that speak of a call, quickly: every call of every file is looked up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Generic, TypeVar

Row = TypeVar("Row")

_NOISE = re.compile(r"<[^<>]*>|^~|^::")


def call_path(callee: str) -> str:
    """A callee in one spelling for both languages: dots between its parts, no template arguments."""
    return _NOISE.sub("", callee).replace("->", ".").replace("::", ".")


class CallIndex(Generic[Row]):
    """Rows by the calls they name, written in the forms that the heads of the TOML files explain."""

    def __init__(self, rows: Iterable[tuple[str, Row]]) -> None:
        self._by_name: dict[str, list[tuple[str, Row]]] = {}
        self._shapes: list[tuple[str, Row]] = []
        self._found: dict[str, tuple[Row, ...]] = {}
        self._may_be_found: dict[str, bool] = {}
        for call, row in rows:
            if "*" in call:
                self._shapes.append((call, row))
            else:
                self._by_name.setdefault(call.lstrip(".=").rpartition(".")[2], []).append((call, row))

    def find(self, callee: str) -> tuple[Row, ...]:
        """The rows that name this call, each once."""
        if callee not in self._found:
            self._found[callee] = self._search(call_path(callee), is_own=callee.startswith("~"))
        return self._found[callee]

    def may_find(self, name: str) -> bool:
        """Could a call whose last part is this name have a row? A sieve before whole paths are compared."""
        if name not in self._may_be_found:
            shapes = (call for call, _ in self._shapes)
            self._may_be_found[name] = name in self._by_name or any(fnmatchcase(name, shape) for shape in shapes)
        return self._may_be_found[name]

    def _search(self, path: str, is_own: bool) -> tuple[Row, ...]:
        """`is_own`: it begins with a name of the function's own, so it is no library's whatever it is called."""
        name = path.rpartition(".")[2]
        spelt = ((call, row) for call, row in self._by_name.get(name, ()) if is_call(path, call))
        named = [row for call, row in spelt if not (is_own and call.startswith("="))]
        shaped = [row for call, row in self._shapes if fnmatchcase(name, call)]
        rows: list[Row] = []
        for row in named + shaped:
            if row not in rows:
                rows.append(row)
        return tuple(rows)


def names_call(calls: tuple[str, ...], callee: str) -> bool:
    """Does one of a few forms name this call?"""
    return bool(calls) and bool(_index_of(calls).find(callee))


@lru_cache(maxsize=256)
def _index_of(calls: tuple[str, ...]) -> CallIndex[str]:
    return CallIndex((call, call) for call in calls)


def is_call(path: str, call: str) -> bool:
    """Is a callee, spelled as `call_path` does, the call that a row names?"""
    if call.startswith("="):
        return path == call[1:]
    if call.startswith("."):
        return path.endswith(call)
    return path == call or path.endswith(f".{call}")
