"""Which returns of a Python function a call cannot get, by what it hands over.

`if path is None: return None` gives no None to a call with a path; nor does `if not create: return None` to one with
`create=True`. Only tests of parameters that the function gives no other value are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llmlint.code.syntax import tree

_Guard = tuple[tree.Node, bool]
_MAY_BE_NONE = ("None", "Optional", "Maybe", "Any", "object")
_SAME = {"is": True, "==": True, "is not": False, "!=": False}


def is_ruled_out(back: tree.Return, called: tree.Function, call: tree.Call, caller: tree.Function) -> bool:
    """Does what the call hands over keep the called function from coming to this return?"""
    given = _given(called, call)
    guards = _guards(called.body or [], back, ()) if given else None
    kept = {
        name: value
        for name, value in given.items()
        if guards and not any(_binds(n, name) for n in tree.walk_own(called))
    }
    return any(_outcome(test, kept, caller, call) is (not holds) for test, holds in guards or ())


def _given(called: tree.Function, call: tree.Call) -> Mapping[str, tree.Node]:
    """What each parameter gets; nothing where the call unpacks something."""
    params = [param for param in called.params if param.kind in ("", "only")]
    if isinstance(call.function, tree.Attribute) and params and params[0].name in ("self", "cls"):
        params = params[1:]
    unpacked = [arg for arg in call.args if isinstance(arg, tree.Star)]
    if unpacked or not all(keyword.name for keyword in call.keywords) or len(params) < len(call.args):
        return {}
    given = {param.name: param.default for param in params if param.default is not None}
    given |= {param.name: arg for param, arg in zip(params, call.args, strict=False)}
    return given | {keyword.name: keyword.value for keyword in call.keywords}


# ---------------------------------------------------------------- what was asked on the way to a return


def _guards(body: Sequence[tree.Node], back: tree.Return, known: tuple[_Guard, ...]) -> tuple[_Guard, ...] | None:
    for statement in body:
        if statement is back:
            return known
        for inner, guard in _blocks(statement):
            found = _guards(inner, back, (*known, *guard))
            if found is not None:
                return found
        known += tuple(_refused(statement))
    return None


def _blocks(statement: tree.Node) -> Iterator[tuple[list[tree.Node], tuple[_Guard, ...]]]:
    match statement:
        case tree.If(test=test, body=body, orelse=orelse):
            yield body, ((test, True),)
            yield orelse, ((test, False),)
        case tree.Try(body=body, handlers=handlers, orelse=orelse, final=final):
            for block in (body, orelse, final, *(handler.body for handler in handlers)):
                yield block, ()
        case tree.Switch(cases=cases):
            for case in cases:
                yield case.body, ()
        case tree.Loop(body=body, orelse=orelse):
            yield body, ()
            yield orelse, ()
        case tree.With(body=body) | tree.Block(body=body):
            yield body, ()


def _refused(statement: tree.Node | None) -> Iterator[_Guard]:
    """What does not hold behind a branch that leaves."""
    while (
        isinstance(statement, tree.If) and statement.body and isinstance(statement.body[-1], tree.Return | tree.Raise)
    ):
        yield statement.test, False
        statement = tree.else_if(statement)


# ---------------------------------------------------------------- how a test comes out


def _outcome(test: tree.Node, given: Mapping[str, tree.Node], caller: tree.Function, call: tree.Call) -> bool | None:
    match test:
        case tree.Name(id=name) if name in given:
            return _truth(given[name])
        case tree.Unary(op="not", operand=operand):
            inner = _outcome(operand, given, caller, call)
            return None if inner is None else not inner
        case tree.Logic(op=op, operands=operands):
            outcomes = [_outcome(operand, given, caller, call) for operand in operands]
            deciding = op == "or"
            if deciding in outcomes:
                return deciding
            return None if None in outcomes else not deciding
        case tree.Compare(operands=[tree.Name(id=name), tree.Literal() as other], ops=[op]) if name in given:
            same = _is_same(given[name], other, caller, call) if op in _SAME else None
            return None if same is None else same is _SAME[op]
    return None


def _truth(value: tree.Node) -> bool | None:
    if not isinstance(value, tree.Literal) or value.kind not in ("none", "bool", "string", "int"):
        return None
    return bool(value.text) if value.kind == "string" else value.text not in ("None", "False", "0")


def _is_same(value: tree.Node, other: tree.Literal, caller: tree.Function, call: tree.Call) -> bool | None:
    if isinstance(value, tree.Literal) and (value.kind == other.kind or "none" in (value.kind, other.kind)):
        return (value.kind, value.text) == (other.kind, other.text)
    if other.kind == "none" and _is_something(value, caller, call):
        return False
    return None


def _is_something(value: tree.Node, caller: tree.Function, call: tree.Call) -> bool:
    """Is it no None: written out, or a parameter that is declared to be none, and was given nothing else before?"""
    if not isinstance(value, tree.Name):
        return isinstance(value, tree.Collection | tree.Format | tree.Lambda)
    param = next((param for param in caller.params if param.name == value.id and param.kind in ("", "only")), None)
    if param is None or param.annotation is None or (param.default is not None and _truth(param.default) is False):
        return False
    if any(word in text for text in _texts(param.annotation) for word in _MAY_BE_NONE):
        return False
    loops = [n for n in tree.walk_own(caller) if isinstance(n, tree.Loop) and n.line <= call.line <= n.end_line]
    return not loops and not any(_binds(n, value.id) and n.line < call.line for n in tree.walk_own(caller))


def _texts(annotation: tree.Node) -> Iterator[str]:
    for node in tree.walk(annotation):
        if isinstance(node, tree.Literal):
            yield "None" if node.kind == "none" else node.text
        elif isinstance(node, tree.Name | tree.Attribute):
            yield node.id if isinstance(node, tree.Name) else node.name
        elif isinstance(node, tree.TypeName):
            yield node.text


def _binds(node: tree.Node, name: str) -> bool:
    match node:
        case tree.Assign(targets=targets):
            bound = targets
        case tree.Loop(target=target) | tree.Named(target=target) if target is not None:
            bound = [target]
        case tree.With(items=items):
            bound = [target for _, target in items if target is not None]
        case _:
            return False
    return any(isinstance(n, tree.Name) and n.id == name for one in bound for n in tree.walk(one))
