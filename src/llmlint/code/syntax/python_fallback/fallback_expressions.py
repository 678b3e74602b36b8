"""Expressions, and the types in annotations."""

from __future__ import annotations

from tree_sitter import Node as Syntax

from llmlint.code.syntax import tree
from llmlint.code.syntax.python_fallback.fallback_reading import (
    File,
    Reader,
    at,
    every,
    field,
    mark_broken,
    maybe,
    one,
    parts,
    place,
    text_of,
    words_of,
)
from llmlint.code.syntax.python_fallback.fallback_statements import arguments, parameters
from llmlint.code.syntax.tree import Node

# ---------------------------------------------------------------- names, calls, literals


def _name(node: Syntax, file: File) -> Node:
    return tree.Name(*at(node, file), text_of(node))


def _dotted_name(node: Syntax, file: File) -> Node:
    first, *rest = parts(node)
    read: Node = tree.Name(*at(first, file), text_of(first))
    for name in rest:
        read = tree.Attribute(*place(first, name, file), read, text_of(name))
    return read


def _attribute(node: Syntax, file: File) -> Node:
    return tree.Attribute(*at(node, file), field(node, "object", file), text_of(node.child_by_field_name("attribute")))


def _subscript(node: Syntax, file: File) -> Node:
    keys = node.children_by_field_name("subscript")
    return tree.Index(*at(node, file), field(node, "value", file), _key(node, keys, file))


def _key(node: Syntax, keys: list[Syntax], file: File) -> Node:
    after = keys[-1].next_sibling if keys else None
    if after is None or (len(keys) == 1 and after.type != ","):
        return one(keys[0], file) if keys else tree.Broken(*at(node, file), [])
    return tree.Collection(*place(keys[0], after if after.type == "," else keys[-1], file), "tuple", every(keys, file))


def _slice(node: Syntax, file: File) -> Node:
    found: list[Node | None] = [None, None, None]
    which = 0
    for child in node.children:
        if child.type == ":":
            which = min(which + 1, 2)
        elif child.is_named and not child.is_extra:
            found[which] = one(child, file)
    return tree.Slice(*at(node, file), *found)


def _call(node: Syntax, file: File) -> Node:
    args, keywords = arguments(node.child_by_field_name("arguments"), file)
    return tree.Call(*at(node, file), field(node, "function", file), args, keywords)


def _keyword(node: Syntax, file: File) -> Node:
    name = text_of(node.child_by_field_name("name"))
    return tree.Keyword(*at(node, file), name, field(node, "value", file))


def _unpacked_keywords(node: Syntax, file: File) -> Node:
    return tree.Keyword(*at(node, file), "", _only(node, file))


def _star(node: Syntax, file: File) -> Node:
    return tree.Star(*at(node, file), _only(node, file))


def _only(node: Syntax, file: File) -> Node:
    """The one part of a node that has one."""
    inside = parts(node)
    return one(inside[0], file) if inside else tree.Broken(*at(node, file), [])


def _number(node: Syntax, file: File) -> Node:
    text = text_of(node)
    kind = "float" if node.type == "float" or text[-1:] in "jJ" else "int"
    return tree.Literal(*at(node, file), kind, text)


def _singleton(node: Syntax, file: File) -> Node:
    kind = {"true": "bool", "false": "bool"}.get(node.type, node.type)
    return tree.Literal(*at(node, file), kind, text_of(node))


# ---------------------------------------------------------------- collections

_COLLECTIONS = {"expression_list": "tuple", "pattern_list": "tuple", "list": "list", "set": "set", "tuple": "tuple"}


def _collection(node: Syntax, file: File) -> Node:
    return tree.Collection(*at(node, file), _COLLECTIONS[node.type], every(parts(node), file))


def _dict(node: Syntax, file: File) -> Node:
    keys: list[Node | None] = []
    items: list[Node] = []
    for child in parts(node):
        if child.type == "pair":
            keys.append(field(child, "key", file))
            items.append(field(child, "value", file))
        else:
            keys.append(None)
            items.append(_only(child, file))
    return tree.Collection(*at(node, file), "dict", items, keys)


_COMPREHENSIONS = {
    "dictionary_comprehension": "dict",
    "generator_expression": "generator",
    "list_comprehension": "list",
    "set_comprehension": "set",
}


def _comprehension(node: Syntax, file: File) -> Node:
    element = node.child_by_field_name("body")
    if element and element.type == "pair":
        key, value = maybe(element.child_by_field_name("key"), file), field(element, "value", file)
    else:
        key, value = None, field(node, "body", file)
    return tree.Comprehension(*at(node, file), _COMPREHENSIONS[node.type], value, _generators(node, file), key)


def _generators(node: Syntax, file: File) -> list[tree.Generator]:
    """Each reaches from its target to its last test."""
    read: list[tree.Generator] = []
    for child in parts(node):
        if child.type == "for_in_clause":
            target, iterable = field(child, "left", file), field(child, "right", file)
            start = target.line, target.column, iterable.end_line, iterable.end_column
            read.append(tree.Generator(*start, target, iterable, [], "async" in words_of(child)))
        elif child.type == "if_clause" and read:
            test = _only(child, file)
            read[-1].tests.append(test)
            read[-1].end_line, read[-1].end_column = test.end_line, test.end_column
    return read


# ---------------------------------------------------------------- operators


def _binary(node: Syntax, file: File) -> Node:
    op = text_of(node.child_by_field_name("operator"))
    return tree.Binary(*at(node, file), op, field(node, "left", file), field(node, "right", file))


def _logic(node: Syntax, file: File) -> Node:
    """`a and b and c` is one: here it comes as two, one in the other."""
    op = text_of(node.child_by_field_name("operator"))
    operands: list[Node] = []
    left: Syntax | None = node
    while left and left.type == "boolean_operator" and text_of(left.child_by_field_name("operator")) == op:
        operands.append(field(left, "right", file))
        left = left.child_by_field_name("left")
    operands.append(one(left, file) if left else tree.Broken(*at(node, file), []))
    return tree.Logic(*at(node, file), op, operands[::-1])


def _compare(node: Syntax, file: File) -> Node:
    ops = [" ".join(text_of(child).split()) for child in node.children_by_field_name("operators")]
    operands = parts(node)
    if len(operands) != len(ops) + 1:  # a part did not parse
        return mark_broken(node, file)
    return tree.Compare(*at(node, file), every(operands, file), ["!=" if op == "<>" else op for op in ops])


def _not(node: Syntax, file: File) -> Node:
    return tree.Unary(*at(node, file), "not", field(node, "argument", file))


def _unary(node: Syntax, file: File) -> Node:
    op = text_of(node.child_by_field_name("operator"))
    return tree.Unary(*at(node, file), op, field(node, "argument", file))


def _conditional(node: Syntax, file: File) -> Node:
    match every(parts(node), file):
        case [body, test, orelse]:
            return tree.Conditional(*at(node, file), test, body, orelse)
        case found:
            return tree.Broken(*at(node, file), found)


def _named(node: Syntax, file: File) -> Node:
    return tree.Named(*at(node, file), field(node, "name", file), field(node, "value", file))


def _lambda(node: Syntax, file: File) -> Node:
    here, answer = at(node, file), field(node, "body", file)
    body = tree.Return(answer.line, answer.column, answer.end_line, answer.end_column, answer)
    params = parameters(node.child_by_field_name("parameters"), file)
    return tree.Lambda(*here, tree.Function(*here, "<lambda>", params, [body]))


def _await(node: Syntax, file: File) -> Node:
    return tree.Await(*at(node, file), _only(node, file))


def _yield(node: Syntax, file: File) -> Node:
    value = next(iter(parts(node)), None)
    return tree.Yield(*at(node, file), maybe(value, file), "from" in words_of(node))


# ---------------------------------------------------------------- types


def _generic_type(node: Syntax, file: File) -> Node:
    """`list[int]` inside an annotation."""
    name, *arguments = parts(node)
    return tree.Index(*at(node, file), one(name, file), _key(node, parts(arguments[0]) if arguments else [], file))


def _union_type(node: Syntax, file: File) -> Node:
    """`A | B | C` groups from the left, whatever way it was parsed."""
    first, *rest = _members_of_union(node)
    read = one(first, file)
    for member in rest:
        read = tree.Binary(*place(first, member, file), "|", read, one(member, file))
    return read


def _members_of_union(node: Syntax) -> list[Syntax]:
    if node.type in ("type", "union_type") or (node.type == "binary_operator" and "|" in words_of(node)):
        return [member for child in parts(node) for member in _members_of_union(child)]
    return [node]


def _member_type(node: Syntax, file: File) -> Node:
    value, name = parts(node)
    return tree.Attribute(*at(node, file), one(value, file), text_of(name))


READERS: dict[str, Reader] = {
    "as_pattern_target": _only,
    "attribute": _attribute,
    "await": _await,
    "binary_operator": _binary,
    "boolean_operator": _logic,
    "call": _call,
    "comparison_operator": _compare,
    "conditional_expression": _conditional,
    "dictionary": _dict,
    "dictionary_splat": _unpacked_keywords,
    "dotted_name": _dotted_name,
    "ellipsis": _singleton,
    "false": _singleton,
    "float": _number,
    "generic_type": _generic_type,
    "identifier": _name,
    "integer": _number,
    "keyword_argument": _keyword,
    "lambda": _lambda,
    "list_splat": _star,
    "list_splat_pattern": _star,
    "member_type": _member_type,
    "named_expression": _named,
    "none": _singleton,
    "not_operator": _not,
    "parenthesized_expression": _only,
    "parenthesized_list_splat": _only,
    "slice": _slice,
    "splat_type": _star,
    "subscript": _subscript,
    "true": _singleton,
    "type": _only,
    "unary_operator": _unary,
    "union_type": _union_type,
    "yield": _yield,
    **dict.fromkeys(_COLLECTIONS, _collection),
    **dict.fromkeys(_COMPREHENSIONS, _comprehension),
}
