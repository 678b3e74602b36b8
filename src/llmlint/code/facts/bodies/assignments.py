"""Assignments and bindings: what a name stands for afterwards, and what was done to a container or an attribute."""

from __future__ import annotations

from typing import NamedTuple

from llmlint.code.facts.bodies.body_calls import bound_value, key_of
from llmlint.code.facts.bodies.body_reading import BodyReader, statement
from llmlint.code.facts.bodies.possible import followed, held_in, loop_parts, options_of, parts_of, type_text
from llmlint.code.facts.bodies.scope import is_within
from llmlint.code.facts.container_methods import WRAPPERS
from llmlint.code.facts.values import classify
from llmlint.code.syntax import tree

_IN_PLACE_GROWTH = frozenset({"+", "|"})


class Binding(tree.Node, gc=False):
    """A pseudo statement: `target` takes what a loop, a with or a comprehension hands it."""

    target: tree.Node | None
    element: str
    via: str
    hint: str = ""
    iterable: tree.Node | None = None


def binding_of(
    at: tree.Node,
    target: tree.Node | None,
    element: str,
    via: str,
    hint: str = "",
    iterable: tree.Node | None = None,
) -> Binding:
    """`hint`: the path of what the target may be where `element` tells nothing; `iterable`: what a loop goes over."""
    return Binding(at.line, at.column, at.end_line, at.end_column, target, element, via, hint, iterable)


class _Choice(NamedTuple):
    """`Effect.options` and `Effect.holds` of a value."""

    options: tuple[str, ...]
    holds: tuple[str, ...]


_FIXED = frozenset({"const", "constexpr", "constinit", "thread_local", "__thread", "_Thread_local"})

_OPAQUE = tree.Slice(1, 1, 1, 1, None, None)
"""Stands for a value of which nothing is known."""


def _element_parts(element: str, count: int) -> list[str]:
    """What each name of `for i, (k, v) in …` stands for; "#" marks an index or key, which stands for nothing."""
    parts = element.split(",") if "," in element else []
    if len(parts) == count:
        return ["" if part == "#" else part for part in parts]
    if len(parts) > count >= 1 and parts[0] == "#":
        return [""] * (count - 1) + [",".join(parts[1:])]
    return [""] * count


@statement(tree.Assign)
def _assign(reader: BodyReader, node: tree.Assign) -> None:
    if node.declares and "static" in node.specifiers and _FIXED.isdisjoint(node.specifiers):
        reader.statics.extend(target.id for target in node.targets if isinstance(target, tree.Name))
    if node.value is None:
        for target in node.targets:
            if isinstance(target, tree.Name) and (node.declares or reader.scope.is_python):
                reader.forget(target.id)
                reader.emit("bind", target.id, node, via="declare", source=_annotation(reader, node))
            elif isinstance(target, tree.Attribute) and reader.scope.is_python:
                reader.emit("bind", reader.path(target), node, via="declare", source=_annotation(reader, node))
        return
    if _assign_in_parallel(reader, node):
        return
    mark = len(reader.seen)
    path = bound_value(reader, node.value, target_text(reader, node.targets[0], node.declares))
    reads = reader.reads_since(mark)
    for target in node.targets:
        store(reader, target, node, node.value, path, reads, node.op)


def _assign_in_parallel(reader: BodyReader, node: tree.Assign) -> bool:
    """`a, self.b = self.b, []` is two assignments whose values are all read first."""
    target, value = node.targets[0], node.value
    if len(node.targets) != 1 or not isinstance(target, tree.Collection) or not isinstance(value, tree.Collection):
        return False
    if len(target.items) != len(value.items) or any(isinstance(i, tree.Star) for i in (*target.items, *value.items)):
        return False
    visited = []
    for into, item in zip(target.items, value.items, strict=True):
        mark = len(reader.seen)
        path = bound_value(reader, item, target_text(reader, into))
        visited.append((into, item, path, reader.reads_since(mark)))
    for into, item, path, reads in visited:
        store(reader, into, node, item, path, reads, "")
    return True


def store(
    reader: BodyReader,
    target: tree.Node,
    at: tree.Node,
    value: tree.Node,
    path: str,
    reads: tuple[str, ...],
    op: str,
    hint: str = "",
) -> None:
    """`hint` is the path of what is stored where `value` does not tell."""
    via = f"{op}=" if op else ""
    kind, source = classify(value, reader.source, path)
    more = _Choice((hint,) if hint else options_of(reader, value), held_in(reader, value))
    if isinstance(target, tree.Star):
        target = target.value
    if isinstance(target, tree.Name) and _is_local_target(reader, target, at):
        stands_for = "" if _is_copied(reader, at, value) else path
        _bind(reader, target.id, at, kind, source, reads, via, stands_for, more, _is_copy(reader, at, value))
    elif isinstance(target, tree.Collection):
        parts = parts_of(hint or followed(reader, value), len(target.items))
        for item, part in zip(target.items, parts, strict=True):
            store(reader, item, at, _OPAQUE, "", reads, "", part)
    elif isinstance(target, tree.Index):
        _store_at_index(reader, target, at, kind, source, reads, op, more)
    else:
        into = reader.changed(target, reader.path(target))
        _drop_aliases_of(reader, into)
        if op in _IN_PLACE_GROWTH and kind == "container":
            reader.emit("insert", into, at, via=via, reads=reads, value=kind, holds=more.holds)
        elif not op and kind == "empty":
            annotation = _annotation(reader, at)
            reader.emit(
                "clear",
                into,
                at,
                via="=",
                value=kind,
                source=source,
                annotation=annotation,
                options=more.options,
                holds=more.holds,
            )
        else:
            reader.emit(
                "assign",
                into,
                at,
                via=via,
                value=kind,
                source=source,
                reads=reads,
                annotation=_annotation(reader, at),
                type_text=type_text(reader, target, value) if not op else "",
                options=more.options,
                holds=more.holds,
            )


def _store_at_index(
    reader: BodyReader,
    target: tree.Index,
    at: tree.Node,
    kind: str,
    source: str,
    reads: tuple[str, ...],
    op: str,
    more: _Choice,
) -> None:
    container = reader.changed(target.value, reader.path(target.value))
    whole = isinstance(target.key, tree.Slice) and target.key.lower is None and target.key.upper is None
    if whole and kind in ("empty", "constant", "none"):
        reader.emit("clear", container, at, via="[:]=", value=kind, source=source)
    else:
        key = key_of(reader, target.key)
        via = f"[]{op}="
        reader.emit(
            "insert",
            container,
            at,
            key=key,
            via=via,
            value=kind,
            source=source,
            reads=reads,
            options=more.options,
            holds=more.holds,
        )


def _is_local_target(reader: BodyReader, target: tree.Name, at: tree.Node) -> bool:
    if reader.scope.is_module or target.id in reader.outer_names:
        return False
    if reader.scope.is_python or target.id in reader.scope.locals:
        return True
    return isinstance(at, tree.Assign) and at.declares


def _bind(
    reader: BodyReader,
    name: str,
    at: tree.Node,
    value: str,
    source: str,
    reads: tuple[str, ...],
    via: str,
    stands_for: str,
    more: _Choice,
    is_copy: bool = False,
) -> None:
    reader.scope.locals.add(name)
    if not via:
        _alias(reader, name, stands_for, is_copy)
    annotation = _annotation(reader, at)
    reader.emit(
        "bind",
        name,
        at,
        value=value,
        source=source,
        reads=reads,
        via=via,
        annotation=annotation,
        options=more.options,
        holds=more.holds,
    )


def _is_copied(reader: BodyReader, at: tree.Node, value: tree.Node) -> bool:
    """C++: `Params result = *this;` is an object of its own, `auto & it = *this;` and `auto * it = this;` are not."""
    return _is_declared_by_value(reader, at) and isinstance(value, tree.Unary) and value.op == "*"


def _is_declared_by_value(reader: BodyReader, at: tree.Node) -> bool:
    if reader.scope.is_python or not (isinstance(at, tree.Assign) and at.declares):
        return False
    return not {"&", "*"} & set(_annotation(reader, at))


def _is_copy(reader: BodyReader, at: tree.Node, value: tree.Node) -> bool:
    """Python: `list(self.queue)` and `self.table.copy()` are containers of their own, with the same elements. C++:
    `auto left = queue_;` is, where it is no pointer, which the arrows behind it tell."""
    if _is_declared_by_value(reader, at):
        return isinstance(value, tree.Name | tree.Attribute | tree.Index)
    match value if reader.scope.is_python else None:
        case tree.Call(function=tree.Name(id=name), args=[_]):
            return name in WRAPPERS
        case tree.Call(function=tree.Attribute(name="copy"), args=[]):
            return True
    return False


def _alias(reader: BodyReader, name: str, path: str, is_copy: bool) -> None:
    """A local follows what it was bound to, but not into the result of an arbitrary call."""
    if path and not path.endswith("()") and not is_within(path, name):
        reader.scope.stands_for(name, path, is_copy)
    else:
        reader.scope.forget(name)


def _drop_aliases_of(reader: BodyReader, path: str) -> None:
    """After `self.q = []`, a local bound to the old `self.q` no longer stands for it."""
    stale = [n for n, target in reader.scope.aliases.items() if is_within(target, path) and target != "self"]
    for name in stale:
        del reader.scope.aliases[name]


@statement(Binding)
def bind_target(reader: BodyReader, binding: Binding) -> None:
    target = binding.target
    if isinstance(target, tree.Name):
        reader.forget(target.id)
        _alias(reader, target.id, binding.element, False)
        kind = "path" if binding.element else "other"
        options = (binding.hint,) if binding.hint and not binding.element else ()
        reader.emit("bind", target.id, binding, value=kind, source=binding.element, via=binding.via, options=options)
    elif isinstance(target, tree.Collection):
        count = len(target.items)
        elements = _element_parts(binding.element, count)
        hints = loop_parts(reader, binding.iterable, count) if binding.iterable else parts_of(binding.hint, count)
        for item, element, hint in zip(target.items, elements, hints, strict=True):
            bind_target(reader, binding_of(binding, item, element, binding.via, hint))
    elif isinstance(target, tree.Star):
        bind_target(reader, binding_of(binding, target.value, "", binding.via))
    elif target is not None:
        store(reader, target, binding, _OPAQUE, binding.element, (), "")


def target_text(reader: BodyReader, target: tree.Node | None, declares: bool = False) -> str:
    """What a call's result is bound to, for `Effect.result`: locals by their own name, members of C++ by their path."""
    if target is None:
        return ""
    if isinstance(target, tree.Collection):
        return ", ".join(target_text(reader, item) for item in target.items)
    if isinstance(target, tree.Name):
        is_local = declares or reader.scope.is_python or target.id in reader.scope.locals
        return target.id if is_local else reader.root(target.id)
    path = tree.path_of(target)
    root, dot, rest = path.partition(".")
    return reader.root(root.removesuffix("[]")) + ("[]" if root.endswith("[]") else "") + dot + rest


def _annotation(reader: BodyReader, node: tree.Node) -> str:
    if not isinstance(node, tree.Assign) or node.annotation is None:
        return ""
    if isinstance(node.annotation, tree.TypeName):
        return node.annotation.text
    return reader.source.of(node.annotation, 400)
