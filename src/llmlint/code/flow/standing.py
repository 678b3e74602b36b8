"""Which place an expression of Python stands for, as text: `request.n`, `data['tools'][]`."""

from __future__ import annotations

from collections.abc import Mapping

from llmlint.code.syntax import tree

_GIVES_PARSED = frozenset({"json", "json.loads", "orjson.loads", "ujson.loads"})


def standing_for(node: tree.Node | None, names: Mapping[str, str]) -> str:
    """Empty for what is no place. `d.get("k")` is `d['k']`; what a parser of JSON gives is a place of its own."""
    match node:
        case tree.Name(id=name):
            return names.get(name, name)
        case tree.Attribute(value=value, name=name):
            inner = standing_for(value, names)
            return f"{inner}.{name}" if inner else ""
        case tree.Index(value=value, key=key):
            inner = standing_for(value, names)
            return f"{inner}[{_key(key, names)}]" if inner else ""
        case tree.Await(value=value) | tree.Named(target=value):
            return standing_for(value, names)
        case tree.Call(function=tree.Attribute(value=value, name="get"), args=[key, *_]):
            inner = standing_for(value, names)
            return f"{inner}[{_key(key, names)}]" if inner else ""
        case tree.Call(function=function):
            return parsed_by(function)
    return ""


def parsed_by(function: tree.Node) -> str:
    """The place of what `await request.json()` or `json.loads(text)` gives, "" for other calls."""
    path = tree.path_of(function)
    if path in _GIVES_PARSED or (path.rpartition(".")[2] == "json" and path.count(".") == 1):
        return f"{path}()@{function.line}"
    return ""


def _key(key: tree.Node, names: Mapping[str, str]) -> str:
    if isinstance(key, tree.Literal):
        return repr(key.text) if key.kind == "string" else key.text
    place = standing_for(key, names)
    return f"={place}" if place else ""
