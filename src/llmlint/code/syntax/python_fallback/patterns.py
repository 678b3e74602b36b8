"""The patterns of `match`."""

from __future__ import annotations

from tree_sitter import Node as Syntax

from llmlint.code.syntax import tree
from llmlint.code.syntax.python_fallback.fallback_reading import File, Reader, at, every, one, parts, place, text_of
from llmlint.code.syntax.tree import Node


def _pattern(node: Syntax, file: File) -> Node:
    """A wildcard is a bare token here, a negative number two of them."""
    inside = parts(node)
    if not inside:
        return tree.Name(*at(node, file), text_of(node))
    return _signed(inside[0], file)


def _signed(value: Syntax, file: File) -> Node:
    sign = value.prev_sibling
    if sign is None or sign.type != "-":
        return one(value, file)
    return tree.Unary(*place(sign, value, file), "-", one(value, file))


def _union(node: Syntax, file: File) -> Node:
    return tree.Logic(
        *at(node, file), "or", [_signed(child, file) for child in node.children if child.type not in ("|", "-")]
    )


def _wildcard(node: Syntax, file: File) -> Node:
    return tree.Name(*at(node, file), "_")


def _sequence(node: Syntax, file: File) -> Node:
    """`(a)` is only `a`."""
    inside = parts(node)
    if node.type == "tuple_pattern" and len(inside) == 1 and not any(child.type == "," for child in node.children):
        return one(inside[0], file)
    kind = "list" if any(child.type == "case_pattern" for child in inside) or node.type == "list_pattern" else "tuple"
    return tree.Collection(*at(node, file), kind, every(inside, file))


def _mapping(node: Syntax, file: File) -> Node:
    keys: list[Node | None] = list(every((key for key in node.children_by_field_name("key")), file))
    items = every(node.children_by_field_name("value"), file)
    rest = next((child for child in parts(node) if child.type == "splat_pattern"), None)
    if rest:
        keys.append(None)
        items.append(tree.Name(*at(node, file), text_of(parts(rest)[0]) if parts(rest) else "_"))
    return tree.Collection(*at(node, file), "dict", items, keys)


def _class(node: Syntax, file: File) -> Node:
    name, *arguments = parts(node)
    read = every(arguments, file)
    keywords = [argument for argument in read if isinstance(argument, tree.Keyword)]
    positional = [argument for argument in read if not isinstance(argument, tree.Keyword)]
    return tree.Call(*at(node, file), one(name, file), positional, keywords)


def _keyword(node: Syntax, file: File) -> Node:
    """Its place is that of its value, as `ast` knows no other."""
    name, *values = node.named_children
    value = _signed(values[-1], file) if values else tree.Name(*at(node, file), "_")
    return tree.Keyword(value.line, value.column, value.end_line, value.end_column, text_of(name), value)


def _as(node: Syntax, file: File) -> Node:
    pattern, *alias = parts(node)
    target = tree.Name(*at(alias[-1], file), text_of(alias[-1])) if alias else tree.Name(*at(node, file), "_")
    return tree.Named(*at(node, file), target, one(pattern, file))


def _splat(node: Syntax, file: File) -> Node:
    line, column, end_line, end_column = at(node, file)
    name = text_of(node).lstrip("*").strip()
    return tree.Star(line, column, end_line, end_column, tree.Name(line, column + 1, end_line, end_column, name or "_"))


READERS: dict[str, Reader] = {
    "as_pattern": _as,
    "case_pattern": _pattern,
    "class_pattern": _class,
    "dict_pattern": _mapping,
    "keyword_pattern": _keyword,
    "list_pattern": _sequence,
    "splat_pattern": _splat,
    "tuple_pattern": _sequence,
    "union_pattern": _union,
    "_": _wildcard,
}
