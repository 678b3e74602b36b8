"""The nodes of one tree by their kind: one walk for all checkers that look at the same file, one after another."""

from __future__ import annotations

from typing import TypeVar

from llmlint.code.syntax import tree

_N = TypeVar("_N", bound=tree.Node)
_Index = dict[type[tree.Node], list[tree.Node]]

_last: tuple[tree.Module, _Index] | None = None


def nodes(module: tree.Module, kind: type[_N]) -> list[_N]:
    """All nodes of exactly this kind, in source order."""
    return _index(module).get(kind, [])  # type: ignore[return-value]


def _index(module: tree.Module) -> _Index:
    global _last
    if _last is None or _last[0] is not module:
        found: _Index = {}
        for node in tree.walk(module):
            found.setdefault(type(node), []).append(node)
        _last = (module, found)
    return _last[1]
