"""What a value may be where its form leaves a choice, and what a fresh container holds: paths for linking to follow.

`a if x else B()` may be `a` or `B()`; `[Slot(i) for i in ids]` holds `Slot()`; the target of `for x in make():` may be
`make()[]`. Names stand for what they do where the value is read.
"""

from __future__ import annotations

import re

from llmlint.code.facts.bodies.body_reading import BodyReader
from llmlint.code.facts.container_methods import WRAPPERS
from llmlint.code.syntax import tree

_MOST = 8
_MAY_HOLD = frozenset({tree.Collection, tree.Comprehension, tree.Conditional, tree.Binary, tree.Call})
_MAKERS = frozenset("make_unique make_shared static_cast dynamic_cast reinterpret_cast const_cast".split())
_QUALIFIERS = re.compile(r"\b(?:const|struct|class|enum)\b|[*&]")
_TYPE_MAKERS = frozenset({"TypeVar", "NewType"})


def options_of(reader: BodyReader, node: tree.Node | None) -> tuple[str, ...]:
    """The paths a value may be, where its form offers several or hides the one there is; else ()."""
    if not reader.scope.is_python and isinstance(node, tree.Call | tree.Cast):
        return _made_of_type(node)
    while isinstance(node, tree.Await | tree.Cast):
        node = node.value
    if not isinstance(node, tree.Conditional | tree.Logic):
        return ()
    return tuple(dict.fromkeys(_choices(reader, node)))[:_MOST]


def _made_of_type(node: tree.Call | tree.Cast) -> tuple[str, ...]:
    """C++: the class that a cast or `make_unique<T>` names, as a call that makes an object of it."""
    if isinstance(node, tree.Cast):
        text = node.type.text if isinstance(node.type, tree.TypeName) else ""
    else:
        is_maker = node.template and tree.path_of(node.function).rpartition(".")[2] in _MAKERS
        text = node.template.strip("<> ") if is_maker else ""
    name = _QUALIFIERS.sub("", text).strip()
    return (f"{name}()",) if name.replace("::", "").isidentifier() else ()


def _choices(reader: BodyReader, node: tree.Node) -> list[str]:
    match node:
        case tree.Conditional(body=body, orelse=orelse):
            return [*_choices(reader, body), *_choices(reader, orelse)]
        case tree.Logic(op=op, operands=operands):
            return [
                path for operand in (operands if op == "or" else operands[-1:]) for path in _choices(reader, operand)
            ]
        case tree.Await(value=value) | tree.Cast(value=value) | tree.Named(value=value):
            return _choices(reader, value)
    path = followed(reader, node)
    return [path] if path else []


def held_in(reader: BodyReader, node: tree.Node | None) -> tuple[str, ...]:
    """The paths of what a display or comprehension puts into the container it makes."""
    if type(node) not in _MAY_HOLD or not reader.scope.is_python:
        return ()
    return tuple(dict.fromkeys(_held(reader, node)))[:_MOST]


def _held(reader: BodyReader, node: tree.Node | None) -> list[str]:
    match node:
        case tree.Collection(items=items):
            return [path for item in items[:_MOST] for path in _item(reader, item)]
        case tree.Comprehension():
            return list(reader.comprehended.get((node.line, node.column), ()))
        case tree.Conditional(body=body, orelse=orelse):
            return [*_held(reader, body), *_held(reader, orelse)]
        case tree.Binary(op="+", left=left, right=right):
            return [*_held(reader, left), *_held(reader, right)]
        case tree.Binary(op="*", left=left):
            return _held(reader, left)
        case tree.Call(function=tree.Name(id=name), args=[tree.Collection() | tree.Comprehension() as inner, *_]):
            return _held(reader, inner) if name in WRAPPERS else []
    return []


def _item(reader: BodyReader, item: tree.Node) -> list[str]:
    if isinstance(item, tree.Star):
        path = followed(reader, item.value)
        return [f"{path}[]"] if path else []
    return _choices(reader, item)


def each_of(reader: BodyReader, node: tree.Node | None) -> str:
    """The path of what a loop over the result of a call hands out: `self.make()[]`."""
    path = followed(reader, node) if isinstance(node, tree.Call | tree.Await) else ""
    return f"{path}[]" if path else ""


def parts_of(hint: str, count: int) -> list[str]:
    """What each name of `a, b = …` may be, by its position."""
    return [f"{hint}[{at}]" if hint else "" for at in range(count)]


def loop_parts(reader: BodyReader, iterable: tree.Node | None, count: int) -> list[str]:
    """What each name of `for a, b in …` may be."""
    match iterable:
        case tree.Call(function=tree.Name(id="enumerate"), args=[inner, *_]) if count == 2:
            return ["", _any_of(reader, inner)]
        case tree.Call(function=tree.Name(id="zip"), args=inner) if len(inner) == count:
            return [_any_of(reader, part) for part in inner]
    return parts_of(_any_of(reader, iterable), count)


def _any_of(reader: BodyReader, node: tree.Node | None) -> str:
    path = followed(reader, node)
    return f"{path}[]" if path else ""


def type_text(reader: BodyReader, target: tree.Node, value: tree.Node) -> str:
    """The value of a module's name as written, where the name may stand for a type."""
    if not (reader.scope.is_module and reader.scope.is_python and isinstance(target, tree.Name)):
        return ""
    match value:
        case tree.Binary(op="|") | tree.Index():
            return reader.source.of(value, 200)
        case tree.Call(function=function) if tree.path_of(function).rpartition(".")[2] in _TYPE_MAKERS:
            return reader.source.of(value, 200)
    return ""


def followed(reader: BodyReader, node: tree.Node | None) -> str:
    """A path with its first name as what it stands for here."""
    path = tree.path_of(node)
    end = min((at for at in map(path.find, ".[(") if at > 0), default=len(path))
    root = path[:end]
    if not root:
        return ""
    meaning = reader.root(root)
    return meaning + path[end:]
