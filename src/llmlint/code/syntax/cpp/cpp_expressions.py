"""Names, calls, operators, literals and lambdas."""

from __future__ import annotations

import re
from typing import Any

from llmlint.code.syntax import tree
from llmlint.code.syntax.cpp.cpp_names import split_scope
from llmlint.code.syntax.cpp.cpp_reading import File, reads
from llmlint.code.syntax.cpp.declarators import parameters_of

_DELETE_MANY = re.compile(r"delete\s*\[")
_TABLE = 1000
"""So many numbers of a list are read, and no more: what is longer was written by a program."""
_COMPARISONS = frozenset("== != < > <= >= <=>".split())
_SILENT = (
    "comment access_specifier using_declaration alias_declaration preproc_def preproc_function_def "
    "preproc_call preproc_directive primitive_type template_parameter_list static_assert_declaration "
    "attribute_declaration friend_declaration"
).split()
_LITERALS = {"char_literal": "char", "true": "bool", "false": "bool", "null": "none", "nullptr": "none"}


def path_named(file: File, written: str, at: Any) -> tree.Node:
    """A type's name as an access path, template arguments left out."""
    first, *rest = [part.split("<")[0].strip() for part in split_scope(written)] or [""]
    node: tree.Node = tree.Name(*file.at(at), first)
    for part in rest:
        node = tree.Attribute(*file.at(at), node, part)
    return node


@reads("identifier", "field_identifier", "type_identifier")
def _name(file: File, node: Any) -> tree.Node:
    return file.name(node)


@reads("this")
def _this(file: File, node: Any) -> tree.Node:
    return tree.Name(*file.at(node), "this")


@reads("qualified_identifier")
def _qualified(file: File, node: Any) -> tree.Node:
    return path_named(file, file.text(node), node)


@reads("template_function")
def _template_name(file: File, node: Any) -> tree.Node:
    return path_named(file, file.text(node).split("<")[0], node)


@reads("field_expression")
def _field_expression(file: File, node: Any) -> tree.Node:
    name = file.text(node.child_by_field_name("field")).split("<")[0]
    return tree.Attribute(*file.at(node), file.one(node.child_by_field_name("argument")), name)


@reads("subscript_expression")
def _subscript(file: File, node: Any) -> tree.Node:
    indices = node.child_by_field_name("indices") or node.child_by_field_name("index")
    key = file.one(indices) if indices is not None else tree.Collection(*file.at(node), "tuple", [])
    return tree.Index(*file.at(node), file.one(node.child_by_field_name("argument")), key)


@reads("call_expression")
def _call(file: File, node: Any) -> tree.Node:
    function = node.child_by_field_name("function")
    listed = node.child_by_field_name("arguments")
    args = arguments_of(file, listed) if listed is not None else []
    launch = [part for c in node.named_children if c.type == "kernel_call_syntax" for part in file.many(c)]
    template = ""
    named = function
    while named is not None and named.type == "qualified_identifier":
        named = named.child_by_field_name("name")
    if named is not None and named.type == "template_function":
        template = file.text(named.child_by_field_name("arguments"))
    callee = file.one(function) if function is not None else tree.Name(*file.at(node), "")
    return tree.Call(*file.at(node), callee, args, [], template, launch)


def arguments_of(file: File, node: Any) -> list[tree.Node]:
    return [file.one(c) for c in node.named_children if c.type != "comment"]


@reads("assignment_expression")
def _assignment(file: File, node: Any) -> tree.Node:
    target = file.one(node.child_by_field_name("left"))
    value = file.one(node.child_by_field_name("right"))
    operator = node.child_by_field_name("operator")
    op = file.text(operator).removesuffix("=") if operator is not None else ""
    return tree.Named(*file.at(node), target, value, op)


@reads("binary_expression")
def _binary(file: File, node: Any) -> tree.Node:
    op = file.text(node.child_by_field_name("operator"))
    left, right = file.one(node.child_by_field_name("left")), file.one(node.child_by_field_name("right"))
    if op in ("&&", "||", "and", "or"):
        return tree.Logic(*file.at(node), "and" if op in ("&&", "and") else "or", [left, right])
    if op in _COMPARISONS:
        return tree.Compare(*file.at(node), [left, right], [op])
    return tree.Binary(*file.at(node), op, left, right)


@reads("unary_expression", "pointer_expression", "update_expression")
def _unary(file: File, node: Any) -> tree.Node:
    op = file.text(node.child_by_field_name("operator"))
    op = "not" if op in ("!", "not") else op
    return tree.Unary(*file.at(node), op, file.one(node.child_by_field_name("argument")))


@reads("conditional_expression")
def _conditional(file: File, node: Any) -> tree.Node:
    test, body, orelse = (node.child_by_field_name(f) for f in ("condition", "consequence", "alternative"))
    return tree.Conditional(*file.at(node), file.one(test), file.one(body or test), file.one(orelse))


@reads("char_literal", "true", "false", "null", "nullptr")
def _literal(file: File, node: Any) -> tree.Node:
    return tree.Literal(*file.at(node), _LITERALS[node.type], file.text(node))


@reads("number_literal")
def _number(file: File, node: Any) -> tree.Node:
    text = file.text(node)
    is_float = not text.lower().startswith("0x") and ("." in text or "e" in text.lower() or text.lower().endswith("f"))
    return tree.Literal(*file.at(node), "float" if is_float else "int", text)


@reads("string_literal", "raw_string_literal", "concatenated_string")
def _string(file: File, node: Any) -> tree.Node:
    return tree.Literal(*file.at(node), "string", file.text(node).strip('"'))


@reads("initializer_list")
def _initialiser_list(file: File, node: Any) -> tree.Node:
    items = node.named_children
    if len(items) > _TABLE and all(item.type == "number_literal" for item in items):
        return tree.Collection(*file.at(node), "init", [file.one(item) for item in items[:_TABLE]])
    return tree.Collection(*file.at(node), "init", arguments_of(file, node))


@reads("initializer_pair")
def _designated(file: File, node: Any) -> tree.Node:
    """`.field = value` reads as a keyword."""
    children = node.named_children
    name = next((file.text(c).lstrip(".") for c in children if c.type == "field_designator"), "")
    return tree.Keyword(*file.at(node), name, file.one(children[-1]))


@reads("lambda_expression")
def _lambda(file: File, node: Any) -> tree.Node:
    declarator = node.child_by_field_name("declarator")
    captures = node.child_by_field_name("captures")
    parameters = parameters_of(file, declarator) if declarator is not None else []
    body = file.body(node.child_by_field_name("body"))
    function = tree.Function(*file.at(node), "<lambda>", parameters, body)
    return tree.Lambda(*file.at(node), function, file.text(captures) if captures is not None else "")


@reads("cast_expression")
def _cast_expression(file: File, node: Any) -> tree.Node:
    kind = node.child_by_field_name("type")
    written = tree.TypeName(*file.at(kind), " ".join(file.text(kind).split()))
    return tree.Cast(*file.at(node), written, file.one(node.child_by_field_name("value")))


@reads("new_expression")
def _new(file: File, node: Any) -> tree.Node:
    kind = node.child_by_field_name("type")
    listed = node.child_by_field_name("arguments")
    written = tree.TypeName(*file.at(kind), file.text(kind))
    array = node.child_by_field_name("declarator")
    length = array.child_by_field_name("length") if array is not None else None
    placement = node.child_by_field_name("placement")
    is_placed = placement is not None and "nothrow" not in file.text(placement)
    args = arguments_of(file, listed) if listed is not None else []
    counted = file.one(length) if length is not None else None
    return tree.New(*file.at(node), written, args, array is not None, is_placed, counted)


@reads("delete_expression")
def _delete(file: File, node: Any) -> tree.Node:
    is_array = _DELETE_MANY.match(file.text(node)) is not None  # the brackets may be mended away
    return tree.Delete(*file.at(node), [file.one(c) for c in node.named_children], is_array)


@reads("sizeof_expression")
def _sizeof(file: File, node: Any) -> tree.Node:
    args = [file.one(c) for c in node.named_children if c.type != "type_descriptor"]
    return tree.Call(*file.at(node), tree.Name(*file.at(node), "sizeof"), args)


@reads("gnu_asm_expression")
def _assembly(file: File, node: Any) -> tree.Node:
    """Its operands as arguments: each may be set."""
    listed = [c for c in node.named_children if c.type.endswith("_list")]
    values = [value for each in listed for c in each.named_children if (value := c.child_by_field_name("value"))]
    args = [file.one(value) for value in values]
    return tree.Call(*file.at(node), tree.Name(*file.at(node), "asm"), args)


@reads("type_descriptor")
def _type_descriptor(file: File, node: Any) -> tree.Node:
    return tree.TypeName(*file.at(node), " ".join(file.text(node).split()))


@reads(*_SILENT)
def _nothing(file: File, node: Any) -> None:
    return None
