"""From the standard library's syntax tree to the code tree: one small function for each kind of `ast` node.

This runs over every line of every Python file, so the functions look their children's readers up in the table
themselves and call the node kinds with positional arguments only. A docstring goes to its own field; it and `pass`
do nothing, so they are not in any body.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable
from typing import Any

from llmlint.code import tree
from llmlint.code.tree import Node


class TooDeep(ast.AST):
    """Stands where a part of the tree was cut off."""

    _attributes = ("lineno", "col_offset", "end_lineno", "end_col_offset")

    def __init__(self, lineno: int, col_offset: int, end_lineno: int | None, end_col_offset: int | None) -> None:
        super().__init__()
        self.lineno = lineno
        self.col_offset = col_offset
        self.end_lineno = lineno if end_lineno is None else end_lineno
        self.end_col_offset = col_offset if end_col_offset is None else end_col_offset


class _File:
    """What reading one file has to remember."""

    __slots__ = ("broken", "classes", "in_format", "lines")

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.classes: list[str] = []
        self.in_format = 0
        self.broken: list[tree.Broken] = []


_Ast = Any
"""An `ast` node. Its declared types call the end of its place optional; the parser always sets it."""

_Reader = Callable[[_Ast, _File], Node]

_READ: dict[type, _Reader] = {}


def module_of(parsed: ast.Module, text: str) -> tree.Module:
    file = _File(text)
    docstring, statements = _documented(parsed.body)
    body = _body(statements, file)
    last = file.lines[-1]
    return tree.Module(1, 1, len(file.lines), len(last) + 1, "python", body, docstring, file.broken)


def _reads(*kinds: type) -> Callable[[_Reader], _Reader]:
    """Enter a function into the table."""

    def enter(reader: _Reader) -> _Reader:
        for kind in kinds:
            _READ[kind] = reader
        return reader

    return enter


def _at(n: _Ast) -> tuple[int, int, int, int]:
    return n.lineno, n.col_offset + 1, n.end_lineno, n.end_col_offset + 1


def _one(n: _Ast, file: _File) -> Node:
    return _READ[type(n)](n, file)


def _maybe(n: _Ast, file: _File) -> Node | None:
    return None if n is None else _READ[type(n)](n, file)


def _all(nodes: Iterable[_Ast], file: _File) -> list[Node]:
    return [_READ[type(n)](n, file) for n in nodes]


def _body(statements: Iterable[_Ast], file: _File) -> list[Node]:
    read: list[Node] = []
    for n in statements:
        kind = type(n)
        if kind is ast.Import:
            read.extend(_imports(n))
        elif kind is not ast.Pass:
            read.append(_READ[kind](n, file))
    return read


def _documented(statements: list[ast.stmt]) -> tuple[str, list[ast.stmt]]:
    """The docstring and the statements after it."""
    if statements:
        first = statements[0]
        if type(first) is ast.Expr and type(first.value) is ast.Constant and type(first.value.value) is str:
            return first.value.value, statements[1:]
    return "", statements


@_reads(TooDeep)
def _too_deep(n: _Ast, file: _File) -> Node:
    here = tree.Broken(*_at(n), [])
    file.broken.append(here)
    return here


# ---------------------------------------------------------------- declarations


@_reads(ast.ClassDef)
def _class(n: _Ast, file: _File) -> Node:
    docstring, statements = _documented(n.body)
    bases, keywords, decorators = _all(n.bases, file), _keywords(n.keywords, file), _all(n.decorator_list, file)
    namespace = ".".join(file.classes)
    file.classes.append(n.name)
    body = _body(statements, file)
    file.classes.pop()
    return tree.Class(*_at(n), n.name, bases, body, decorators, keywords, namespace, docstring)


@_reads(ast.FunctionDef, ast.AsyncFunctionDef)
def _function(n: _Ast, file: _File) -> Node:
    docstring, statements = _documented(n.body)
    params, decorators, returns = _params(n.args, file), _all(n.decorator_list, file), _maybe(n.returns, file)
    classes, file.classes = file.classes, []
    body = _body(statements, file)
    file.classes = classes
    return tree.Function(
        *_at(n), n.name, params, body, decorators, returns, type(n) is ast.AsyncFunctionDef, "", "", (), docstring
    )


@_reads(ast.Lambda)
def _lambda(n: _Ast, file: _File) -> Node:
    line, column, end_line, end_column = _at(n)
    value = n.body
    answer = tree.Return(*_at(value), _one(value, file))
    body = tree.Function(line, column, end_line, end_column, "<lambda>", _params(n.args, file), [answer])
    return tree.Lambda(line, column, end_line, end_column, body)


def _params(arguments: ast.arguments, file: _File) -> list[tree.Parameter]:
    positional = arguments.posonlyargs + arguments.args
    params = []
    without = len(positional) - len(arguments.defaults)
    for at, n in enumerate(positional):
        params.append(_param(n, file, arguments.defaults[at - without] if at >= without else None, ""))
    if arguments.vararg:
        params.append(_param(arguments.vararg, file, None, "*"))
    for n, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        params.append(_param(n, file, default, "only"))
    if arguments.kwarg:
        params.append(_param(arguments.kwarg, file, None, "**"))
    return params


def _param(n: _Ast, file: _File, default: _Ast, kind: str) -> tree.Parameter:
    """It reaches to the end of its default."""
    end = default or n
    place = n.lineno, n.col_offset + 1, end.end_lineno, end.end_col_offset + 1
    return tree.Parameter(*place, n.arg, _maybe(n.annotation, file), _maybe(default, file), kind)


def _imports(n: _Ast) -> list[Node]:
    """`import a, b` is two imports."""
    line, column, end_line, end_column = _at(n)
    return [tree.Import(line, column, end_line, end_column, alias.name, [], 0, alias.asname or "") for alias in n.names]


@_reads(ast.ImportFrom)
def _import_from(n: _Ast, file: _File) -> Node:
    names = [(alias.name, alias.asname or "") for alias in n.names]
    return tree.Import(*_at(n), n.module or "", names, n.level or 0)


# ---------------------------------------------------------------- statements


@_reads(ast.If)
def _if(n: _Ast, file: _File) -> Node:
    return tree.If(*_at(n), _one(n.test, file), _body(n.body, file), _body(n.orelse, file) if n.orelse else [])


@_reads(ast.For, ast.AsyncFor)
def _for(n: _Ast, file: _File) -> Node:
    return tree.Loop(
        *_at(n),
        "for",
        _body(n.body, file),
        _one(n.target, file),
        _one(n.iter, file),
        None,
        _body(n.orelse, file),
        type(n) is ast.AsyncFor,
    )


@_reads(ast.While)
def _while(n: _Ast, file: _File) -> Node:
    return tree.Loop(*_at(n), "while", _body(n.body, file), None, None, _one(n.test, file), _body(n.orelse, file))


@_reads(ast.Try, ast.TryStar)
def _try(n: _Ast, file: _File) -> Node:
    return tree.Try(
        *_at(n),
        _body(n.body, file),
        [_handler(handler, file) for handler in n.handlers],
        _body(n.orelse, file),
        _body(n.finalbody, file),
    )


def _handler(n: _Ast, file: _File) -> tree.Handler:
    types = n.type.elts if type(n.type) is ast.Tuple else [n.type] if n.type else []
    return tree.Handler(*_at(n), _all(types, file), n.name or "", _body(n.body, file))


@_reads(ast.With, ast.AsyncWith)
def _with(n: _Ast, file: _File) -> Node:
    return tree.With(
        *_at(n),
        [(_one(item.context_expr, file), _maybe(item.optional_vars, file)) for item in n.items],
        _body(n.body, file),
        type(n) is ast.AsyncWith,
    )


@_reads(ast.Return)
def _return(n: _Ast, file: _File) -> Node:
    return tree.Return(*_at(n), _maybe(n.value, file))


@_reads(ast.Raise)
def _raise(n: _Ast, file: _File) -> Node:
    return tree.Raise(*_at(n), _maybe(n.exc, file), _maybe(n.cause, file))


@_reads(ast.Break)
def _break(n: _Ast, file: _File) -> Node:
    return tree.Jump(*_at(n), "break")


@_reads(ast.Continue)
def _continue(n: _Ast, file: _File) -> Node:
    return tree.Jump(*_at(n), "continue")


@_reads(ast.Assign)
def _assign(n: _Ast, file: _File) -> Node:
    value = n.value
    return tree.Assign(
        *_at(n), [_READ[type(target)](target, file) for target in n.targets], _READ[type(value)](value, file)
    )


@_reads(ast.AugAssign)
def _assign_by_operator(n: _Ast, file: _File) -> Node:
    return tree.Assign(*_at(n), [_one(n.target, file)], _one(n.value, file), _BINARY[type(n.op)])


@_reads(ast.AnnAssign)
def _assign_annotated(n: _Ast, file: _File) -> Node:
    return tree.Assign(
        *_at(n), [_one(n.target, file)], _maybe(n.value, file), "", _one(n.annotation, file), n.value is None
    )


@_reads(ast.Delete)
def _delete(n: _Ast, file: _File) -> Node:
    return tree.Delete(*_at(n), _all(n.targets, file))


@_reads(ast.Expr)
def _expression(n: _Ast, file: _File) -> Node:
    value = n.value
    return tree.Expression(*_at(n), _READ[type(value)](value, file))


@_reads(ast.Assert)
def _assert(n: _Ast, file: _File) -> Node:
    return tree.Assert(*_at(n), _one(n.test, file), _maybe(n.msg, file))


@_reads(ast.Global)
def _global(n: _Ast, file: _File) -> Node:
    return tree.Outer(*_at(n), "global", n.names)


@_reads(ast.Nonlocal)
def _nonlocal(n: _Ast, file: _File) -> Node:
    return tree.Outer(*_at(n), "nonlocal", n.names)


if sys.version_info >= (3, 12):

    @_reads(ast.TypeAlias)
    def _type_alias(n: _Ast, file: _File) -> Node:
        return tree.Assign(*_at(n), [_one(n.name, file)], _one(n.value, file), specifiers=("type",))


# ---------------------------------------------------------------- match statements


@_reads(ast.Match)
def _match(n: _Ast, file: _File) -> Node:
    return tree.Switch(*_at(n), _one(n.subject, file), [_case(case, file) for case in n.cases])


def _case(n: _Ast, file: _File) -> tree.Case:
    """It has no place of its own in `ast`: it reaches from its pattern to the end of its body."""
    pattern, end = n.pattern, n.body[-1]
    return tree.Case(
        pattern.lineno,
        pattern.col_offset + 1,
        end.end_lineno,
        end.end_col_offset + 1,
        _alternatives(pattern, file),
        _body(n.body, file),
        _maybe(n.guard, file),
    )


def _alternatives(pattern: _Ast, file: _File) -> list[Node]:
    if type(pattern) is ast.MatchOr:
        return _all(pattern.patterns, file)
    if type(pattern) is ast.MatchAs and pattern.name is None:
        return []
    return [_one(pattern, file)]


@_reads(ast.MatchValue)
def _match_value(n: _Ast, file: _File) -> Node:
    return _one(n.value, file)


@_reads(ast.MatchSingleton)
def _match_singleton(n: _Ast, file: _File) -> Node:
    return _constant(n, file)


@_reads(ast.MatchSequence)
def _match_sequence(n: _Ast, file: _File) -> Node:
    return tree.Collection(*_at(n), "list", _all(n.patterns, file))


@_reads(ast.MatchMapping)
def _match_mapping(n: _Ast, file: _File) -> Node:
    line, column, end_line, end_column = _at(n)
    keys: list[Node | None] = list(_all(n.keys, file))
    items = _all(n.patterns, file)
    if n.rest is not None:
        keys.append(None)
        items.append(tree.Name(line, column, end_line, end_column, n.rest))
    return tree.Collection(line, column, end_line, end_column, "dict", items, keys)


@_reads(ast.MatchClass)
def _match_class(n: _Ast, file: _File) -> Node:
    keywords = []
    for name, pattern in zip(n.kwd_attrs, n.kwd_patterns, strict=True):
        value = _one(pattern, file)
        keywords.append(tree.Keyword(value.line, value.column, value.end_line, value.end_column, name, value))
    return tree.Call(*_at(n), _one(n.cls, file), _all(n.patterns, file), keywords)


@_reads(ast.MatchStar)
def _match_star(n: _Ast, file: _File) -> Node:
    line, column, end_line, end_column = _at(n)
    name = tree.Name(line, column + 1, end_line, end_column, n.name or "_")
    return tree.Star(line, column, end_line, end_column, name)


@_reads(ast.MatchAs)
def _match_as(n: _Ast, file: _File) -> Node:
    line, column, end_line, end_column = _at(n)
    name = n.name or "_"
    if n.pattern is None:
        return tree.Name(line, column, end_line, end_column, name)
    target = tree.Name(end_line, end_column - len(name), end_line, end_column, name)
    return tree.Named(line, column, end_line, end_column, target, _one(n.pattern, file))


@_reads(ast.MatchOr)
def _match_or(n: _Ast, file: _File) -> Node:
    return tree.Logic(*_at(n), "or", _all(n.patterns, file))


# ---------------------------------------------------------------- names, calls, literals


@_reads(ast.Name)
def _name(n: _Ast, file: _File) -> Node:
    return tree.Name(n.lineno, n.col_offset + 1, n.end_lineno, n.end_col_offset + 1, n.id)


@_reads(ast.Attribute)
def _attribute(n: _Ast, file: _File) -> Node:
    value = n.value
    return tree.Attribute(
        n.lineno, n.col_offset + 1, n.end_lineno, n.end_col_offset + 1, _READ[type(value)](value, file), n.attr
    )


@_reads(ast.Subscript)
def _subscript(n: _Ast, file: _File) -> Node:
    value, key = n.value, n.slice
    return tree.Index(
        n.lineno,
        n.col_offset + 1,
        n.end_lineno,
        n.end_col_offset + 1,
        _READ[type(value)](value, file),
        _READ[type(key)](key, file),
    )


@_reads(ast.Slice)
def _slice(n: _Ast, file: _File) -> Node:
    return tree.Slice(*_at(n), _maybe(n.lower, file), _maybe(n.upper, file), _maybe(n.step, file))


@_reads(ast.Call)
def _call(n: _Ast, file: _File) -> Node:
    function = n.func
    return tree.Call(
        n.lineno,
        n.col_offset + 1,
        n.end_lineno,
        n.end_col_offset + 1,
        _READ[type(function)](function, file),
        [_READ[type(argument)](argument, file) for argument in n.args],
        _keywords(n.keywords, file) if n.keywords else [],
    )


def _keywords(keywords: Iterable[_Ast], file: _File) -> list[tree.Keyword]:
    return [
        tree.Keyword(
            n.lineno,
            n.col_offset + 1,
            n.end_lineno,
            n.end_col_offset + 1,
            n.arg or "",
            _READ[type(n.value)](n.value, file),
        )
        for n in keywords
    ]


@_reads(ast.Constant)
def _constant(n: _Ast, file: _File) -> Node:
    value = n.value
    if type(value) is str:
        kind, text = "string", value
    elif value is None or type(value) is bool:
        kind, text = _SINGLETONS[value]
    elif type(value) is bytes:
        kind, text = "bytes", value.decode("latin-1")
    elif value is ...:
        kind, text = "ellipsis", "..."
    else:
        kind, text = "int" if type(value) is int else "float", _number(n, file)
    return tree.Literal(n.lineno, n.col_offset + 1, n.end_lineno, n.end_col_offset + 1, kind, text)


_SINGLETONS = {None: ("none", "None"), True: ("bool", "True"), False: ("bool", "False")}


def _number(n: _Ast, file: _File) -> str:
    """As written. Before Python 3.12 the places inside an f-string are unreliable, so there the value has to do."""
    return repr(n.value) if file.in_format else file.lines[n.lineno - 1][n.col_offset : n.end_col_offset]


@_reads(ast.JoinedStr)
def _format(n: _Ast, file: _File) -> Node:
    file.in_format += 1
    parts = _all(n.values, file)
    file.in_format -= 1
    return tree.Format(*_at(n), parts)


@_reads(ast.FormattedValue)
def _format_field(n: _Ast, file: _File) -> Node:
    return tree.FormatField(
        *_at(n),
        _one(n.value, file),
        "" if n.conversion < 0 else chr(n.conversion),
        _spec(n.format_spec) if n.format_spec else "",
    )


def _spec(spec: ast.AST) -> str:
    """`.6g`, or `.{digits}f` with its own fields as written."""
    if isinstance(spec, ast.Constant):
        return str(spec.value)
    if isinstance(spec, ast.JoinedStr):
        return "".join(_spec(part) for part in spec.values)
    try:
        return ast.unparse(ast.JoinedStr([spec]))[2:-1] if isinstance(spec, ast.expr) else "{}"
    except RecursionError:
        return "{}"


if sys.version_info >= (3, 14):
    _reads(ast.TemplateStr)(_format)
    _reads(ast.Interpolation)(_format_field)


# ---------------------------------------------------------------- collections


def _collection(n: _Ast, file: _File) -> Node:
    return tree.Collection(*_at(n), _COLLECTIONS[type(n)], _all(n.elts, file))


_COLLECTIONS: dict[type, str] = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}
_reads(*_COLLECTIONS)(_collection)


@_reads(ast.Dict)
def _dict(n: _Ast, file: _File) -> Node:
    return tree.Collection(*_at(n), "dict", _all(n.values, file), [_maybe(key, file) for key in n.keys])


def _comprehension(n: _Ast, file: _File) -> Node:
    return tree.Comprehension(*_at(n), _COMPREHENSIONS[type(n)], _one(n.elt, file), _generators(n.generators, file))


_COMPREHENSIONS: dict[type, str] = {ast.ListComp: "list", ast.SetComp: "set", ast.GeneratorExp: "generator"}
_reads(*_COMPREHENSIONS)(_comprehension)


@_reads(ast.DictComp)
def _dict_comprehension(n: _Ast, file: _File) -> Node:
    return tree.Comprehension(*_at(n), "dict", _one(n.value, file), _generators(n.generators, file), _one(n.key, file))


def _generators(generators: Iterable[_Ast], file: _File) -> list[tree.Generator]:
    """They have no place of their own in `ast`: one reaches from its target to its last test."""
    read = []
    for n in generators:
        target, iterable, tests = _one(n.target, file), _one(n.iter, file), _all(n.ifs, file)
        end = tests[-1] if tests else iterable
        read.append(
            tree.Generator(
                target.line, target.column, end.end_line, end.end_column, target, iterable, tests, bool(n.is_async)
            )
        )
    return read


# ---------------------------------------------------------------- operators

_BINARY: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.MatMult: "@",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.BitAnd: "&",
}
_UNARY: dict[type, str] = {ast.Not: "not", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}
_COMPARE: dict[type, str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}


@_reads(ast.BinOp)
def _binary(n: _Ast, file: _File) -> Node:
    return tree.Binary(*_at(n), _BINARY[type(n.op)], _one(n.left, file), _one(n.right, file))


@_reads(ast.BoolOp)
def _logic(n: _Ast, file: _File) -> Node:
    op = "and" if type(n.op) is ast.And else "or"
    return tree.Logic(*_at(n), op, _all(n.values, file))


@_reads(ast.Compare)
def _compare(n: _Ast, file: _File) -> Node:
    operands = [_one(n.left, file), *_all(n.comparators, file)]
    ops = [_COMPARE[type(op)] for op in n.ops]
    return tree.Compare(*_at(n), operands, ops)


@_reads(ast.UnaryOp)
def _unary(n: _Ast, file: _File) -> Node:
    op = _UNARY[type(n.op)]
    return tree.Unary(*_at(n), op, _one(n.operand, file))


@_reads(ast.IfExp)
def _conditional(n: _Ast, file: _File) -> Node:
    return tree.Conditional(*_at(n), _one(n.test, file), _one(n.body, file), _one(n.orelse, file))


@_reads(ast.NamedExpr)
def _named(n: _Ast, file: _File) -> Node:
    return tree.Named(*_at(n), _one(n.target, file), _one(n.value, file))


@_reads(ast.Await)
def _await(n: _Ast, file: _File) -> Node:
    return tree.Await(*_at(n), _one(n.value, file))


@_reads(ast.Yield)
def _yield(n: _Ast, file: _File) -> Node:
    return tree.Yield(*_at(n), _maybe(n.value, file))


@_reads(ast.YieldFrom)
def _yield_from(n: _Ast, file: _File) -> Node:
    return tree.Yield(*_at(n), _one(n.value, file), True)


@_reads(ast.Starred)
def _star(n: _Ast, file: _File) -> Node:
    return tree.Star(*_at(n), _one(n.value, file))
