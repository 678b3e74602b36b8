"""Modules, classes, functions and statements."""

from __future__ import annotations

from collections.abc import Iterable

from tree_sitter import Node as Syntax

from llmlint.code.syntax import tree
from llmlint.code.syntax.python_fallback.fallback_reading import (
    READ,
    File,
    Place,
    Reader,
    at,
    every,
    field,
    is_broken,
    mark_broken,
    maybe,
    one,
    parts,
    place,
    text_of,
    words_of,
)
from llmlint.code.syntax.tree import Node

_WITH_A_BODY = {
    "block", "case_clause", "class_definition", "decorated_definition", "elif_clause", "else_clause", "except_clause",
    "except_group_clause", "finally_clause", "for_statement", "function_definition", "if_statement", "match_statement",
    "try_statement", "while_statement", "with_statement",
}  # fmt: skip


def _extent(node: Syntax, file: File) -> Place:
    """To the end of the last statement: the parser counts comments after it in."""
    last = node
    while last.type in _WITH_A_BODY:
        inside = parts(last)
        if not inside:
            break
        last = inside[-1]
    return place(node, last, file)


# ---------------------------------------------------------------- bodies


def documented_body(block: Syntax | None, file: File) -> tuple[str, list[Node]]:
    """The docstring and the statements after it."""
    body = _whole_and_broken(block, file) if block and block.is_error else _body(block, file)
    match body:
        case [tree.Expression(value=tree.Literal(kind="string", text=text)), *rest]:
            return text, rest
        case _:
            return "", body


def _whole_and_broken(root: Syntax, file: File) -> list[Node]:
    """A file the parser lost (a bracket never closed): the statements up to there, and all the rest as one region."""
    found = root.children
    until = next((i for i, node in enumerate(found) if not _is_statement(node)), 0)
    lost = _lost(found[until] if found else root, root, file)
    lost.body = every((node for node in found[until:] if node.type in READ), file)
    return [*_statements(found[:until], file), lost]


def _lost(first: Syntax, last: Syntax, file: File) -> tree.Broken:
    """One region from the start of a node to the end of another."""
    file.broken[last.id] = here = tree.Broken(*place(first, last, file), [])
    return here


def _is_statement(node: Syntax) -> bool:
    return node.is_extra or node.type in READERS or node.type == "pass_statement"


def _body(block: Syntax | None, file: File) -> list[Node]:
    return _statements(block.named_children if block else (), file)


def _statements(nodes: Iterable[Syntax], file: File) -> list[Node]:
    read: list[Node] = []
    for node in nodes:
        if is_broken(node):
            read.append(mark_broken(node, file))
        elif node.type == "import_statement":
            read.extend(_imports(node, file))
        elif node.type != "pass_statement" and not node.is_extra:
            read.append(one(node, file))
    return read


def _else(node: Syntax, file: File) -> list[Node]:
    """The body of its `else:`, a clause of its own."""
    clause = next((child for child in node.named_children if child.type == "else_clause"), None)
    return _body(clause.child_by_field_name("body"), file) if clause else []


def _block_in(clause: Syntax) -> Syntax | None:
    return next((child for child in clause.named_children if child.type == "block"), None)


# ---------------------------------------------------------------- declarations


def _decorated(node: Syntax, file: File) -> Node:
    definition = field(node, "definition", file)
    if isinstance(definition, tree.Function | tree.Class):
        definition.decorators = [
            one(parts(child)[0], file) for child in parts(node) if child.type == "decorator" and parts(child)
        ]
    return definition


def _class(node: Syntax, file: File) -> Node:
    superclasses = node.child_by_field_name("superclasses")
    bases, keywords = arguments(superclasses, file)
    name, namespace = text_of(node.child_by_field_name("name")), ".".join(file.classes)
    file.classes.append(name)
    docstring, body = documented_body(node.child_by_field_name("body"), file)
    file.classes.pop()
    return tree.Class(*_extent(node, file), name, bases, body, [], keywords, namespace, docstring)


def _function(node: Syntax, file: File) -> Node:
    params = parameters(node.child_by_field_name("parameters"), file)
    returns = maybe(node.child_by_field_name("return_type"), file)
    classes, file.classes = file.classes, []
    docstring, body = documented_body(node.child_by_field_name("body"), file)
    file.classes = classes
    name = text_of(node.child_by_field_name("name"))
    is_async = "async" in words_of(node)
    return tree.Function(*_extent(node, file), name, params, body, [], returns, is_async, docstring=docstring)


def parameters(node: Syntax | None, file: File) -> list[tree.Parameter]:
    read: list[tree.Parameter] = []
    ordinary = ""
    for child in parts(node) if node else ():
        if child.type == "keyword_separator":
            ordinary = "only"
        elif child.type != "positional_separator":
            read.append(_parameter(child, ordinary, file))
            ordinary = "only" if read[-1].kind == "*" else ordinary
    return read


_STARS = {"list_splat_pattern": "*", "dictionary_splat_pattern": "**"}


def _parameter(node: Syntax, kind: str, file: File) -> tree.Parameter:
    """It reaches from the name, after any stars, to the end of its default."""
    name = node.child_by_field_name("name") or (parts(node)[0] if node.type == "typed_parameter" else node)
    if name.type in _STARS:
        kind = _STARS[name.type]
        name = parts(name)[0] if parts(name) else name
    annotation = maybe(node.child_by_field_name("type"), file)
    default = maybe(node.child_by_field_name("value"), file)
    line, column, end_line, end_column = at(name, file)
    if end := default or annotation:
        end_line, end_column = end.end_line, end.end_column
    return tree.Parameter(line, column, end_line, end_column, text_of(name), annotation, default, kind)


def arguments(node: Syntax | None, file: File) -> tuple[list[Node], list[tree.Keyword]]:
    """Those by position and those by keyword."""
    if node is None:
        return [], []
    if node.type != "argument_list":
        return [one(node, file)], []
    read = every(parts(node), file)
    keywords = [argument for argument in read if isinstance(argument, tree.Keyword)]
    return [argument for argument in read if not isinstance(argument, tree.Keyword)], keywords


def _imports(node: Syntax, file: File) -> list[Node]:
    here = at(node, file)
    return [tree.Import(*here, name, [], 0, alias) for name, alias in _imported(node)]


def _import_in_broken_region(node: Syntax, file: File) -> Node:
    return tree.Block(*at(node, file), _imports(node, file))


def _import_from(node: Syntax, file: File) -> Node:
    module = node.child_by_field_name("module_name")
    level = 0
    if module and module.type == "relative_import":
        level = text_of(parts(module)[0]).count(".")
        module = next((child for child in parts(module) if child.type == "dotted_name"), None)
    name = "__future__" if node.type == "future_import_statement" else _dotted(module)
    names = [("*", "")] if any(child.type == "wildcard_import" for child in parts(node)) else list(_imported(node))
    return tree.Import(*at(node, file), name, names, level)


def _imported(node: Syntax) -> Iterable[tuple[str, str]]:
    for child in node.children_by_field_name("name"):
        if child.type == "aliased_import":
            yield _dotted(child.child_by_field_name("name")), text_of(child.child_by_field_name("alias"))
        else:
            yield _dotted(child), ""


def _dotted(node: Syntax | None) -> str:
    return "".join(text_of(node).split())


# ---------------------------------------------------------------- statements with bodies


def _if(node: Syntax, file: File) -> Node:
    """`elif` is an `if` in the else-branch; a longer chain of them than may be nested is cut off."""
    chain = [node, *(child for child in parts(node) if child.type == "elif_clause")]
    kept, cut = chain[: file.room + 1], chain[file.room + 1 :]
    orelse: list[Node] = [_lost(cut[0], cut[-1], file)] if cut else _else(node, file)
    end = _extent(node, file)[2:]
    for clause in reversed(kept):
        body = _body(clause.child_by_field_name("consequence"), file)
        orelse = [tree.If(*at(clause, file)[:2], *end, field(clause, "condition", file), body, orelse)]
    return orelse[0]


def _for(node: Syntax, file: File) -> Node:
    return tree.Loop(
        *_extent(node, file),
        "for",
        _body(node.child_by_field_name("body"), file),
        field(node, "left", file),
        field(node, "right", file),
        None,
        _else(node, file),
        "async" in words_of(node),
    )


def _while(node: Syntax, file: File) -> Node:
    body, test = _body(node.child_by_field_name("body"), file), field(node, "condition", file)
    return tree.Loop(*_extent(node, file), "while", body, None, None, test, _else(node, file))


def _try(node: Syntax, file: File) -> Node:
    clauses = parts(node)
    handlers = [_handler(clause, file) for clause in clauses if clause.type.startswith("except")]
    final = next((clause for clause in clauses if clause.type == "finally_clause"), None)
    return tree.Try(
        *_extent(node, file),
        _body(node.child_by_field_name("body"), file),
        handlers,
        _else(node, file),
        _body(_block_in(final), file) if final else [],
    )


def _handler(node: Syntax, file: File) -> tree.Handler:
    """`except E as e:`, and Python 2's `except E, e:`."""
    caught = [child for child in parts(node) if child.type != "block"]
    name = ""
    if caught and caught[0].type == "as_pattern":
        name = text_of(caught[0].child_by_field_name("alias"))
        caught = parts(caught[0])[:1]
    elif len(caught) > 1:
        name, caught = text_of(caught[1]), caught[:1]
    types = every(caught, file)
    match types:
        case [tree.Collection(kind="tuple", items=items)]:
            types = items
    return tree.Handler(*_extent(node, file), types, name, _body(_block_in(node), file))


def _with(node: Syntax, file: File) -> Node:
    clause = next((child for child in parts(node) if child.type == "with_clause"), None)
    items = [_with_item(item, file) for item in (parts(clause) if clause else ())]
    body = _body(node.child_by_field_name("body"), file)
    return tree.With(*_extent(node, file), items, body, "async" in words_of(node))


def _with_item(node: Syntax, file: File) -> tuple[Node, Node | None]:
    value = node.child_by_field_name("value")
    if value and value.type == "as_pattern":
        target = value.child_by_field_name("alias")
        return one(parts(value)[0], file), one(parts(target)[0], file) if target and parts(target) else None
    return field(node, "value", file), None


def _match(node: Syntax, file: File) -> Node:
    subjects = node.children_by_field_name("subject")
    body = node.child_by_field_name("body")
    cases = [_case(child, file) for child in (parts(body) if body else ()) if child.type == "case_clause"]
    return tree.Switch(*_extent(node, file), _several(node, subjects, file), cases)


def _case(node: Syntax, file: File) -> tree.Case:
    """From its pattern to the end of its body."""
    written = [child for child in parts(node) if child.type == "case_pattern"]
    patterns = [_several(node, written, file)] if written else []
    start = (patterns[0].line, patterns[0].column) if patterns else at(node, file)[:2]
    match patterns:
        case [tree.Logic(op="or", operands=alternatives)]:
            patterns = alternatives
        case [tree.Name(id="_")]:
            patterns = []
    guard = node.child_by_field_name("guard")
    body = _body(node.child_by_field_name("consequence"), file)
    test = one(parts(guard)[0], file) if guard and parts(guard) else None
    return tree.Case(*start, *_extent(node, file)[2:], patterns, body, test)


def _several(node: Syntax, found: list[Syntax], file: File) -> Node:
    """One expression, or a tuple without parentheses."""
    if len(found) == 1 and not _has_comma_after(found[-1]):
        return one(found[0], file)
    if not found:
        return tree.Broken(*at(node, file), [])
    last = found[-1].next_sibling if _has_comma_after(found[-1]) else found[-1]
    kind = "list" if found[0].type == "case_pattern" else "tuple"
    return tree.Collection(*place(found[0], last or found[-1], file), kind, every(found, file))


def _has_comma_after(node: Syntax) -> bool:
    return node.next_sibling is not None and node.next_sibling.type == ","


# ---------------------------------------------------------------- simple statements


def _expression(node: Syntax, file: File) -> Node:
    """Assignments are expressions to this parser."""
    inside = parts(node)
    if len(inside) == 1 and inside[0].type in ("assignment", "augmented_assignment"):
        return one(inside[0], file)
    return tree.Expression(*at(node, file), _several(node, inside, file))


def _assign(node: Syntax, file: File) -> Node:
    """`a = b = c` comes as an assignment whose value is an assignment."""
    targets, value = [field(node, "left", file)], node.child_by_field_name("right")
    annotation = maybe(node.child_by_field_name("type"), file)
    while value and value.type == "assignment":
        targets.append(field(value, "left", file))
        value = value.child_by_field_name("right")
    declares = annotation is not None and value is None
    return tree.Assign(*at(node, file), targets, maybe(value, file), "", annotation, declares)


def _assign_by_operator(node: Syntax, file: File) -> Node:
    op = text_of(node.child_by_field_name("operator")).removesuffix("=")
    return tree.Assign(*at(node, file), [field(node, "left", file)], field(node, "right", file), op)


def _type_alias(node: Syntax, file: File) -> Node:
    left, right = field(node, "left", file), field(node, "right", file)
    name = left.value if isinstance(left, tree.Index) else left  # without its type parameters, as everywhere
    return tree.Assign(*at(node, file), [name], right, specifiers=("type",))


def _return(node: Syntax, file: File) -> Node:
    return tree.Return(*at(node, file), maybe(next(iter(parts(node)), None), file))


def _raise(node: Syntax, file: File) -> Node:
    cause = node.child_by_field_name("cause")
    value = next((child for child in parts(node) if child != cause), None)
    return tree.Raise(*at(node, file), maybe(value, file), maybe(cause, file))


def _break(node: Syntax, file: File) -> Node:
    return tree.Jump(*at(node, file), "break")


def _continue(node: Syntax, file: File) -> Node:
    return tree.Jump(*at(node, file), "continue")


def _delete(node: Syntax, file: File) -> Node:
    targets = parts(node)
    if len(targets) == 1 and targets[0].type == "expression_list":
        targets = parts(targets[0])
    return tree.Delete(*at(node, file), every(targets, file))


def _assert(node: Syntax, file: File) -> Node:
    test, *message = [*every(parts(node), file)] or [tree.Broken(*at(node, file), [])]
    return tree.Assert(*at(node, file), test, message[0] if message else None)


def _outer(node: Syntax, file: File) -> Node:
    return tree.Outer(*at(node, file), node.type.removesuffix("_statement"), [text_of(child) for child in parts(node)])


def _call_statement(node: Syntax, file: File) -> Node:
    """Python 2's `print a, b` and `exec a`, as the calls they became."""
    word = node.children[0]
    keywords = [
        tree.Keyword(*at(child, file), "file", one(parts(child)[0], file))
        for child in parts(node)
        if child.type == "chevron" and parts(child)
    ]
    values = every((child for child in parts(node) if child.type != "chevron"), file)
    call = tree.Call(*at(node, file), tree.Name(*at(word, file), text_of(word)), values, keywords)
    return tree.Expression(*at(node, file), call)


def _bare_block(node: Syntax, file: File) -> Node:
    """A body that lost its head."""
    return tree.Block(*_extent(node, file), _body(node, file))


READERS: dict[str, Reader] = {
    "assert_statement": _assert,
    "assignment": _assign,
    "augmented_assignment": _assign_by_operator,
    "block": _bare_block,
    "break_statement": _break,
    "class_definition": _class,
    "continue_statement": _continue,
    "decorated_definition": _decorated,
    "delete_statement": _delete,
    "exec_statement": _call_statement,
    "expression_statement": _expression,
    "for_statement": _for,
    "function_definition": _function,
    "future_import_statement": _import_from,
    "global_statement": _outer,
    "if_statement": _if,
    "import_from_statement": _import_from,
    "import_statement": _import_in_broken_region,
    "match_statement": _match,
    "nonlocal_statement": _outer,
    "print_statement": _call_statement,
    "raise_statement": _raise,
    "return_statement": _return,
    "try_statement": _try,
    "type_alias_statement": _type_alias,
    "while_statement": _while,
    "with_statement": _with,
}
