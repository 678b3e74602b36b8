"""What each kind of expression reads and does, and the access path it stands for."""

from __future__ import annotations

from llmlint.code.facts.bodies.assignments import bind_target, binding_of, store, target_text
from llmlint.code.facts.bodies.body_calls import bound_value, call, key_of
from llmlint.code.facts.bodies.body_reading import BodyReader, expression
from llmlint.code.facts.bodies.possible import each_of, held_in
from llmlint.code.facts.bodies.scope import ANOTHER_SELF
from llmlint.code.facts.bodies.tests import test_of
from llmlint.code.facts.facts import Region, Test
from llmlint.code.syntax import tree


@expression(tree.Name)
def _name(reader: BodyReader, node: tree.Name) -> str:
    return reader.root(node.id)


@expression(tree.Attribute)
def _attribute(reader: BodyReader, node: tree.Attribute) -> str:
    base = reader.path(node.value)
    if not base:
        return ""
    if node.name == "__class__" or base.endswith(".__class__"):
        base, name = base.removesuffix(".__class__"), "" if node.name == "__class__" else node.name
        return f"{base}.{name}" if name else base
    return f"{base}.{node.name}"


@expression(tree.Index)
def _index(reader: BodyReader, node: tree.Index) -> str:
    base = reader.path(node.value)
    key_of(reader, node.key)
    return f"{base}[]" if base else ""


@expression(tree.Literal)
def _literal(reader: BodyReader, node: tree.Literal) -> str:
    return ""


@expression(tree.Logic)
def _logic(reader: BodyReader, node: tree.Logic) -> str:
    reader.read_value(node.operands[0])
    left = reader.source.of(node.operands[0])
    asked = test_of(reader, node.operands[0])
    test = asked if node.op == "and" else Test("not", "", (asked,))
    for operand in node.operands[1:]:
        reader.maybe_region("and", operand, left, test)
    return ""


@expression(tree.Conditional)
def _conditional(reader: BodyReader, node: tree.Conditional) -> str:
    reader.read_value(node.test)
    text = reader.source.of(node.test)
    test = test_of(reader, node.test)
    body = reader.maybe_region("and", node.body, text, test)
    orelse = reader.maybe_region("and", node.orelse, text, Test("not", "", (test,)))
    return body if body and (not orelse or orelse == body) else ""


@expression(tree.Lambda)
def _lambda(reader: BodyReader, node: tree.Lambda) -> str:
    outer = reader.scope
    reader.scope = outer.copy()
    for parameter in node.function.params:
        reader.forget(parameter.name)
        if parameter.name == "self" and outer.aliases.get("self") == "self":
            reader.scope.stands_for("self", ANOTHER_SELF)
    body = node.function.body or []
    types = ", ".join(reader.source.of(parameter.annotation, 80) for parameter in node.function.params)
    text = f"{node.captures}({types})" if node.captures else "lambda"
    mark = len(reader.seen)
    reader.in_region("lambda", body, text, at=node)
    if node.captures:  # members are read when it runs, under the locks that it takes
        reader.seen[mark:] = [path for path in reader.seen[mark:] if not path.startswith("self.")]
    reader.scope = outer
    return ""


@expression(tree.Comprehension)
def _comprehension(reader: BodyReader, node: tree.Comprehension) -> str:
    outer = reader.scope
    reader.scope = outer.copy()
    inside, index, count = reader.here, len(reader.regions), len(reader.effects)
    _read_generators(reader, node)
    for part in (node.key, node.element):
        reader.read_value(part)
    reader.comprehended[node.line, node.column] = held_in(reader, _display_of(node))
    reader.here = inside
    if all(e.op == "bind" for e in reader.effects[count:]):
        del reader.effects[count:], reader.regions[index:]
    reader.scope = outer
    return ""


def _display_of(node: tree.Comprehension) -> tree.Node:
    """The list of the one element, for what it may be."""
    return tree.Collection(node.line, node.column, node.end_line, node.end_column, "list", [node.element])


def _read_generators(reader: BodyReader, node: tree.Comprehension) -> None:
    for generator in node.generators:
        element = elements_of(reader, generator.iterable)
        reader.regions.append(
            Region(
                "lambda",
                reader.here,
                node.line,
                node.end_line,
                reader.source.of(node, 120),
                (),
                len(reader.regions),
                len(reader.effects),
            )
        )
        reader.here = len(reader.regions) - 1
        hint = each_of(reader, generator.iterable)
        bind_target(reader, binding_of(generator, generator.target, element, "for", hint, generator.iterable))
        for test in generator.tests:
            reader.read_value(test)


def elements_of(reader: BodyReader, node: tree.Node | None) -> str:
    """The path of one element of an iterable: `self.running[]` for `list(self.running.values())`."""
    match node:
        case tree.Call(function=tree.Name(id="enumerate"), args=[inner, *_]):
            return "#," + elements_of(reader, inner)
        case tree.Call(function=tree.Name(id="zip"), args=inner) if inner:
            return ",".join(elements_of(reader, part) for part in inner)
        case tree.Call(function=tree.Name(id="list" | "tuple" | "sorted"), args=[tree.Call() as inner, *_]):
            return elements_of(reader, inner)
        case tree.Call(function=tree.Attribute(value=container, name="items"), args=[]):
            base = reader.read_value(container)
            return f"#,{base}[]" if base else ""
        case tree.Call(function=tree.Attribute(value=container, name="keys"), args=[]):
            reader.read_value(container)
            return ""
        case None:
            return ""
    path = reader.read_value(node)
    return f"{path}[]" if path and not path.endswith("()") else ""


@expression(tree.Await)
def _await(reader: BodyReader, node: tree.Await) -> str:
    if isinstance(node.value, tree.Call):
        return call(reader, node.value, result="<expression>", awaited=True)
    path = reader.read_value(node.value)
    reader.emit("await", path, node)
    return path


@expression(tree.Yield)
def _yield(reader: BodyReader, node: tree.Yield) -> str:
    reader.is_generator = True
    mark = len(reader.seen)
    path = reader.read_value(node.value)
    reader.emit("yield", path, node, reads=reader.reads_since(mark), via="from" if node.is_from else "")
    return ""


@expression(tree.Named)
def _named(reader: BodyReader, node: tree.Named) -> str:
    mark = len(reader.seen)
    path = bound_value(reader, node.value, target_text(reader, node.target))
    store(reader, node.target, node, node.value, path, reader.reads_since(mark), node.op)
    return path or (reader.root(node.target.id) if isinstance(node.target, tree.Name) else "")


@expression(tree.Unary)
def _unary(reader: BodyReader, node: tree.Unary) -> str:
    if node.op in ("++", "--"):
        if isinstance(node.operand, tree.Index):
            return _count_entry(reader, node, node.operand)
        path = reader.path(node.operand)
        op = "bind" if isinstance(node.operand, tree.Name) and node.operand.id in reader.scope.locals else "assign"
        reader.emit(op, path, node, via="+=" if node.op == "++" else "-=", value="constant", source="1")
        return path
    path = reader.path(node.operand)
    if node.op in ("*", "&"):
        return path
    if path:
        reader.saw(path, node)
    return ""


def _count_entry(reader: BodyReader, node: tree.Unary, entry: tree.Index) -> str:
    """`++uses[token]` makes the entry where there is none, as `uses[token] += 1` does."""
    container = reader.path(entry.value)
    key = key_of(reader, entry.key)
    via = "[]+=" if node.op == "++" else "[]-="
    reader.emit("insert", container, node, key=key, via=via, value="constant", source="1")
    return f"{container}[]" if container else ""


@expression(tree.Cast, tree.Star)
def _transparent(reader: BodyReader, node: tree.Cast | tree.Star) -> str:
    return reader.path(node.value)


@expression(tree.Function)
def _function_in_expression(reader: BodyReader, node: tree.Function) -> str:
    reader.declare(node)
    return ""
