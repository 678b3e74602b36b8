"""Puts a watch into a function without putting anything around it.

A wrapper would show in tracebacks, in `inspect`, in pickles, and would miss every name that was bound before. So the
function object stays the same and gets a new code object: the old body, compiled again from its own source with the
same file and line numbers, between calls to a station. `f` is still `f` wherever somebody holds it; a coroutine stays
a coroutine; a traceback has the same frames and lines.
"""

from __future__ import annotations
import __future__

import ast
import threading
import types
import warnings
from collections.abc import Iterator
from typing import Any, Protocol

_FUTURE = 0
for _name in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _name).compiler_flag

_TOKEN = "__llmlint_token__"
_ENTER, _EXIT, _FAIL = "__llmlint_enter__", "__llmlint_exit__", "__llmlint_fail__"
_HOLD, _LET_GO = "__llmlint_hold__", "__llmlint_let_go__"
_TOUCH = "__llmlint_touch__"

_LOOKS_AT_LOCALS = {"locals", "vars", "eval", "exec", "dir"}
_CHANGES = frozenset(
    "append appendleft add insert extend extendleft update setdefault pop popitem popleft remove discard clear sort "
    "reverse rotate".split()
)
"""Methods of containers that change them."""


class Station(Protocol):
    """Who is called: `enter` with the parameters asked for, then `leave` or `fail` with what `enter` gave; `hold` and
    `let_go` inside the `with` statements of locks that are watched; `touch` with an object, which it gives back, just
    before one of its watched attributes is used."""

    def enter(self, *values: object) -> Any: ...
    def leave(self, call: Any, result: Any) -> Any: ...
    def fail(self, call: Any) -> None: ...
    def hold(self, *locks: object) -> None: ...
    def let_go(self, *locks: object) -> None: ...
    def touch(self, subject: Any, attribute: str, line: int, writes: bool) -> Any: ...


class CannotRewrite(Exception):
    """The function can't be watched; the message says why, and ends up in the verdict."""


_parsed: dict[str, ast.Module] = {}
_lock = threading.Lock()


def rewrite(
    function: types.FunctionType,
    station: Station,
    roots: tuple[str, ...],
    locks: frozenset[str] = frozenset(),
    accesses: frozenset[str] = frozenset(),
) -> None:
    """Let `station` know of every call of `function` from now on, with the values of the parameters named, of `with`
    statements on `locks`, and of uses of the attributes `accesses`."""
    code = function.__code__
    node, enclosing = _definition(code)
    _refuse(node)
    shell = _shell(node, enclosing, code)
    instrumented = _with_calls(node, roots, locks, accesses)
    new = _compiled(shell, instrumented, code)
    calls = {_ENTER: station.enter, _EXIT: station.leave, _FAIL: station.fail}
    new = _with_constants(new, {**calls, _HOLD: station.hold, _LET_GO: station.let_go, _TOUCH: station.touch})
    if new.co_freevars != code.co_freevars:
        raise CannotRewrite(f"its closure differs: {new.co_freevars} for {code.co_freevars}")
    function.__code__ = new.replace(**_name_of(code))


def parameters(function: types.FunctionType) -> tuple[str, ...]:
    """All parameter names, *args and **kwargs included."""
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    return code.co_varnames[:count]


def plain_function(holder: object, file: str, name: str) -> types.FunctionType | None:
    """The function of the source behind what a name is bound to: through static and class methods, properties and
    decorators, those that keep no `__wrapped__` included."""
    queue: list[object] = [holder]
    seen: set[int] = set()
    while queue and len(seen) < 32:
        found = queue.pop(0)
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, types.FunctionType):
            if found.__code__.co_name == name and found.__code__.co_filename == file:
                return found
            queue.extend(_held(found))
        queue.extend(getattr(found, inner, None) for inner in ("__func__", "fget", "func", "__wrapped__"))
    return None


def _held(function: types.FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not bound yet
            continue


def forget_sources() -> None:
    """Let go of the parsed files, once everything in them is patched."""
    _parsed.clear()


def _definition(code: types.CodeType) -> tuple[Any, list[ast.AST]]:
    with _lock:
        tree = _parsed.get(code.co_filename)
        if tree is None:
            try:
                with open(code.co_filename, "rb") as source:
                    tree = ast.parse(source.read())
            except (OSError, SyntaxError, ValueError) as error:
                raise CannotRewrite(f"its source can't be read: {error}") from None
            _parsed[code.co_filename] = tree
    found = _find(tree, code, [])
    if found is None:
        raise CannotRewrite("its source is not where its code says it is")
    return found


def _find(node: ast.AST, code: types.CodeType, enclosing: list[ast.AST]) -> tuple[Any, list[ast.AST]] | None:
    for child in ast.iter_child_nodes(node):
        end = getattr(child, "end_lineno", None)
        if end is not None and end < code.co_firstlineno:
            continue
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
            if child.name == code.co_name and first == code.co_firstlineno:
                return child, enclosing
        inner = isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        found = _find(child, code, [*enclosing, child] if inner else enclosing)
        if found is not None:
            return found
    return None


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """What belongs to the function itself, not to functions and classes inside it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _own(child)


def _refuse(node: Any) -> None:
    for inner in _own(node):
        called = inner.func if isinstance(inner, ast.Call) else None
        if isinstance(called, ast.Name) and called.id in _LOOKS_AT_LOCALS:
            raise CannotRewrite(f"it looks at its own variables by {called.id}()")
    if getattr(node, "type_params", None):
        raise CannotRewrite("it has type parameters")


def _with_calls(node: Any, roots: tuple[str, ...], locks: frozenset[str], accesses: frozenset[str]) -> Any:
    """The definition with the calls put in, on copies: the parsed file stays as it is."""
    bare = type(node)(**dict(ast.iter_fields(node)))
    ast.copy_location(bare, node)
    bare.decorator_list, bare.returns = _first_line_of(node), None
    bare.args = _without_defaults(node.args)
    generator = any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in _own(node))
    touching = _Touches(accesses)
    returns = _Returns(generator and isinstance(node, ast.AsyncFunctionDef), locks)
    body = [returns.visit(touching.visit(_copy(statement))) for statement in node.body]
    start: list[ast.stmt] = []
    if ast.get_docstring(node, clean=False) is not None:
        start.append(body.pop(0))
    place = node.body[-1]
    enter = ast.Assign([ast.Name(_TOKEN, ast.Store())], _call(_ENTER, [ast.Name(root, ast.Load()) for root in roots]))
    leave = ast.Expr(_call(_EXIT, [ast.Name(_TOKEN, ast.Load()), ast.Constant(None)]))
    fail = ast.Expr(_call(_FAIL, [ast.Name(_TOKEN, ast.Load())]))
    handler = ast.ExceptHandler(ast.Name("BaseException", ast.Load()), None, [fail, ast.Raise()])
    attempt = ast.Try([*_flat(body), leave], [handler], [], [])
    for added in (enter, leave, attempt, handler, fail):
        ast.copy_location(added, node.body[0] if added is enter else place)
    bare.body = [*start, enter, attempt]
    return bare


def _first_line_of(node: Any) -> list[ast.expr]:
    """A stand-in for the decorators, never run: a function's lines are counted from its first one."""
    return [ast.copy_location(ast.Constant(None), decorator) for decorator in node.decorator_list[:1]]


def _flat(statements: list[Any]) -> Iterator[ast.stmt]:
    for statement in statements:
        if isinstance(statement, list):
            yield from statement
        else:
            yield statement


def _copy(node: Any) -> Any:
    import copy

    return copy.deepcopy(node)


def _without_defaults(arguments: ast.arguments) -> ast.arguments:
    """Defaults and annotations live on the function object, which stays; only their number must fit."""
    bare: ast.arguments = _copy(arguments)
    for argument in (*bare.posonlyargs, *bare.args, *bare.kwonlyargs, bare.vararg, bare.kwarg):
        if argument is not None:
            argument.annotation = None
    bare.defaults = [ast.Constant(None) for _ in bare.defaults]
    bare.kw_defaults = [None if default is None else ast.Constant(None) for default in bare.kw_defaults]
    return bare


class _InOneFunction(ast.NodeTransformer):
    """Leaves alone what is compiled to code of its own."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node


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
        node.value = ast.copy_location(_call(_TOUCH, [node.value, *told]), node.value)
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
    """`return x` becomes `return leave(token, x)`, and `with lock:` tells that it holds it; in the function itself
    only."""

    def __init__(self, bare_only: bool, locks: frozenset[str]) -> None:
        self.bare_only = bare_only
        self.locks = locks

    def visit_With(self, node: Any) -> ast.AST:
        self.generic_visit(node)
        held = [item.context_expr for item in node.items if _last_name(item.context_expr) in self.locks]
        if held:
            hold = ast.copy_location(ast.Expr(_call(_HOLD, [_copy(lock) for lock in held])), node.body[0])
            let_go = ast.copy_location(ast.Expr(_call(_LET_GO, [_copy(lock) for lock in held])), node.body[-1])
            attempt = ast.copy_location(ast.Try(node.body, [], [], [let_go]), node.body[0])
            node.body = [hold, attempt]
        return node  # type: ignore[no-any-return]

    visit_AsyncWith = visit_With

    def visit_Return(self, node: ast.Return) -> Any:
        token = ast.Name(_TOKEN, ast.Load())
        if self.bare_only:
            call = ast.copy_location(ast.Expr(_call(_EXIT, [token, ast.Constant(None)])), node)
            return [call, node]
        node.value = _call(_EXIT, [token, node.value or ast.Constant(None)])
        return node


def _last_name(expression: ast.expr) -> str:
    """`lock` of `self.engine.lock`; "" for anything that is more than a path of names."""
    inner = expression
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    if not isinstance(inner, ast.Name):
        return ""
    return expression.attr if isinstance(expression, ast.Attribute) else inner.id


def _call(name: str, arguments: list[ast.expr]) -> ast.Call:
    """A call of a constant: `_with_constants` puts the station's method in its place, so no name is added anywhere."""
    return ast.Call(ast.Constant(name), arguments, [])


def _shell(node: Any, enclosing: list[ast.AST], code: types.CodeType) -> list[Any]:
    """Empty definitions around the function, so that `super()`, private names and closures compile as before."""
    closure = [name for name in code.co_freevars if name != "__class__"]
    shells: list[Any] = []
    for outer in enclosing:
        if isinstance(outer, ast.ClassDef):
            shells.append(ast.ClassDef(outer.name, [], [], [], [], **_no_type_params()))
        elif isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
            shells.append(_function_shell(outer.name, closure))
            closure = []
    return shells


def _function_shell(name: str, variables: list[str]) -> ast.FunctionDef:
    arguments = ast.arguments([], [], None, [], [], None, [])
    body: list[ast.stmt] = [ast.Assign([ast.Name(variable, ast.Store())], ast.Constant(None)) for variable in variables]
    return ast.FunctionDef(name, arguments, body, [], None, None, **_no_type_params())


def _no_type_params() -> dict[str, Any]:
    return {"type_params": []} if "type_params" in ast.ClassDef._fields else {}


def _compiled(shells: list[Any], definition: Any, code: types.CodeType) -> types.CodeType:
    inner: Any = definition
    for shell in reversed(shells):
        shell.body = [*shell.body, inner]
        ast.copy_location(shell, definition)
        inner = shell
    module = ast.fix_missing_locations(ast.Module([inner], []))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compiled = compile(module, code.co_filename, "exec", flags=code.co_flags & _FUTURE, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError) as error:
            raise CannotRewrite(f"it does not compile again: {error}") from None
    found = _code_named(compiled, [*(shell.name for shell in shells), definition.name])
    if found is None:
        raise CannotRewrite("its code is not where it should be")
    return found


def _code_named(code: types.CodeType, names: list[str]) -> types.CodeType | None:
    found: types.CodeType | None = code
    for name in names:
        inner = [const for const in found.co_consts if isinstance(const, types.CodeType)] if found else []
        found = next((const for const in inner if const.co_name == name), None)
    return found


def _with_constants(code: types.CodeType, methods: dict[str, object]) -> types.CodeType:
    return code.replace(
        co_consts=tuple(methods.get(const, const) if isinstance(const, str) else const for const in code.co_consts)
    )


def _name_of(code: types.CodeType) -> dict[str, Any]:
    named: dict[str, Any] = {"co_name": code.co_name, "co_firstlineno": code.co_firstlineno}
    if hasattr(code, "co_qualname"):
        named["co_qualname"] = code.co_qualname
    return named
