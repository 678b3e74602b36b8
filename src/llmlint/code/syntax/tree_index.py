"""What one tree holds, found once for all checkers that look at the same file, one after another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from llmlint.code.syntax import tree

_A = TypeVar("_A")
_N = TypeVar("_N", bound=tree.Node)
_Index = dict[type[tree.Node], list[tree.Node]]


class OfLastTree(Generic[_A]):
    """An answer about the tree that was asked about last."""

    def __init__(self) -> None:
        self._known: tuple[tree.Module, _A] | None = None

    def of(self, module: tree.Module, find: Callable[[], _A]) -> _A:
        if self._known is None or self._known[0] is not module:
            self._known = (module, find())
        return self._known[1]


_indexed: OfLastTree[_Index] = OfLastTree()


def nodes(module: tree.Module, kind: type[_N]) -> list[_N]:
    """All nodes of exactly this kind, in source order."""
    return _indexed.of(module, lambda: _index(module)).get(kind, [])  # type: ignore[return-value]


def _index(module: tree.Module) -> _Index:
    found: _Index = defaultdict(list)
    for node in tree.walk(module):
        found[type(node)].append(node)
    return found


def functions_of(module: tree.Module) -> list[tree.Function]:
    """Those with a body that stand in no other: what is nested is passed with the one around it."""
    found = tree.walk(module, into=holds_definitions)
    return [node for node in found if isinstance(node, tree.Function) and node.body]


def holds_definitions(node: tree.Node) -> bool:
    return isinstance(node, tree.Module | tree.Class | tree.Broken | tree.If | tree.Block)


def by_only_name(functions: Iterable[tree.Function]) -> dict[str, tree.Function]:
    """By name, where the file has one of that name."""
    functions = list(functions)
    counted = Counter(function.name for function in functions)
    return {function.name: function for function in functions if counted[function.name] == 1}
