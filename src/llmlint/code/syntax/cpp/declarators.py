"""C and C++ declarators: the name, the function and the pointers in `const char * (*name[4])(int)`."""

from __future__ import annotations

from typing import Any

import msgspec

from llmlint.code.syntax import tree
from llmlint.code.syntax.cpp.cpp_reading import File

_PASS_THROUGH = frozenset(
    "pointer_declarator reference_declarator parenthesized_declarator init_declarator array_declarator "
    "attributed_declarator abstract_pointer_declarator abstract_reference_declarator bitfield_clause".split()
)
_NAMES = frozenset(
    "identifier field_identifier type_identifier qualified_identifier destructor_name operator_name operator_cast "
    "template_function primitive_type".split()
)


class Declarator(msgspec.Struct):
    """`function` is the function_declarator, if any; `bindings` a structured binding; `pointers` its `*`, `&`, `[]`;
    `size` what stands in the first `[]`."""

    name: Any = None
    function: Any = None
    bindings: Any = None
    pointers: str = ""
    size: Any = None


def declarator_of(node: Any) -> Declarator:
    """Takes a declarator apart; an absent one gives an empty answer."""
    found = Declarator()
    while node is not None:
        if node.type in _NAMES:
            found.name = node
            return found
        if node.type == "structured_binding_declarator":
            found.bindings = node
            return found
        if node.type == "function_declarator":
            inner = node.child_by_field_name("declarator")
            if inner is not None and inner.type == "parenthesized_declarator":
                found.pointers += "*"
                node = inner
                continue
            found.function = node
        elif node.type == "pointer_declarator":
            found.pointers += "*"
        elif node.type == "reference_declarator":
            found.pointers += "&"
        elif node.type == "array_declarator":
            found.pointers += "[]"
            found.size = node.child_by_field_name("size")
        elif node.type not in _PASS_THROUGH:
            return found
        node = node.child_by_field_name("declarator") or next(
            (c for c in node.named_children if c.type in _NAMES or c.type.endswith("_declarator")), None
        )
    return found


def type_text(annotation: str, declarator: Declarator) -> str:
    return f"{annotation} {declarator.pointers}".rstrip()


def type_of(file: File, node: Any) -> str:
    kind = node.child_by_field_name("type")
    if kind is None:
        return ""
    if kind.type in ("struct_specifier", "class_specifier", "union_specifier", "enum_specifier"):
        kind = kind.child_by_field_name("name") or kind
        return file.text(kind) if kind.type.endswith("identifier") else ""
    return " ".join(file.text(kind).split())


def parameters_of(file: File, function: Any) -> list[tree.Parameter]:
    listed = function.child_by_field_name("parameters")
    found = []
    for child in listed.named_children if listed is not None else ():
        if child.type not in (
            "parameter_declaration",
            "optional_parameter_declaration",
            "variadic_parameter_declaration",
        ):
            continue
        declarator = declarator_of(child.child_by_field_name("declarator"))
        name = file.text(declarator.name) if declarator.name is not None else ""
        default = file.maybe(child.child_by_field_name("default_value"))
        kind = tree.TypeName(*file.at(child), type_text(type_of(file, child), declarator))
        found.append(tree.Parameter(*file.at(child), name, kind, default))
    return found


def targets_of(file: File, declarator: Declarator) -> list[tree.Node]:
    if declarator.bindings is not None:
        names: list[tree.Node] = [file.name(n) for n in declarator.bindings.named_children]
        return [tree.Collection(*file.at(declarator.bindings), "tuple", names)]
    return [file.name(declarator.name)] if declarator.name is not None else []
