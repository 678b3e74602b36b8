"""String literals: prefixes, escapes, implicit concatenation and f-strings."""

from __future__ import annotations

import ast

from tree_sitter import Node as Syntax

from llmlint.code.syntax import tree
from llmlint.code.syntax.python_fallback.fallback_reading import File, Place, Reader, at, one, parts, text_of
from llmlint.code.syntax.tree import Node


def _string(node: Syntax, file: File) -> Node:
    return _joined(node, [node], file)


def _concatenated(node: Syntax, file: File) -> Node:
    return _joined(node, parts(node), file)


def _joined(node: Syntax, pieces: list[Syntax], file: File) -> Node:
    """Pieces written one after the other are one literal, or one f-string when any of them is."""
    prefixes = "".join(_prefix(piece) for piece in pieces)
    if "f" in prefixes or "t" in prefixes:
        return tree.Format(*at(node, file), _format_parts(node, pieces, file))
    kind = "bytes" if "b" in prefixes else "string"
    return tree.Literal(*at(node, file), kind, "".join(_content(piece) for piece in pieces))


def _prefix(piece: Syntax) -> str:
    return text_of(piece.children[0]).rstrip("\"'").lower() if piece.children else ""


def _content(piece: Syntax) -> str:
    start = text_of(piece.children[0]) if piece.children else ""
    content = "".join(text_of(child) for child in piece.children if child.type == "string_content")
    return _unescaped(content, start)


def _unescaped(content: str, start: str) -> str:
    """`start` is the prefix and the opening quotes."""
    prefix, quotes = start.rstrip("\"'").lower(), start.lstrip("".join(set(start) - {'"', "'"}))
    if "\\" not in content or "r" in prefix:
        return content
    try:
        value = ast.literal_eval(("b" if "b" in prefix else "") + quotes + content + quotes)
    except (SyntaxError, ValueError):
        return content
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _format_parts(node: Syntax, pieces: list[Syntax], file: File) -> list[Node]:
    """Neighbouring text is one part."""
    here = at(node, file)
    read: list[Node] = []
    for piece in pieces:
        start = text_of(piece.children[0]) if piece.children else ""
        for child in piece.children:
            if child.type == "string_content":
                text = _unescaped(text_of(child), start)
                if "f" in _prefix(piece):
                    text = text.replace("{{", "{").replace("}}", "}")
                _append_text(read, here, text)
            elif child.type == "interpolation":
                _append_text(read, here, _self_documenting(child))
                read.append(_field(child, file))
    return read


def _append_text(read: list[Node], here: Place, text: str) -> None:
    if read and isinstance(read[-1], tree.Literal):
        read[-1].text += text
    elif text:
        read.append(tree.Literal(*here, "string", text))


def _self_documenting(node: Syntax) -> str:
    """The `name=` that `{name=}` prints before the value."""
    equals = next((child for child in node.children if child.type == "="), None)
    if equals is None or node.text is None:
        return ""
    return node.text[1 : equals.end_byte - node.start_byte].decode("utf-8")


def _field(node: Syntax, file: File) -> Node:
    value = node.child_by_field_name("expression")
    conversion = text_of(node.child_by_field_name("type_conversion"))[1:]
    spec = text_of(node.child_by_field_name("format_specifier"))[1:]
    if _self_documenting(node) and not conversion and not spec:
        conversion = "r"
    read = one(value, file) if value else tree.Broken(*at(node, file), [])
    return tree.FormatField(*at(node, file), read, conversion, spec)


READERS: dict[str, Reader] = {"concatenated_string": _concatenated, "string": _string}
