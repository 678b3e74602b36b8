"""Puts a watch into a function without putting anything around it.

A wrapper would show in tracebacks, in `inspect`, in pickles, and would miss every name that was bound before. So the
function object stays the same and gets a new code object: the old body, compiled again from its own source with the
same file and line numbers, between calls to a station. `f` is still `f` wherever somebody holds it; a coroutine stays
a coroutine; a traceback has the same frames and lines.

The code holds nothing of ours but the name of its station, which it looks up among the builtins: so it can be
marshalled, and sent elsewhere by value. Where there is no such station, the body runs as it was.
"""

from __future__ import annotations
import __future__

import ast
import types
import warnings
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from .insertions import About, own_nodes, with_calls
from .plan import Inside
from .signposts import let_know, stations
from .sources import CannotRewrite, Found, class_shell, definition, function_shell

_FUTURE = 0
for _name in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _name).compiler_flag

_LOOKS_AT_LOCALS = {"locals", "vars", "eval", "exec", "dir"}


class Station(Protocol):
    """Who is called: `enter` with the parameters asked for; unless that gave None, `leave` with what it gave, what
    the function returned, and whether it failed. `hold` and `let_go` are called inside the `with` statements of locks
    that are watched; `touch` with an object, which it gives back, just before one of its watched attributes is used.
    `enter` and `leave` may change: a call is told of by the `leave` of when it began.

    A call about one of the `known` is not told of: by far the most calls of an engine are one token more of a request
    under way, and must cost next to nothing. Where the entity is of the type `plain`, `enter` is not called: the entity
    itself is what it would have given.
    """

    key: str
    plain: type | None
    enter: Callable[..., Any]
    leave: Callable[..., object]

    @property
    def known(self) -> AbstractSet[Any]: ...
    def hold(self, *locks: object) -> None: ...
    def let_go(self, *locks: object) -> None: ...
    def touch(self, subject: Any, attribute: str, line: int, writes: bool) -> Any: ...


def rewrite(
    code: types.CodeType,
    station: Station,
    roots: tuple[str, ...],
    inside: Inside,
    about: About | None = None,
) -> types.CodeType:
    """The code of a function that lets `station` know of every call, with the values of the parameters named, and of
    what is `inside`; where `about` leads to what is known, of nothing."""
    found = definition(code)
    _refuse(found[0])
    try:
        new = _rewritten(code, found, station.key, roots, inside, about)
    except CannotRewrite:  # what is around a function may not be as its name says
        new = _rewritten(code, definition(code, whole=True), station.key, roots, inside, about)
    stations()[station.key] = station
    let_know(station.key, station.known, station.plain, station.leave)
    return new.replace(**_name_of(code))


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


def _rewritten(
    code: types.CodeType, found: Found, key: str, roots: tuple[str, ...], inside: Inside, about: About | None
) -> types.CodeType:
    node, enclosing = found
    new = _compiled(_shell(node, enclosing, code), with_calls(node, key, roots, inside, about), code)
    if new.co_freevars != code.co_freevars:
        raise CannotRewrite(f"its closure differs: {new.co_freevars} for {code.co_freevars}")
    return new


def _refuse(node: Any) -> None:
    for inner in own_nodes(node):
        called = inner.func if isinstance(inner, ast.Call) else None
        if isinstance(called, ast.Name) and called.id in _LOOKS_AT_LOCALS:
            raise CannotRewrite(f"it looks at its own variables by {called.id}()")
    if getattr(node, "type_params", None):
        raise CannotRewrite("it has type parameters")


def _shell(node: Any, enclosing: list[ast.AST], code: types.CodeType) -> list[Any]:
    """Empty definitions around the function, so that `super()`, private names and closures compile as before."""
    closure = [name for name in code.co_freevars if name != "__class__"]
    shells: list[Any] = []
    for outer in enclosing:
        if isinstance(outer, ast.ClassDef):
            shells.append(class_shell(outer.name))
        elif isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
            shells.append(function_shell(outer.name, closure))
            closure = []
    return shells


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


def _name_of(code: types.CodeType) -> dict[str, Any]:
    named: dict[str, Any] = {"co_name": code.co_name, "co_firstlineno": code.co_firstlineno}
    if hasattr(code, "co_qualname"):
        named["co_qualname"] = code.co_qualname
    return named
