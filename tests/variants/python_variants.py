"""The same Python code said otherwise. Each function takes a text and the number of a function in it and gives another
text, or None where it does not apply. Marks move with the statements they stand at."""

import ast
import re
from collections.abc import Iterable

from python_code import STEP, Code, Def, body_start, code_of, end, first_line, locals_of, parameters, statements

from llmlint.rule_cases import EXPECT

SWITCH = "thorough"
"""A parameter that is added where a variant needs a condition that no rule knows anything of."""


def through_a_helper(text: str, number: int, bad: bool) -> str | None:
    code = code_of(text)
    function = code.functions[number]
    focus = code.focus(function) if bad else None
    statement = focus if focus is not None and _may_move(focus, focus) else _last(function, focus)
    if statement is None or function.name.startswith("__"):
        return None
    return _moved(code, function, statement, f"_aside_{number}")


def through_an_alias(text: str, number: int, bad: bool) -> str | None:
    code = code_of(text)
    function = code.functions[number]
    chosen = _with_object(code, function, bad)
    if chosen is None:
        return None
    statement, thing = chosen
    line, indent = statement.lineno, code.indent(statement.lineno)
    old = code.lines[thing.lineno - 1]
    new = old[: thing.col_offset] + "alias" + old[thing.end_col_offset :]
    edited = [new if at == thing.lineno else code.lines[at - 1] for at in range(line, thing.lineno + 1)]
    also = _also(code.taken(line, line))  # what is told of a place may be told where it is first named
    return code.replaced(line, thing.lineno, [f"{indent}alias = {ast.unparse(thing)}{also}", *edited])


def with_a_log_line(text: str, number: int, bad: bool) -> str | None:
    """Reads the state: what the next statement works on or, where the whole function is marked, all of the object's."""
    code = code_of(text)
    function = code.functions[number]
    chosen = _with_object(code, function, bad)
    if bad and code.focus(function) is None:
        start = body_start(function)
        read = [f"self.{name}" for name in _own_attributes(code, function)] or parameters(function)
    elif chosen is not None:
        start, read = chosen[0], [ast.unparse(chosen[1])]
    else:
        start, read = body_start(function), parameters(function)
    line = first_line(start)
    given = ", ".join(('"state"', *read))
    return code.before(line, f"{code.indent(line)}print({given}){_also(code.taken(line, line))}")


def with_an_early_return(text: str, number: int, bad: bool) -> str | None:
    code = code_of(_with_switch(text, number))
    if code.lines == text.split("\n"):
        return None
    line = first_line(body_start(code.functions[number]))
    indent = code.indent(line)
    return code.before(line, f"{indent}if not {SWITCH}:", f"{indent}{STEP}return")


def under_a_condition(text: str, number: int, bad: bool) -> str | None:
    """What is wrong happens only sometimes; what is right happens altogether or not at all."""
    code = code_of(_with_switch(text, number))
    if code.lines == text.split("\n"):
        return None
    function = code.functions[number]
    wrapped = (code.focus(function) or _last(function, None)) if bad else None
    if wrapped is None or _binds(wrapped) or _is_elif(code, wrapped):
        return _wrapped(code, body_start(function), end(function), [f"if {SWITCH}:"], [])
    last = wrapped.end_lineno or wrapped.lineno
    return _wrapped(code, wrapped, last, [f"if {SWITCH}:{_also(code.taken(wrapped.lineno, last))}"], [])


def with_a_finally(text: str, number: int, bad: bool) -> str | None:
    code = code_of(text)
    function = code.functions[number]
    return _wrapped(code, body_start(function), end(function), ["try:"], ["finally:", f'{STEP}print("left")'])


VARIANTS = {
    "helper": through_a_helper,
    "alias": through_an_alias,
    "log": with_a_log_line,
    "early_return": with_an_early_return,
    "condition": under_a_condition,
    "finally": with_a_finally,
}


def _also(lines: list[str]) -> str:
    """For a line that may be told in place of a marked one."""
    mark = EXPECT.search("\n".join(lines))
    return f"  # also: {mark['codes']}" if mark else ""


# ---------------------------------------------------------------- a helper


def _may_move(statement: ast.stmt, focus: ast.stmt | None) -> bool:
    """A call, or a change of an object's state, that leaves no name behind and no function early."""
    if any(
        isinstance(node, ast.Yield | ast.YieldFrom | ast.NamedExpr) or _is_super(node) for node in ast.walk(statement)
    ):
        return False
    if isinstance(statement, ast.Expr):
        return isinstance(_plain(statement.value), ast.Call)
    if isinstance(statement, ast.Return):  # moving a way out is fair only where it is what is marked
        return statement is focus and statement.value is not None and not isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Assign | ast.Delete):
        return all(isinstance(target, ast.Attribute | ast.Subscript) for target in statement.targets)
    return isinstance(statement, ast.AugAssign) and not isinstance(statement.target, ast.Name)


def _is_super(node: ast.AST) -> bool:
    """`super()` means something else, or nothing, in another function."""
    return isinstance(node, ast.Name) and node.id == "super"


def _last(function: Def, focus: ast.stmt | None) -> ast.stmt | None:
    movable = [statement for statement in statements(function) if _may_move(statement, focus)]
    return movable[-1] if movable else None


def _moved(code: Code, function: Def, statement: ast.stmt, name: str) -> str:
    needed = _needed(code, function, statement)
    cls = code.class_of(function)
    is_method = cls is not None and "self" in needed and parameters(function)[:1] == ["self"]
    if not is_method:
        home: ast.AST = function
        while code.parents[home] is not code.tree:
            home = code.parents[home]
        place, indent = (home.end_lineno or 0) + 1, ""
    else:
        place, indent = end(function) + 1, code.indent(function.lineno)
    awaits = any(isinstance(node, ast.Await) for node in ast.walk(statement))
    given = ", ".join(one for one in needed if not (is_method and one == "self"))
    call = f"{'await ' if awaits else ''}{'self.' if is_method else ''}{name}({given})"
    first, last = statement.lineno, statement.end_lineno or statement.lineno
    own = code.indent(first)
    calling = f"{own}{'return ' if isinstance(statement, ast.Return) else ''}{call}{_also(code.taken(first, last))}"
    body = [indent + STEP + line.removeprefix(own) for line in code.taken(first, last)]
    head = f"{indent}{'async ' if awaits else ''}def {name}({', '.join(needed)}):"
    helper = [*([""] if is_method else ["", ""]), head, *body]
    return code.replaced(first, place - 1, [calling, *code.taken(last + 1, place - 1), *helper])


def _needed(code: Code, function: Def, statement: ast.stmt) -> list[str]:
    """The names of the function, and of those around it, that the statement reads; `self` first."""
    known = set()
    around: ast.AST | None = function
    while around is not None:
        known |= locals_of(around) if isinstance(around, Def) else set()
        around = code.parents.get(around)
    inside = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    inside |= {
        argument.arg for node in ast.walk(statement) if isinstance(node, ast.arguments) for argument in node.args
    }
    read = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    texts = (node.value for node in ast.walk(statement) if isinstance(node, ast.Constant))
    read |= {name for text in texts if isinstance(text, str) for name in re.findall(r"\{(\w+)", text)}
    return sorted((read & known) - inside, key=lambda name: (name != "self", name))


# ---------------------------------------------------------------- an alias


def _with_object(code: Code, function: Def, bad: bool) -> tuple[ast.stmt, ast.expr] | None:
    """The marked statement, or the last, that works on an object reached by a name; and the object."""
    focus = code.focus(function) if bad else None
    every = [s for s in statements(function) if not isinstance(s, ast.While) and not _is_elif(code, s)]
    ordered = ([focus] if focus in every else []) + every[::-1]
    for statement in ordered:
        bound = _bound_in(statement)
        things = [t for t in _objects(statement) if _is_reached(code, function, t) and _root(t) not in bound]
        things.sort(key=lambda thing: isinstance(thing, ast.Name))
        if things:
            return statement, things[0]
    return None


def _objects(statement: ast.stmt) -> Iterable[ast.expr]:
    """What methods are called on, what is indexed and what is walked over, in the statement itself or in its head."""
    heads: list[ast.AST] = [statement]
    if isinstance(statement, Def | ast.ClassDef | ast.Try):
        return
    if isinstance(statement, ast.For | ast.AsyncFor):
        heads = [statement.iter]
        if isinstance(statement.iter, ast.Attribute):
            yield statement.iter
    elif isinstance(statement, ast.If):
        heads = [statement.test]
    elif isinstance(statement, ast.With | ast.AsyncWith):
        heads = [item.context_expr for item in statement.items]
    for head in heads:
        for node in ast.walk(head):
            if isinstance(node, ast.Lambda):
                return
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield node.func.value
            elif isinstance(node, ast.Subscript):
                yield node.value


def _is_reached(code: Code, function: Def, thing: ast.expr) -> bool:
    """`self.x`, `a.b` or a local `a`: not a module, whose functions are no state."""
    root = _root(thing)
    if root in code.modules or (isinstance(thing, ast.Name) and root == "self"):
        return False
    return root in locals_of(function)


def _root(thing: ast.expr) -> str:
    while isinstance(thing, ast.Attribute):
        thing = thing.value
    return thing.id if isinstance(thing, ast.Name) else ""


def _bound_in(statement: ast.stmt) -> set[str]:
    """What a comprehension or the head of a loop binds is not there before the statement."""
    heads = [
        node.target for node in ast.walk(statement) if isinstance(node, ast.comprehension | ast.For | ast.AsyncFor)
    ]
    return {node.id for head in heads for node in ast.walk(head) if isinstance(node, ast.Name)}


def _own_attributes(code: Code, function: Def) -> list[str]:
    """The attributes that the constructor of the method's class makes."""
    cls = code.class_of(function)
    makers = [one for one in (cls.body if cls else []) if isinstance(one, Def) and one.name == "__init__"]
    return [
        target.attr
        for maker in makers
        for statement in statements(maker)
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Attribute)
    ]


# ---------------------------------------------------------------- conditions


def _with_switch(text: str, number: int) -> str:
    """The text with one more parameter, which is true where nobody gives it."""
    code = code_of(text)
    function = code.functions[number]
    given = function.args
    is_special = function.name.startswith("__") or any("property" in ast.unparse(d) for d in function.decorator_list)
    if is_special or given.vararg or given.kwarg or given.kwonlyargs:
        return text
    head = "\n".join(code.taken(function.lineno, body_start(function).lineno))
    start = re.search(rf"def {function.name}\(", head)
    assert start is not None
    depth, at = 1, start.end()
    while depth:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(head[at], 0)
        at += 1
    inside = head[start.end() : at - 1].rstrip().rstrip(",")
    new = f"{head[: start.end()]}{inside}{', ' if inside.strip() else ''}{SWITCH}=True{head[at - 1 :]}"
    return code.replaced(function.lineno, body_start(function).lineno, new.split("\n"))


def _wrapped(code: Code, start: ast.stmt, last: int, head: list[str], tail: list[str]) -> str:
    first = first_line(start)
    indent = code.indent(first)
    inner = [STEP + line if line.strip() else line for line in code.taken(first, last)]
    return code.replaced(first, last, [*(indent + line for line in head), *inner, *(indent + line for line in tail)])


def _binds(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) for node in ast.walk(statement))


def _is_elif(code: Code, statement: ast.stmt) -> bool:
    return code.lines[statement.lineno - 1].lstrip().startswith("elif")


def _plain(value: ast.expr) -> ast.expr:
    return value.value if isinstance(value, ast.Await) else value
