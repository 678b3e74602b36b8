"""What kind of value an expression gives, as far as its form tells."""

from __future__ import annotations

from collections.abc import Callable

from llmlint.code.syntax import tree
from llmlint.code.syntax.source_text import SourceText

_EMPTY_MAKERS = frozenset(
    "list dict set frozenset tuple deque defaultdict OrderedDict Counter bytearray ChainMap "
    "WeakValueDictionary WeakKeyDictionary WeakSet".split()
)
_STD_CONTAINERS = frozenset(
    "vector deque list set map unordered_set unordered_map multimap multiset queue stack priority_queue string".split()
)
_TAKES_A_FACTORY = frozenset({"defaultdict"})
_NULLS = frozenset({"nullptr", "NULL"})


def classify(node: tree.Node | None, source: SourceText, path: str | None = None) -> tuple[str, str]:
    """(`value`, `source`) as `facts.Effect` documents them. `path` is the node's path where the caller knows better."""
    if node is None:
        return "none", ""
    kind = _CLASSIFIERS.get(type(node))
    if kind is not None:
        return kind(node, source)
    followed = path if path is not None else tree.path_of(node)
    return ("path", followed) if followed else ("other", "")


def _literal(node: tree.Node, source: SourceText) -> tuple[str, str]:
    assert isinstance(node, tree.Literal)
    return ("none", "") if node.kind == "none" else ("constant", source.of(node, 80))


def _name(node: tree.Node, source: SourceText) -> tuple[str, str]:
    assert isinstance(node, tree.Name)
    return ("none", "") if node.id in _NULLS else ("path", node.id)


def _call(node: tree.Node, source: SourceText) -> tuple[str, str]:
    assert isinstance(node, tree.Call)
    callee = tree.path_of(node.function)
    last = callee.rsplit(".", 1)[-1]
    if last in _EMPTY_MAKERS and (not node.args or (last in _TAKES_A_FACTORY and len(node.args) == 1)):
        return "empty", source.of(node, 80)
    if callee.startswith("std.") and last in _STD_CONTAINERS and not node.args:
        return "empty", source.of(node, 80)
    return "new", callee


def _new(node: tree.Node, source: SourceText) -> tuple[str, str]:
    assert isinstance(node, tree.New)
    return "new", source.of(node.type, 80)


def _collection(node: tree.Node, source: SourceText) -> tuple[str, str]:
    assert isinstance(node, tree.Collection)
    return ("container", "") if node.items else ("empty", source.of(node, 80))


def _comprehension(node: tree.Node, source: SourceText) -> tuple[str, str]:
    return "container", ""


def _unary(node: tree.Node, source: SourceText) -> tuple[str, str]:
    assert isinstance(node, tree.Unary)
    if isinstance(node.operand, tree.Literal):
        return "constant", source.of(node, 80)
    if node.op in ("*", "&"):
        return classify(node.operand, source)
    return "other", node.op


def _binary(node: tree.Node, source: SourceText) -> tuple[str, str]:
    assert isinstance(node, tree.Binary)
    return "other", node.op


def _compare(node: tree.Node, source: SourceText) -> tuple[str, str]:
    assert isinstance(node, tree.Compare)
    return "other", node.ops[0]


def _conditional(node: tree.Node, source: SourceText) -> tuple[str, str]:
    assert isinstance(node, tree.Conditional)
    return _most_telling(classify(node.body, source), classify(node.orelse, source))


def _logic(node: tree.Node, source: SourceText) -> tuple[str, str]:
    assert isinstance(node, tree.Logic)
    return _most_telling(*(classify(operand, source) for operand in reversed(node.operands)))


def _wrapped(node: tree.Node, source: SourceText) -> tuple[str, str]:
    assert isinstance(node, tree.Await | tree.Cast)
    return classify(node.value, source)


_TELLING = ("new", "container", "empty", "path", "constant", "none", "other")


def _most_telling(*values: tuple[str, str]) -> tuple[str, str]:
    """`Pool() if enabled else None` is best described by its `Pool()`."""
    return min(values, key=lambda value: _TELLING.index(value[0]))


_CLASSIFIERS: dict[type[tree.Node], Callable[[tree.Node, SourceText], tuple[str, str]]] = {
    tree.Literal: _literal,
    tree.Name: _name,
    tree.Call: _call,
    tree.New: _new,
    tree.Collection: _collection,
    tree.Comprehension: _comprehension,
    tree.Unary: _unary,
    tree.Binary: _binary,
    tree.Compare: _compare,
    tree.Conditional: _conditional,
    tree.Logic: _logic,
    tree.Await: _wrapped,
    tree.Cast: _wrapped,
}
