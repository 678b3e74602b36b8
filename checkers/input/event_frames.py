"""What a function sends as text: yields, returns, or gives to a call that writes; and what of it is an event."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes

_WRITES = frozenset({"write", "send", "send_text", "send_bytes", "put", "put_nowait", "chunk", "append", "sendall"})
_DUMPS = frozenset({"json.dumps", "orjson.dumps", "ujson.dumps", "dumps"})


def strings_sent(function: tree.Function) -> Iterator[tree.Node]:
    for value in _sent(function):
        if isinstance(value, tree.Format | tree.Literal | tree.Binary):
            yield value


def json_given(function: tree.Function) -> Iterator[tree.Node]:
    """What goes out as bare JSON: yielded, or written."""
    for node in tree.walk_own(function):
        value = node.value if isinstance(node, tree.Yield) else _written(node)
        bare = _plain(value) if value is not None else None
        while isinstance(bare, tree.Binary) and bare.op == "+":
            bare = bare.left
        if isinstance(bare, tree.Call) and tree.path_of(bare.function) in _DUMPS:
            yield node


def returned_by(function: tree.Function) -> list[tree.Node]:
    """What goes to whoever calls the function."""
    return [_plain(node.value) for node in tree.walk_own(function) if isinstance(node, tree.Return) and node.value]


def goes_out_as_returned(file: SourceFile, function: tree.Function) -> bool:
    """Does anybody in the file yield or write what the function returns, with nothing added?"""
    sent = (*(node.value for node in nodes(file.tree, tree.Yield)), *map(_written, nodes(file.tree, tree.Call)))
    given = (_plain(value) for value in sent if value is not None)
    return any(isinstance(call, tree.Call) and _name_called(call) == function.name for call in given)


def _name_called(call: tree.Call) -> str:
    return tree.path_of(call.function).rpartition(".")[2]


def _sent(function: tree.Function) -> Iterator[tree.Node]:
    for node in tree.walk_own(function):
        value = node.value if isinstance(node, tree.Yield | tree.Return) else _written(node)
        if value is not None:
            yield _plain(value)


def _written(node: tree.Node) -> tree.Node | None:
    if isinstance(node, tree.Call) and len(node.args) == 1:
        function = node.function
        name = function.name if isinstance(function, tree.Attribute) else tree.path_of(function)
        return node.args[0] if name in _WRITES else None
    return None


def _plain(value: tree.Node) -> tree.Node:
    """Without `.encode()` around it."""
    match value:
        case tree.Call(function=tree.Attribute(value=inner, name="encode")):
            return inner
    return value


def is_frame(node: tree.Node) -> bool:
    """Does the text begin as the data of an event do?"""
    first = _pieces(node)[0]
    return (
        isinstance(first, tree.Literal) and first.text.startswith("data:") and len(first.text) + len(_pieces(node)) > 6
    )


def ends_of(node: tree.Node) -> str:
    """The last piece that is written out; a letter where the last is a value."""
    last = _pieces(node)[-1]
    return last.text if isinstance(last, tree.Literal) else "x"


def _pieces(node: tree.Node) -> list[tree.Node]:
    if isinstance(node, tree.Format) and node.parts:
        return [*_pieces(node.parts[0]), *node.parts[1:-1], *(node.parts[-1:] if len(node.parts) > 1 else [])]
    if isinstance(node, tree.Binary) and node.op == "+":
        return [*_pieces(node.left), *_pieces(node.right)]
    return [node]
