"""Control flow: what branches, loops, catches and leaves."""

from __future__ import annotations

from typing import Any

from llmlint.code.syntax import tree
from llmlint.code.syntax.cpp.cpp_reading import File, reads
from llmlint.code.syntax.cpp.declarators import declarator_of, targets_of, type_of


@reads("compound_statement")
def _compound(file: File, node: Any) -> tree.Node:
    return tree.Block(*file.at(node), file.body(node))


def _said(node: Any) -> list[Any]:
    return [child for child in node.named_children if child.type != "comment"]


@reads("if_statement")
def _if_statement(file: File, node: Any) -> tree.Node:
    alternative = node.child_by_field_name("alternative")
    said = _said(alternative) if alternative is not None else []
    orelse = file.body(said[0]) if said else []
    test = file.one(node.child_by_field_name("condition"))
    return tree.If(*file.at(node), test, file.body(node.child_by_field_name("consequence")), orelse)


@reads("preproc_if", "preproc_ifdef", "preproc_elif", "preproc_elifdef")
def _conditional_group(file: File, node: Any) -> list[tree.Node]:
    """In a body a choice, whose test is a type's name and no expression; elsewhere all branches, one after another."""
    asked = node.child_by_field_name("condition") or node.child_by_field_name("name")
    other = node.child_by_field_name("alternative")
    apart = {part.id for part in (asked, other) if part is not None}
    body = [part for c in node.named_children if c.id not in apart for part in file.many(c)]
    orelse = file.many(other) if other is not None else []
    if node.parent is None or not _is_in_body(node) or asked is None:
        return [*body, *orelse]
    return [tree.If(*file.at(node), tree.TypeName(*file.at(asked), file.text(asked)), body, orelse)]


def _is_in_body(node: Any) -> bool:
    while node.parent is not None and node.parent.type.startswith("preproc_"):
        node = node.parent
    return node.parent is not None and node.parent.type in ("compound_statement", "case_statement")


@reads("while_statement", "do_statement")
def _while_statement(file: File, node: Any) -> tree.Node:
    test = file.one(node.child_by_field_name("condition"))
    kind = "do" if node.type == "do_statement" else "while"
    return tree.Loop(*file.at(node), kind, file.body(node.child_by_field_name("body")), test=test)


@reads("for_statement")
def _for_statement(file: File, node: Any) -> tree.Node:
    parts = [
        part
        for field in ("initializer", "condition", "update")
        if (child := node.child_by_field_name(field)) is not None
        for part in file.many(child)
    ]
    head = tree.Collection(*file.at(node), "tuple", parts)
    return tree.Loop(*file.at(node), "count", file.body(node.child_by_field_name("body")), None, head)


@reads("for_range_loop")
def _for_range(file: File, node: Any) -> tree.Node:
    declarator = declarator_of(node.child_by_field_name("declarator"))
    targets = targets_of(file, declarator)
    iterable = file.one(node.child_by_field_name("right"))
    body = file.body(node.child_by_field_name("body"))
    return tree.Loop(*file.at(node), "for", body, targets[0] if targets else None, iterable)


@reads("switch_statement")
def _switch_statement(file: File, node: Any) -> tree.Node:
    body = node.child_by_field_name("body")
    cases = _cases(file, body) if body is not None else []
    return tree.Switch(*file.at(node), file.one(node.child_by_field_name("condition")), cases)


def _cases(file: File, body: Any) -> list[tree.Case]:
    """The grammar knows no conditional group in a case: there the group and all behind it stand beside the case."""
    cases: list[tree.Case] = []
    asked = {part.id for name in ("condition", "name") if (part := body.child_by_field_name(name)) is not None}
    for child in (child for child in body.named_children if child.id not in asked):
        if child.type == "case_statement":
            value = child.child_by_field_name("value")
            inner = [c for c in child.named_children if value is None or c.id != value.id]
            statements = [part for c in inner for part in file.many(c)]
            patterns = [file.one(value)] if value is not None else []
            cases.append(tree.Case(*file.at(child), patterns, statements, None, not _leaves(statements)))
        elif _holds_cases(child):
            cases += _cases(file, child)
        elif cases:
            last = cases[-1]
            last.body.extend(file.many(child))
            last.falls_through = not _leaves(last.body)
    return cases


def _holds_cases(node: Any) -> bool:
    return node.type.startswith("preproc_") and any(
        child.type == "case_statement" or _holds_cases(child) for child in node.named_children
    )


@reads("try_statement")
def _try_statement(file: File, node: Any) -> tree.Node:
    handlers = []
    for child in node.named_children:
        if child.type == "catch_clause":
            parameters = child.child_by_field_name("parameters")
            caught = [c for c in parameters.named_children if c.type == "parameter_declaration"] if parameters else []
            types: list[tree.Node] = [tree.TypeName(*file.at(c), type_of(file, c)) for c in caught]
            name = declarator_of(caught[0].child_by_field_name("declarator")).name if caught else None
            inner = file.body(child.child_by_field_name("body"))
            handlers.append(tree.Handler(*file.at(child), types, file.text(name) if name else "", inner))
    return tree.Try(*file.at(node), file.body(node.child_by_field_name("body")), handlers)


@reads("return_statement")
def _return_statement(file: File, node: Any) -> tree.Node:
    said = _said(node)
    return tree.Return(*file.at(node), file.one(said[0]) if said else None)


@reads("throw_statement")
def _throw_statement(file: File, node: Any) -> tree.Node:
    said = _said(node)
    return tree.Raise(*file.at(node), file.one(said[0]) if said else None)


@reads("break_statement", "continue_statement", "goto_statement")
def _jump(file: File, node: Any) -> tree.Node:
    label = node.child_by_field_name("label")
    return tree.Jump(*file.at(node), node.type.split("_")[0], file.text(label) if label is not None else "")


@reads("labeled_statement")
def _labelled(file: File, node: Any) -> list[tree.Node]:
    label = node.child_by_field_name("label")
    rest = [part for c in node.named_children if label is None or c.id != label.id for part in file.many(c)]
    return [tree.Label(*file.at(node), file.text(label) if label is not None else ""), *rest]


@reads("expression_statement")
def _expression_statement(file: File, node: Any) -> list[tree.Node]:
    found: list[tree.Node] = []
    for child in node.named_children:
        for value in file.many(child):
            if isinstance(value, tree.Named):
                found.append(tree.Assign(*file.at(node), [value.target], value.value, value.op))
            elif isinstance(value, tree.Delete | tree.Raise | tree.Broken):
                found.append(value)
            else:
                found.append(tree.Expression(*file.at(node), value))
    return found


def _leaves(statements: list[tree.Node]) -> bool:
    last = statements[-1] if statements else None
    if isinstance(last, tree.Block):
        return _leaves(last.body)
    return isinstance(last, tree.Return | tree.Raise | tree.Jump)
