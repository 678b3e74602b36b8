"""What an expression names, as text that is equal where two name the same: `self.slots[id]`, `it.second`."""

from __future__ import annotations

from llmlint.code.syntax import tree


def spot(node: tree.Node | None) -> str:
    """A name, its attributes and its elements under a plain key; "" for anything else, a call's result among them."""
    match node:
        case tree.Name(id=name):
            return "self" if name == "this" else name
        case tree.Attribute(value=value, name=name):
            inner = spot(value)
            return f"{inner}.{name}" if inner else ""
        case tree.Index(value=value, key=key):
            inner, at = spot(value), key_of(key)
            return f"{inner}[{at}]" if inner and at else ""
        case tree.Await(value=value) | tree.Cast(value=value):
            return spot(value)
    return ""


def key_of(key: tree.Node) -> str:
    if isinstance(key, tree.Literal):
        return repr(key.text) if key.kind in ("string", "char") else key.text
    return spot(key)


def is_part(place: str, whole: str) -> bool:
    """Is it this place, or something of it?"""
    return place.startswith(whole) and place[len(whole) : len(whole) + 1] in ("", ".", "[")
