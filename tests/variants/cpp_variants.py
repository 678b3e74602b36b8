"""The same C++ code said otherwise, as `python_variants` does it for Python."""

from cpp_code import STEP, CppCode, body, class_of, code_of, declared, head_of, name_of, statements, text_of, walk
from tree_sitter import Node

from llmlint.rule_cases import EXPECT

SWITCH = "thorough"


def through_a_helper(text: str, number: int, bad: bool) -> str | None:
    code = code_of(text)
    function = code.functions[number]
    focus = code.focus(function) if bad else None
    movable = [
        statement for statement in statements(function) if _may_move(statement) and _ends_its_line(code, statement)
    ]
    if not movable:
        return None
    statement = focus if focus in movable else movable[-1]
    cls = class_of(function)
    owner = name_of(function).rpartition("::")[0]
    inside = declared(walk(statement))
    needed = sorted(
        (declared(walk(function)) - inside) & {text_of(n) for n in walk(statement) if n.type == "identifier"}
    )
    name = f"{owner}::aside_{number}" if owner else f"aside_{number}"
    indent = code.indent(function)
    static = "" if cls is not None or owner else "static "
    given = ", ".join(f"auto & {one}" for one in needed)
    line = code.data[statement.start_byte : code.line_end(statement)].decode()
    helper = f"\n\n{indent}{static}void {name}({given}) {{\n{indent}{STEP}{line}\n{indent}}}"
    calling = f"{name.rpartition('::')[2]}({', '.join(needed)});{_also(line)}"
    edits = [(statement.start_byte, code.line_end(statement), calling)]
    if cls is None and not owner:  # a function has to be known before it is called
        before = code.line_start(function)
        edits.append((before, before, helper.lstrip("\n") + "\n\n"))
    else:
        edits.append((function.end_byte, function.end_byte, helper))
    return code.edited(*edits)


def through_an_alias(text: str, number: int, bad: bool) -> str | None:
    code = code_of(text)
    function = code.functions[number]
    chosen = _with_object(code, function, bad)
    if chosen is None:
        return None
    statement, thing = chosen
    alias = f"auto & alias_{number} = {text_of(thing)};\n{code.indent(statement)}"
    return code.edited(
        (statement.start_byte, statement.start_byte, alias), (thing.start_byte, thing.end_byte, f"alias_{number}")
    )


def with_a_log_line(text: str, number: int, bad: bool) -> str | None:
    code = code_of(text)
    function = code.functions[number]
    chosen = _with_object(code, function, bad)
    if chosen is None:
        return None
    statement, thing = chosen
    read = [text_of(thing)]
    if bad and code.focus(function) is None:
        statement, read = statements(function)[0], _members(function) or read
    shown = " << ".join(read)
    line = f'std::cerr << "state" << {shown};\n{code.indent(statement)}'
    return code.edited((statement.start_byte, statement.start_byte, line))


def with_an_early_return(text: str, number: int, bad: bool) -> str | None:
    switched = _with_switch(text, number)
    if switched is None:
        return None
    code = code_of(switched)
    function = code.functions[number]
    first = statements(function)[0]
    indent = code.indent(first)
    early = f"if (!{SWITCH}) {{\n{indent}{STEP}{_way_out(function)}\n{indent}}}\n{indent}"
    return code.edited((first.start_byte, first.start_byte, early))


def under_a_condition(text: str, number: int, bad: bool) -> str | None:
    switched = _with_switch(text, number)
    if switched is None:
        return None
    code = code_of(switched)
    function = code.functions[number]
    movable = [statement for statement in statements(function) if _may_move(statement)]
    wrapped = (code.focus(function) or (movable[-1] if movable else None)) if bad else None
    if wrapped is None or wrapped.type == "declaration":
        return _block(code, function, f"if ({SWITCH}) ", "" if _is_void(function) else _way_out(function))
    indent, stop = code.indent(wrapped), code.line_end(wrapped)
    inner = code.data[wrapped.start_byte : stop].decode().replace("\n", "\n" + STEP)
    also = _also(inner)
    return code.edited((wrapped.start_byte, stop, f"if ({SWITCH}) {{{also}\n{indent}{STEP}{inner}\n{indent}}}"))


def with_a_goto(text: str, number: int, bad: bool) -> str | None:
    """A marked return leaves through a label at the end; elsewhere an early exit does."""
    code = code_of(text)
    function = code.functions[number]
    focus = code.focus(function) if bad else None
    if focus is not None and focus.type == "return_statement":
        return _left_through_a_label(code, function, number, focus)
    switched = _with_switch(text, number)
    if switched is None:
        return None
    code = code_of(switched)
    function = code.functions[number]
    indent = code.indent(function) + STEP
    early = f"if (!{SWITCH}) {{\n{indent}{STEP}goto done;\n{indent}}}\n{indent}"
    return _block(code, function, early, f"done:\n{indent}{_way_out(function)}")


def _left_through_a_label(code: CppCode, function: Node, number: int, focus: Node) -> str | None:
    """The label stands behind a block, or where the answer needs what the block declares, right behind the jump."""
    mark = code.data[focus.end_byte : code.line_end(focus)].decode()
    leaving, indent = text_of(focus) + _also(mark), code.indent(function) + STEP
    named = {text_of(node) for node in walk(focus) if node.type == "identifier"}
    if named.isdisjoint(declared(walk(body(function)))):
        jumped = code_of(code.edited((focus.start_byte, focus.end_byte, "goto fail;")))
        return _block(jumped, jumped.functions[number], "", f"fail:\n{indent}{leaving}")
    if focus.parent != body(function):
        return None
    return code.edited((focus.start_byte, code.line_end(focus), f"goto fail;{mark}\n{indent}fail:\n{indent}{leaving}"))


VARIANTS = {
    "helper": through_a_helper,
    "alias": through_an_alias,
    "log": with_a_log_line,
    "early_return": with_an_early_return,
    "condition": under_a_condition,
    "goto": with_a_goto,
}


def _also(marked: str) -> str:
    """For a line that may be told in place of a marked one."""
    mark = EXPECT.search(marked)
    return f" // also: {mark['codes']}" if mark else ""


def _may_move(statement: Node) -> bool:
    """A call or a change of state as a statement of its own."""
    kinds = {node.type for node in walk(statement)}
    if statement.type != "expression_statement" or "lambda_expression" in kinds:
        return False
    return bool(kinds & {"call_expression", "assignment_expression", "update_expression", "delete_expression"})


def _ends_its_line(code: CppCode, statement: Node) -> bool:
    """Nothing but a comment stands behind it: not the end of the lambda that it is in."""
    behind = code.data[statement.end_byte : code.line_end(statement)].strip()
    return not behind or behind.startswith(b"//")


def _with_object(code: CppCode, function: Node, bad: bool) -> tuple[Node, Node] | None:
    """The marked statement, or the last, that works on an object reached by a name; and the object."""
    focus = code.focus(function) if bad else None
    every = [s for s in statements(function) if s.type in ("expression_statement", "for_range_loop", "if_statement")]
    for statement in ([focus] if focus in every else []) + every[::-1]:
        inner = next((c for c in statement.children if c.type == "compound_statement"), None)
        stop = inner.start_byte if inner is not None else statement.end_byte
        own = declared(walk(statement))
        for node in walk(statement):
            thing = _object(node)
            if thing is None or node.start_byte >= stop or {text_of(n) for n in walk(thing)} & (own | {"this"}):
                continue
            if all(n.type in ("identifier", "field_identifier", "field_expression", ".", "->") for n in walk(thing)):
                return statement, thing
    return None


def _object(node: Node) -> Node | None:
    if node.type == "call_expression":
        called = node.child_by_field_name("function")
        return (
            called.child_by_field_name("argument") if called is not None and called.type == "field_expression" else None
        )
    if node.type == "for_range_loop":
        return node.child_by_field_name("right")
    return node.child_by_field_name("argument") if node.type == "subscript_expression" else None


def _members(function: Node) -> list[str]:
    cls = class_of(function)
    fields = [node for node in walk(cls) if node.type == "field_declaration"] if cls is not None else []
    names = [child for field in fields for child in field.children_by_field_name("declarator")]
    return [text_of(name) for name in names if name.type == "field_identifier"]


def _with_switch(text: str, number: int) -> str | None:
    """The text with one more parameter, which is true where nobody gives it."""
    code = code_of(text)
    function = code.functions[number]
    head = head_of(function)
    given = head.child_by_field_name("parameters") if head is not None else None
    name = name_of(function)
    if given is None or not statements(function) or function.child_by_field_name("type") is None or name == "main":
        return None
    is_apart = "::" in name
    edits = [_more(given, "" if is_apart else " = true")]
    for node in walk(code.root) if is_apart else ():
        named = node.child_by_field_name("declarator") if node.type == "function_declarator" else None
        if named is not None and text_of(named) == name.rpartition("::")[2]:
            edits.append(_more(node.child_by_field_name("parameters"), " = true"))
    return code.edited(*edits)


def _more(given: Node | None, default: str) -> tuple[int, int, str]:
    assert given is not None
    between = ", " if any(child.is_named for child in given.children) else ""
    return given.end_byte - 1, given.end_byte - 1, f"{between}bool {SWITCH}{default}"


def _block(code: CppCode, function: Node, before: str, after: str) -> str:
    """The function's body as a block of its own, so that a jump passes over no declaration."""
    inside = body(function)
    assert inside is not None
    indent = code.indent(function) + STEP
    lines = code.data[inside.start_byte + 1 : inside.end_byte - 1].decode().rstrip().split("\n")
    comment = lines.pop(0) if len(lines) > 1 else ""  # a mark at the function's head stays there
    inner = "\n".join(STEP + line if line.strip() else line for line in lines)
    tail = f"\n{indent}{after}" if after else ""
    new = f"{comment}\n{indent}{before}{{\n{inner}\n{indent}}}{tail}\n{code.indent(function)}"
    return code.edited((inside.start_byte + 1, inside.end_byte - 1, new))


def _is_void(function: Node) -> bool:
    head = head_of(function)
    return text_of(function.child_by_field_name("type")) == "void" and head is not None and head.parent == function


def _way_out(function: Node) -> str:
    return "return;" if _is_void(function) else "return {};"
