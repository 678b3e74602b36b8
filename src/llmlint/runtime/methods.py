"""The methods and functions of a package as they are written, and which containers of their object, or of their module,
they fill and empty."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from llmlint.files import discover

_FILLING = frozenset(("add", "append", "appendleft", "insert", "setdefault", "update"))
_TAKING = frozenset(("discard", "pop", "popitem", "popleft", "remove"))


class Method(NamedTuple):
    """A method where it is defined, or a function of a module, whose `owner` is ""."""

    path: str
    owner: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    variables: frozenset[str] = frozenset()
    """For a function: the names that are bound in its module and not in itself."""

    @property
    def qualname(self) -> str:
        return f"{self.owner}.{self.node.name}".lstrip(".")

    @property
    def parameters(self) -> list[str]:
        return _parameters(self.node)[1 if self.owner else 0 :]

    @property
    def filled(self) -> frozenset[str]:
        """What it puts something into: attributes of `self`, or variables of the module."""
        return frozenset(self._own(_stored_or_called(self.node, ast.Store, _FILLING)))

    @property
    def emptied(self) -> frozenset[str]:
        """What it takes something out of, or empties."""
        return frozenset(self._own(_stored_or_called(self.node, ast.Del, _TAKING))) | self.cleared

    @property
    def taken_by_name(self) -> frozenset[str]:
        """What it takes things out of that it names; the oldest or the next goes for want of room, or in its turn."""
        return frozenset(self._own(_taken_by_name(self.node)))

    @property
    def cleared(self) -> frozenset[str]:
        """What it leaves nothing of: emptied at once, or bound anew."""
        return frozenset(self._own((*_called(self.node, frozenset({"clear"})), *self._bound_anew())))

    def _bound_anew(self) -> Iterator[ast.expr]:
        for node in ast.walk(self.node):
            if isinstance(node, (ast.Attribute, ast.Name)) and not isinstance(node.ctx, ast.Load):
                yield node

    def _own(self, expressions: Iterable[ast.expr]) -> Iterator[str]:
        """Those that are an attribute of `self`, or a variable of the module."""
        if self.owner:
            yield from _attributes(expressions)
        else:
            yield from (one.id for one in expressions if isinstance(one, ast.Name) and one.id in self.variables)

    @property
    def entered(self) -> frozenset[str]:
        """Attributes of `self` that it enters by `with`."""
        return frozenset(one for statement in _withs(self.node) for one in _entered(statement))

    def takes_while_it_holds(self, lock: str, taken: Mapping[str, frozenset[str]]) -> bool:
        """Whether it enters another in the body of a `with` of this one, or calls a method that has `taken` another."""
        bodies = [one for statement in _withs(self.node) if lock in _entered(statement) for one in statement.body]
        inner = {one for body in bodies for statement in _withs(body) for one in _entered(statement)}
        beside = {one for statement in _withs(self.node) if lock in (found := _entered(statement)) for one in found}
        calls = [node.func for body in bodies for node in ast.walk(body) if isinstance(node, ast.Call)]
        called = {one for callee in _attributes(calls) for one in taken.get(callee, ())}
        locks = frozenset().union(*taken.values())
        return bool((inner | beside | called) & locks - {lock})

    @property
    def callees(self) -> frozenset[str]:
        """What it calls, as it is written."""
        return frozenset(ast.unparse(node.func) for node in ast.walk(self.node) if isinstance(node, ast.Call))

    @property
    def helpers(self) -> frozenset[str]:
        """Names of what it calls of its own object, or of functions."""
        called = [node.func for node in ast.walk(self.node) if isinstance(node, ast.Call)]
        plain = (one.id for one in called if isinstance(one, ast.Name))
        return frozenset(_attributes(called)) if self.owner else frozenset(plain)

    @property
    def may_block(self) -> bool:
        """Whether it is a coroutine, and calls something that it does not await."""
        awaited = {id(node.value) for node in ast.walk(self.node) if isinstance(node, ast.Await)}
        calls = (id(node) for node in ast.walk(self.node) if isinstance(node, ast.Call))
        return isinstance(self.node, ast.AsyncFunctionDef) and not awaited.issuperset(calls)

    def key_of(self, container: str) -> str:
        """The parameter, or what is reached by names from one, under which it puts something there; "" for others."""
        for node in ast.walk(self.node):
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                if _root(node.slice) in self.parameters and container in self._own([node.value]):
                    return ast.unparse(node.slice)
        return ""


def with_helpers(method: Method, methods: Mapping[str, Method]) -> list[Method]:
    """The method with those of these that it calls, and that they call in turn."""
    found, waiting = {method.node.name: method}, [method]
    while waiting:
        for name in sorted(waiting.pop().helpers & methods.keys() - found.keys()):
            found[name] = methods[name]
            waiting.append(methods[name])
    return list(found.values())


def methods_under(paths: Iterable[str]) -> Iterator[Method]:
    for source in discover(paths).sources:
        if source.language != "python":
            continue
        try:
            tree = ast.parse(Path(source.file).read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue
        yield from _methods_of(tree, source.file)


def _methods_of(tree: ast.Module, file: str) -> Iterator[Method]:
    bound = frozenset(_bound_names(tree.body))
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield Method(file, "", node, bound - _bound_in(node))
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield Method(file, node.name, inner)


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    arguments = node.args
    return [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _bound_names(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """By the assignments among them, and by those in their branches."""
    for statement in statements:
        for target in getattr(statement, "targets", [getattr(statement, "target", None)]):
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name)) if target else ()
        for part in ("body", "orelse", "finalbody"):
            if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield from _bound_names(getattr(statement, part, ()))


def _bound_in(node: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """What is the function's own: its parameters, and what it binds without calling it global."""
    own = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and not isinstance(name.ctx, ast.Load)}
    shared = {name for inner in ast.walk(node) if isinstance(inner, ast.Global) for name in inner.names}
    return frozenset(own - shared) | frozenset(_parameters(node))


def _withs(node: ast.AST) -> Iterator[ast.With | ast.AsyncWith]:
    return (inner for inner in ast.walk(node) if isinstance(inner, (ast.With, ast.AsyncWith)))


def _entered(statement: ast.With | ast.AsyncWith) -> list[str]:
    return list(_attributes([item.context_expr for item in statement.items]))


def _stored_or_called(
    method: ast.FunctionDef | ast.AsyncFunctionDef, context: type[ast.expr_context], calls: frozenset[str]
) -> Iterator[ast.expr]:
    """What is before an index in this context, or before such a call."""
    yield from _called(method, calls)
    for node in ast.walk(method):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, context):
            yield node.value


def _called(method: ast.FunctionDef | ast.AsyncFunctionDef, calls: frozenset[str]) -> Iterator[ast.expr]:
    for node in ast.walk(method):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in calls:
            yield node.func.value


def _taken_by_name(method: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    for node in ast.walk(method):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TAKING:
            if node.args and _root(node.args[0]):
                yield node.func.value
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Del) and _root(node.slice):
            yield node.value


def _attributes(expressions: Iterable[ast.expr]) -> Iterator[str]:
    for held in expressions:
        if isinstance(held, ast.Attribute) and isinstance(held.value, ast.Name) and held.value.id == "self":
            yield held.attr


def _root(expression: ast.expr) -> str:
    """`state` of `state.request_id`; "" for anything that is more than a path of names."""
    while isinstance(expression, ast.Attribute):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else ""
