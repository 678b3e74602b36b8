"""Namespaces, classes, members, functions and variables."""

from __future__ import annotations

from typing import Any

from llmlint.code.syntax import tree
from llmlint.code.syntax.cpp.cpp_expressions import arguments_of, path_named
from llmlint.code.syntax.cpp.cpp_names import split_scope
from llmlint.code.syntax.cpp.cpp_reading import File, reads
from llmlint.code.syntax.cpp.declarators import (
    Declarator,
    declarator_of,
    parameters_of,
    targets_of,
    type_of,
    type_text,
)
from llmlint.code.syntax.cpp.repairs import stumbles


def module_of(file: File, root: Any, left_out: list[tuple[int, int]]) -> tree.Module:
    """`left_out`: the stretches of bytes that are blank in what was parsed."""
    body = file.body(root)
    _mark_what_was_passed_over(file, root)
    for start, end in left_out:
        line = file.data.count(b"\n", 0, start) + 1
        file.broken.append(tree.Broken(line, 1, line + file.data.count(b"\n", start, end), 1, []))
    file.broken.sort(key=lambda broken: (broken.line, broken.column))
    end = root.end_point[0] + 1
    return tree.Module(1, 1, end, 1, file.language, body, "", file.broken)


def _mark_what_was_passed_over(file: File, root: Any) -> None:
    """Errors inside a statement or declaration that was read all the same, and tokens the parser made up."""
    known = {(broken.line, broken.column) for broken in file.broken}
    for node in stumbles(root):
        at = file.at(node)
        if at[:2] not in known:
            file.broken.append(tree.Broken(*at, []))


_IN_BODIES = frozenset({"compound_statement", "case_statement", "labeled_statement"})
_NAME_LIKE = frozenset({"type_identifier", "qualified_identifier", "identifier"})


@reads("ERROR")
def _error(file: File, node: Any) -> tree.Node:
    body = [part for child in node.named_children for part in file.many(child)]
    return file.mark_broken(node, body)


@reads("preproc_include")
def _include(file: File, node: Any) -> tree.Node:
    path = node.child_by_field_name("path")
    return tree.Import(*file.at(node), file.text(path).strip('<>"') if path is not None else "")


@reads("namespace_definition")
def _namespace_definition(file: File, node: Any) -> list[tree.Node]:
    name = node.child_by_field_name("name")
    parts = file.text(name).split("::") if name is not None else []
    file.namespace += parts
    body = file.body(node.child_by_field_name("body"))
    if parts:
        del file.namespace[-len(parts) :]
    return body


@reads("class_specifier", "struct_specifier", "union_specifier")
def _class_specifier(file: File, node: Any) -> tree.Node | None:
    body, name = node.child_by_field_name("body"), node.child_by_field_name("name")
    if body is None:
        return None
    known_as = file.text(name).split("::")[-1].split("<")[0] if name is not None else ""
    bases: list[tree.Node] = [
        tree.TypeName(*file.at(base), file.text(base))
        for clause in node.named_children
        if clause.type == "base_class_clause"
        for base in clause.named_children
        if base.type in ("type_identifier", "qualified_identifier", "template_type")
    ]
    namespace = ".".join(file.namespace)
    if known_as:
        file.namespace.append(known_as)
    members = [part for child in body.named_children for part in file.many(child)]
    if known_as:
        file.namespace.pop()
    return tree.Class(*file.at(node), known_as, bases, members, namespace=namespace)


@reads("enum_specifier")
def _enum_specifier(file: File, node: Any) -> tree.Node | None:
    body, name = node.child_by_field_name("body"), node.child_by_field_name("name")
    if body is None or name is None:
        return None
    fields: list[tree.Node] = [
        tree.Field(*file.at(child), file.text(child.child_by_field_name("name")))
        for child in body.named_children
        if child.type == "enumerator"
    ]
    return tree.Class(*file.at(node), file.text(name), [], fields, namespace=".".join(file.namespace))


@reads("field_declaration")
def _field_declaration(file: File, node: Any) -> list[tree.Node]:
    """Members: data as Field, methods without a body as Function; a class declared in place comes first."""
    found = _inner_types(file, node)
    annotation = type_of(file, node)
    specifiers = _specifiers(file, node)
    default = node.child_by_field_name("default_value")
    for child in node.children_by_field_name("declarator"):
        declarator = declarator_of(child)
        if declarator.function is not None:
            found.append(_function(file, node, declarator, None, annotation))
        elif declarator.name is not None:
            name = file.text(declarator.name)
            kind = tree.TypeName(*file.at(node), type_text(annotation, declarator))
            found.append(tree.Field(*file.at(child), name, kind, file.maybe(default), specifiers))
    return found


def _inner_types(file: File, node: Any) -> list[tree.Node]:
    kind = node.child_by_field_name("type")
    if kind is not None and kind.type in (
        "struct_specifier",
        "class_specifier",
        "union_specifier",
        "enum_specifier",
    ):
        return file.many(kind)
    return []


_ATTRIBUTES = frozenset("attribute_declaration attribute_specifier ms_declspec_modifier type_qualifier".split())


def _specifiers(file: File, node: Any) -> tuple[str, ...]:
    found = []
    for child in node.children:
        if child.type in _ATTRIBUTES and "oreturn" in file.text(child):
            found.append("noreturn")
        elif child.type in ("storage_class_specifier", "virtual", "virtual_specifier", "type_qualifier", "explicit"):
            found.append(file.text(child))
        elif child.type in ("default_method_clause", "delete_method_clause", "pure_virtual_clause"):
            found.append(child.type.split("_")[0])
        elif child.type == "number_literal" and file.text(child) == "0":
            found.append("pure")
    return tuple(found)


@reads("function_definition")
def _function_definition(file: File, node: Any) -> tree.Node | list[tree.Node]:
    declarator = declarator_of(node.child_by_field_name("declarator"))
    body = node.child_by_field_name("body")
    if declarator.function is None:
        return file.body(body)
    return _function(file, node, declarator, body, type_of(file, node))


def _function(file: File, node: Any, declarator: Declarator, body: Any, returns: str) -> tree.Function:
    owner, name = _owner_and_name(file, declarator)
    specifiers = (*_specifiers(file, node), *_specifiers(file, declarator.function))
    returns = type_text(returns, declarator) if returns else ""
    statements: list[tree.Node] | None = None
    if body is not None:
        inits = next((c for c in node.named_children if c.type == "field_initializer_list"), None)
        statements = [*_member_initialisers(file, inits), *file.body(body)]
    return tree.Function(
        *file.at(node),
        name,
        parameters_of(file, declarator.function),
        statements,
        returns=tree.TypeName(*file.at(node), returns) if returns else None,
        owner=owner,
        namespace=".".join(file.namespace),
        specifiers=specifiers,
    )


def _owner_and_name(file: File, declarator: Declarator) -> tuple[str, str]:
    written = file.text(declarator.name) if declarator.name is not None else ""
    *scope, name = (part.split("<")[0].strip() for part in split_scope(written))
    owner = ".".join(scope)
    class_name = scope[-1] if scope else file.namespace[-1] if file.namespace else ""
    if name.startswith("~"):
        name = "__del__"
    elif name == class_name:
        name = "__init__"
    return owner, name


def _member_initialisers(file: File, inits: Any) -> list[tree.Node]:
    found: list[tree.Node] = []
    for child in inits.named_children if inits is not None else ():
        if child.type != "field_initializer" or not child.named_children:
            continue
        name, *values = child.named_children
        if name.type != "field_identifier":
            continue
        target = tree.Attribute(*file.at(name), tree.Name(*file.at(name), "this"), file.text(name))
        items = [part for value in values for part in arguments_of(file, value)]
        value = items[0] if len(items) == 1 else tree.Collection(*file.at(child), "init", items)
        found.append(tree.Assign(*file.at(child), [target], value))
    return found


@reads("declaration")
def _declaration(file: File, node: Any) -> list[tree.Node]:
    """Local and global variables; a declared function has no body."""
    found = _inner_types(file, node)
    annotation = type_of(file, node)
    specifiers = _specifiers(file, node)
    of_condition = node.child_by_field_name("value")  # `if (auto * p = f())`
    for child in node.children_by_field_name("declarator"):
        declarator = declarator_of(child)
        value = file.one(of_condition) if of_condition is not None else _initial_value(file, child, annotation)
        listed = _names_only(file, node, declarator.function) if value is None else []
        if listed:
            # `FdGuard guard(fd);` has the form of a declared function, and is none.
            value = tree.Call(
                *file.at(child),
                path_named(file, annotation, child),
                [path_named(file, file.text(p), p) for p in listed],
            )
        if declarator.function is not None and value is None:
            found.append(_function(file, node, declarator, None, annotation))
            continue
        kind = tree.TypeName(*file.at(node), type_text(annotation, declarator))
        targets = targets_of(file, declarator)
        if targets:
            extent = file.text(declarator.size) if declarator.size is not None else ""
            found.append(tree.Assign(*file.at(node), targets, value, "", kind, True, specifiers, extent))
    return found


def _names_only(file: File, node: Any, function: Any) -> list[Any]:
    """The arguments of a variable that a body declares with the look of a function: all are names, none is a type."""
    if function is None or node.parent is None or node.parent.type not in _IN_BODIES:
        return []
    listed = [c for c in function.child_by_field_name("parameters").named_children if c.type != "comment"]
    plain = all(c.type == "parameter_declaration" and len(c.named_children) == 1 for c in listed)
    return listed if plain and all(c.named_children[0].type in _NAME_LIKE for c in listed) else []


def _initial_value(file: File, node: Any, annotation: str) -> tree.Node | None:
    """`= value` is the value; `T x(args)` and `T x{args}` are a call of T."""
    if node.type != "init_declarator":
        return None
    value = node.child_by_field_name("value")
    if value is None:
        return None
    if value.type not in ("argument_list", "initializer_list") or file.data[: value.start_byte].rstrip().endswith(b"="):
        return file.one(value)
    items = arguments_of(file, value)
    if not items and value.type == "initializer_list":
        return tree.Collection(*file.at(value), "init", [])
    return tree.Call(*file.at(value), path_named(file, annotation, node), items)
