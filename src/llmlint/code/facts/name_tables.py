"""The tables of Python code that spell out names as texts: `{"shape": make_shape}`, `["width", "height"]`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmlint.code.facts.facts import Table
from llmlint.code.syntax import tree

_KEEPING = frozenset({tree.Assign, tree.Loop})


def tables_in(nodes: Iterable[tree.Node]) -> Iterator[Table]:
    """Those that are kept under a name, by the last part of it, or gone over in place."""
    for node in nodes:
        if type(node) not in _KEEPING:  # nearly all
            continue
        match node:
            case tree.Assign(targets=targets, value=value):
                kept_as = [path.rpartition(".")[2] for target in targets if (path := tree.path_of(target))]
            case tree.Loop(iterable=value):
                kept_as = [""]
        names = tuple(dict.fromkeys(_names_in(_gone_over(value))))
        yield from (Table(name, names) for name in kept_as if names)


def _gone_over(value: tree.Node | None) -> tree.Node | None:
    """The table of `{…}.items()`."""
    match value:
        case tree.Call(function=tree.Attribute(value=table, name="items" | "keys"), args=[]):
            return table
    return value


def _names_in(table: tree.Node | None) -> Iterator[str]:
    match table:
        case tree.Collection(items=items, keys=keys):
            for item in keys or items:
                yield from _names_in(item)
        case tree.Literal(kind="string", text=text) if text.isidentifier():
            yield text
