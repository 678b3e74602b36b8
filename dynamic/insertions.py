"""The calls that are put into a function's definition: to its station, before and after the body, and inside of it.

A call about what the station knows is not told of: by far the most calls of an engine are one token more of a request
under way, and must cost next to nothing. So where it can be read what a call is about, that is asked for first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .plan import Inside
from .signposts import IN_A_GRAPH, KIND, KNOWN, LEAVE, PLAIN, STATIONS, dynamo_is_there, graphs_are_made
from .sources import copied

_TOKEN, _RESULT, _STATION = "__llmlint_token__", "__llmlint_result__", "__llmlint_station__"
_MISSING = ("NameError", "KeyError")
"""How it shows that there is no such station."""
_CHANGES = frozenset(
    "append appendleft add insert extend extendleft update setdefault pop popitem popleft remove discard clear sort "
    "reverse rotate".split()
)
"""Methods of containers that change them."""


class About(NamedTuple):
    """What a function reads by itself, before it tells of a call: the entity that the call is about."""

    name: str
    """A parameter of the function."""
    attribute: str
    """Of what is under that name; "" for itself."""
    asks: bool
    """Whether the function tells of nothing where the entity is known."""


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What belongs to the function itself, not to functions and classes inside it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from own_nodes(child)


def with_calls(node: Any, key: str, roots: tuple[str, ...], inside: Inside, about: About | None) -> Any:
    """The definition with the calls put in; it is changed.

    S = None
    if what the call is about is not known: token = S.enter(…), and S = S.leave; None where this call is not followed
    try: the body, with S(token, …) before each return unless S is None
    except BaseException: S(token, None, True), unless S is None; raise

    So there is one body, which the interpreter knows well however seldom a call is told of. Where graphs are made of
    functions, or the body itself tells something, there are two: behind `if S is None` the body as it was, ahead.
    """
    bare = type(node)(**dict(ast.iter_fields(node)))
    ast.copy_location(bare, node)
    bare.decorator_list, bare.returns = _first_line_of(node), None
    bare.args = _without_defaults(node.args)
    generator = any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in own_nodes(node))
    tells_inside = _tells_inside(node, inside)
    touching = _Touches(inside.accesses)
    lasting = _read_only_names(node) if inside.locks else frozenset()
    bare_only = generator and isinstance(node, ast.AsyncFunctionDef)
    returns = _Returns(inside.locks, lasting, bare_only, tells_inside)
    documented = ast.get_docstring(node, clean=False) is not None
    start, plain = node.body[:documented], node.body[documented:]
    declared = _Declarations()
    plain = [declared.visit(statement) for statement in plain]
    two = tells_inside or graphs_are_made()
    body = [returns.visit(touching.visit(copied(statement) if two else statement)) for statement in plain]
    leave = _leave(tells_inside, ast.Constant(None))
    fail = _leave(tells_inside, ast.Constant(None), ast.Constant(True))
    handler = ast.ExceptHandler(ast.Name("BaseException", ast.Load()), None, [fail, ast.Raise()])
    attempt = ast.Try([*_flat(body), leave], [handler], [], [])
    reads = None if tells_inside else about
    if reads is None:
        begin = [_find_station(key), *_as_it_was(plain if two else []), *_enter(roots, tells_inside)]
    elif two:
        begin = [_find_station_about(key, reads), *_as_it_was(plain), *_enter_about(key, roots)]
    else:
        begin = _begin_about(key, reads, roots)
    before = [*declared.found, *begin]
    for first in before:
        ast.copy_location(first, node.body[0])
    for added in (leave, attempt, handler, fail):
        ast.copy_location(added, node.body[-1])
    bare.body = [*start, *before, attempt]
    return bare


def _tells_inside(node: Any, inside: Inside) -> bool:
    """Whether the body itself tells of locks or of uses of attributes."""
    if not inside.locks and not inside.accesses:
        return False
    touching, returns = _Touches(inside.accesses), _Returns(inside.locks, _read_only_names(node))
    for statement in node.body:
        returns.visit(touching.visit(copied(statement)))
    return touching.told or returns.told


def _first_line_of(node: Any) -> list[ast.expr]:
    """A stand-in for the decorators, never run: a function's lines are counted from its first one."""
    return [ast.copy_location(ast.Constant(None), decorator) for decorator in node.decorator_list[:1]]


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _is_there(name: str) -> ast.expr:
    return ast.Compare(ast.Name(name, ast.Load()), [ast.IsNot()], [ast.Constant(None)])


def _leave(tells_inside: bool, *more: ast.expr) -> ast.stmt:
    """The call, unless nobody follows this one. A body that tells something keeps the station in `S`."""
    leave: ast.expr = ast.Attribute(_load(_STATION), "leave", ast.Load()) if tells_inside else _load(_STATION)
    told = ast.Call(leave, [_load(_TOKEN), *more], [])
    return ast.If(_is_there(_TOKEN if tells_inside else _STATION), [ast.Expr(told)], [])


def _enter(roots: tuple[str, ...], tells_inside: bool) -> list[ast.stmt]:
    if tells_inside:
        return [_assign(_TOKEN, _call("enter", [_values(roots)]))]
    return [ast.If(_is_there(_STATION), _entered(roots), [])]


def _entered(roots: tuple[str, ...]) -> list[ast.stmt]:
    """The station is called, and who leaves is told to where it said so when the call began."""
    leave = ast.Attribute(_load(_STATION), "leave", ast.Load())
    followed = ast.IfExp(_is_there(_TOKEN), _load(_RESULT), ast.Constant(None))
    enter = _assign(_TOKEN, _call("enter", [_values(roots)]))
    return [_assign(_RESULT, leave), enter, _assign(_STATION, followed)]


def _values(roots: tuple[str, ...]) -> ast.expr:
    return ast.Tuple([_load(root) for root in roots], ast.Load())


def _enter_about(key: str, roots: tuple[str, ...]) -> list[ast.stmt]:
    """Where the station takes what was read as it is, it is not called."""
    kind = ast.Compare(ast.Call(_load(KIND), [_load(_TOKEN)], []), [ast.Is()], [_load(PLAIN + key)])
    return [ast.If(_is_there(_STATION), [ast.If(kind, [_assign(_STATION, _load(LEAVE + key))], _entered(roots))], [])]


def _begin_about(key: str, about: About, roots: tuple[str, ...]) -> list[ast.stmt]:
    """Where what it is about is known, nothing else is looked up; and where it is plain, two names only.

    What can't be read is not known: the program's own reading of it will fail, or the station's. A station that is
    there fails with nothing but what a signal of the user's raised, and that goes on.
    """
    asked = _asked(key, about)
    kind = ast.Compare(ast.Call(_load(KIND), [_load(_TOKEN)], []), [ast.Is()], [_load(PLAIN + key)])
    slow: list[ast.stmt] = [_assign(_STATION, _station(key)), *_entered(roots)]
    read = [_assign(_TOKEN, _expression(about)), ast.If(kind, [_assign(_STATION, _load(LEAVE + key))], slow)]
    told: list[ast.stmt] = read if asked is None else [ast.If(ast.UnaryOp(ast.Not(), asked), read, [])]
    is_there = ast.If(_is_there(_STATION), [ast.Raise()], [])
    unread = [copied(is_there), _assign(_TOKEN, ast.Constant(None)), _find_station(key), *_enter(roots, False)]
    return [_no_station(), _attempt(told, {_MISSING: [is_there], ("Exception",): unread})]


def _find_station(key: str) -> ast.stmt:
    """None where there is no such station, and where a graph is made of the function."""
    asked = _in_a_graph() if dynamo_is_there() else None
    return _attempt([_assign(_STATION, _unless(asked, _station(key)))], {_MISSING: [_no_station()]})


def _find_station_about(key: str, about: About) -> ast.stmt:
    """What can't be read is not known: the program's own reading of it will fail, or the station's."""
    asked = _asked(key, about)
    read: list[ast.stmt] = [_assign(_TOKEN, _expression(about)), _assign(_STATION, _station(key))]
    found: list[ast.stmt] = read if asked is None else [ast.If(asked, [_no_station()], read)]
    unread = [_assign(_TOKEN, ast.Constant(None)), _find_station(key)]
    return _attempt(found, {_MISSING: [_no_station()], ("Exception",): unread})


def _asked(key: str, about: About) -> ast.expr | None:
    """Whether nothing is told of: a graph is made of the function, or what the call is about is known."""
    known = ast.Compare(_expression(about), [ast.In()], [_load(KNOWN + key)])
    asked: ast.expr | None = known if about.asks else None
    if not dynamo_is_there():
        return asked
    return _in_a_graph() if asked is None else ast.BoolOp(ast.Or(), [_in_a_graph(), asked])


def _in_a_graph() -> ast.expr:
    """Asked once there is somebody to ask."""
    return ast.BoolOp(ast.And(), [_load(IN_A_GRAPH), ast.Call(_load(IN_A_GRAPH), [], [])])


def _station(key: str) -> ast.expr:
    return ast.Subscript(_load(STATIONS), ast.Constant(key), ast.Load())


def _unless(asked: ast.expr | None, found: ast.expr) -> ast.expr:
    return found if asked is None else ast.IfExp(asked, ast.Constant(None), found)


def _no_station() -> ast.stmt:
    return _assign(_STATION, ast.Constant(None))


def _as_it_was(plain: list[ast.stmt]) -> list[ast.stmt]:
    nobody = ast.Compare(_load(_STATION), [ast.Is()], [ast.Constant(None)])
    return [ast.If(nobody, [*plain, ast.Return()], [])] if plain else []


def _attempt(steps: list[ast.stmt], otherwise: Mapping[tuple[str, ...], list[ast.stmt]]) -> ast.stmt:
    """Steps, and what is done in their place after an error of these kinds."""
    handlers = []
    for errors, instead in otherwise.items():
        kinds = [_load(error) for error in errors]
        kind = ast.Tuple(kinds, ast.Load()) if len(kinds) > 1 else kinds[0]
        handlers.append(ast.ExceptHandler(kind, None, instead))
    return ast.Try(steps, handlers, [], [])


def _load(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _expression(about: About) -> ast.expr:
    """One attribute at most, so that it costs what the program's own reading costs."""
    return ast.Attribute(_load(about.name), about.attribute, ast.Load()) if about.attribute else _load(about.name)


def _flat(statements: list[Any]) -> Iterator[ast.stmt]:
    for statement in statements:
        if isinstance(statement, list):
            yield from statement
        else:
            yield statement


def _without_defaults(arguments: ast.arguments) -> ast.arguments:
    """Defaults and annotations live on the function object, which stays; only their number must fit."""
    bare = arguments
    for argument in (*bare.posonlyargs, *bare.args, *bare.kwonlyargs, bare.vararg, bare.kwarg):
        if argument is not None:
            argument.annotation = None
    bare.defaults = [ast.Constant(None) for _ in bare.defaults]
    bare.kw_defaults = [None if default is None else ast.Constant(None) for default in bare.kw_defaults]
    return bare


class _InOneFunction(ast.NodeTransformer):
    """Leaves alone what is compiled to code of its own."""

    told = False
    """Whether anything inside the function is told of."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node


class _Declarations(_InOneFunction):
    """Takes `global` and `nonlocal` out: they hold for the whole function, and must stand before both of its bodies."""

    def __init__(self) -> None:
        self.found: list[ast.stmt] = []

    def visit_Global(self, node: ast.Global) -> ast.AST:
        self.found.append(copied(node))
        return ast.copy_location(ast.Pass(), node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        self.found.append(copied(node))
        return ast.copy_location(ast.Pass(), node)


class _Touches(_InOneFunction):
    """`self.queue` becomes `touch(self, …).queue`, whether it is read, stored or deleted."""

    def __init__(self, attributes: frozenset[str]) -> None:
        self.attributes = attributes
        self.changed: set[int] = set()
        """Nodes that stand for what a method or an index changes."""

    def visit(self, node: ast.AST) -> Any:
        return super().visit(node) if self.attributes else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr not in self.attributes or not isinstance(node.value, ast.Name):
            return self.generic_visit(node)
        writes = id(node) in self.changed or not isinstance(node.ctx, ast.Load)
        told = [ast.Constant(node.attr), ast.Constant(node.lineno), ast.Constant(writes)]
        node.value = ast.copy_location(_call("touch", [node.value, *told]), node.value)
        self.told = True
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if not isinstance(node.ctx, ast.Load):
            self.changed.add(id(node.value))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
            self.changed.add(id(node.func.value))
        return self.generic_visit(node)

    def visit_ListComp(self, node: Any) -> ast.AST:
        """Only what the first `for` walks over is evaluated in the function itself, in all Pythons."""
        node.generators[0].iter = self.visit(node.generators[0].iter)
        return node  # type: ignore[no-any-return]

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp


class _Returns(_InOneFunction):
    """`return x` tells what it returns first, and `with lock:` that it holds it; in the function itself only."""

    def __init__(
        self, locks: frozenset[str], lasting: frozenset[str], bare_only: bool = False, tells_inside: bool = True
    ) -> None:
        self.locks = locks
        self.lasting = lasting
        self.bare_only = bare_only
        self.tells_inside = tells_inside

    def visit_With(self, node: Any) -> ast.AST:
        self.generic_visit(node)
        held = [item.context_expr for item in node.items if self._is_told(item.context_expr)]
        if held:
            self.told = True
            hold = ast.copy_location(ast.Expr(_call("hold", [copied(lock) for lock in held])), node.body[0])
            let_go = ast.copy_location(ast.Expr(_call("let_go", [copied(lock) for lock in held])), node.body[-1])
            attempt = ast.copy_location(ast.Try(node.body, [], [], [let_go]), node.body[0])
            node.body = [hold, attempt]
        return node  # type: ignore[no-any-return]

    visit_AsyncWith = visit_With

    def _is_told(self, manager: ast.expr) -> bool:
        """A lock of the plan; or one under a plain name, which may stand around those."""
        return _last_name(manager) in self.locks or (isinstance(manager, ast.Name) and manager.id in self.lasting)

    def visit_Return(self, node: ast.Return) -> Any:
        if self.bare_only:
            return [ast.copy_location(_leave(self.tells_inside, ast.Constant(None)), node), node]
        if isinstance(node.value, (ast.Name, ast.Constant)):  # read once more, rather than put aside in each call
            tell = ast.copy_location(_leave(self.tells_inside, copied(node.value)), node)
            return [tell, node]
        keep = _assign(_RESULT, node.value or ast.Constant(None))
        result = ast.Name(_RESULT, ast.Load())
        tell = _leave(self.tells_inside, result)
        return [ast.copy_location(step, node) for step in (keep, tell, ast.Return(result))]


def _read_only_names(node: Any) -> frozenset[str]:
    """Names that mean the same from the function's start to its end; none where it has no lock of its own."""
    names = [inner for inner in own_nodes(node) if isinstance(inner, ast.Name)]
    bound = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
    return frozenset(name.id for name in names) - bound


def _last_name(expression: ast.expr) -> str:
    """`lock` of `self.engine.lock`; "" for anything that is more than a path of names."""
    inner = expression
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    if not isinstance(inner, ast.Name):
        return ""
    return expression.attr if isinstance(expression, ast.Attribute) else inner.id


def _call(method: str, arguments: list[ast.expr]) -> ast.Call:
    return ast.Call(ast.Attribute(_load(_STATION), method, ast.Load()), arguments, [])
