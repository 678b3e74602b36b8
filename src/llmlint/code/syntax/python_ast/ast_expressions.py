"""Expressions, and the parameters of functions and lambdas."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from typing import Any

from llmlint.code.syntax import tree
from llmlint.code.syntax.python_ast.ast_reading import READ, Ast, File, at, every, maybe, one, reads
from llmlint.code.syntax.tree import Node

# ---------------------------------------------------------------- names, calls, literals


@reads(ast.Name)
def _name(n: Ast, file: File) -> Node:
    return tree.Name(n.lineno, n.col_offset + 1, n.end_lineno, n.end_col_offset + 1, n.id)


@reads(ast.Attribute)
def _attribute(n: Ast, file: File) -> Node:
    value = n.value
    return tree.Attribute(
        n.lineno, n.col_offset + 1, n.end_lineno, n.end_col_offset + 1, READ[type(value)](value, file), n.attr
    )


@reads(ast.Subscript)
def _subscript(n: Ast, file: File) -> Node:
    value, key = n.value, n.slice
    return tree.Index(
        n.lineno,
        n.col_offset + 1,
        n.end_lineno,
        n.end_col_offset + 1,
        READ[type(value)](value, file),
        READ[type(key)](key, file),
    )


@reads(ast.Slice)
def _slice(n: Ast, file: File) -> Node:
    return tree.Slice(*at(n), maybe(n.lower, file), maybe(n.upper, file), maybe(n.step, file))


@reads(ast.Call)
def _call(n: Ast, file: File) -> Node:
    function = n.func
    return tree.Call(
        n.lineno,
        n.col_offset + 1,
        n.end_lineno,
        n.end_col_offset + 1,
        READ[type(function)](function, file),
        [READ[type(argument)](argument, file) for argument in n.args],
        keywords_of(n.keywords, file) if n.keywords else [],
    )


@reads(ast.Constant)
def constant(n: Ast, file: File) -> Node:
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


def _number(n: Ast, file: File) -> str:
    """As written. Before Python 3.12 the places inside an f-string are unreliable, so there the value has to do."""
    return repr(n.value) if file.in_format else file.lines[n.lineno - 1][n.col_offset : n.end_col_offset]


@reads(ast.JoinedStr)
def _format(n: Ast, file: File) -> Node:
    """Its parts stand where the whole does: before Python 3.12 nobody knows more, and reports are the same for all."""
    place = at(n)
    file.in_format += 1
    parts = [_part(part, file, place) for part in n.values]
    file.in_format -= 1
    return tree.Format(*place, parts)


def _part(n: Ast, file: File, place: tuple[int, int, int, int]) -> Node:
    if isinstance(n, ast.Constant):
        return tree.Literal(*place, "string", str(n.value))
    if not isinstance(n, _FIELDS):
        return one(n, file)
    return tree.FormatField(
        *place,
        one(n.value, file),
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


_FIELDS: tuple[type[Any], ...] = (ast.FormattedValue,)
if sys.version_info >= (3, 14):
    reads(ast.TemplateStr)(_format)
    _FIELDS = (ast.FormattedValue, ast.Interpolation)


# ---------------------------------------------------------------- parameters and arguments


@reads(ast.Lambda)
def _lambda(n: Ast, file: File) -> Node:
    line, column, end_line, end_column = at(n)
    value = n.body
    answer = tree.Return(*at(value), one(value, file))
    body = tree.Function(line, column, end_line, end_column, "<lambda>", parameters(n.args, file), [answer])
    return tree.Lambda(line, column, end_line, end_column, body)


def parameters(arguments: ast.arguments, file: File) -> list[tree.Parameter]:
    positional = arguments.posonlyargs + arguments.args
    params = []
    without = len(positional) - len(arguments.defaults)
    for index, n in enumerate(positional):
        params.append(_param(n, file, arguments.defaults[index - without] if index >= without else None, ""))
    if arguments.vararg:
        params.append(_param(arguments.vararg, file, None, "*"))
    for n, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        params.append(_param(n, file, default, "only"))
    if arguments.kwarg:
        params.append(_param(arguments.kwarg, file, None, "**"))
    return params


def _param(n: Ast, file: File, default: Ast, kind: str) -> tree.Parameter:
    """It reaches to the end of its default."""
    end = default or n
    place = n.lineno, n.col_offset + 1, end.end_lineno, end.end_col_offset + 1
    return tree.Parameter(*place, n.arg, maybe(n.annotation, file), maybe(default, file), kind)


def keywords_of(keywords: Iterable[Ast], file: File) -> list[tree.Keyword]:
    return [
        tree.Keyword(
            n.lineno,
            n.col_offset + 1,
            n.end_lineno,
            n.end_col_offset + 1,
            n.arg or "",
            READ[type(n.value)](n.value, file),
        )
        for n in keywords
    ]


# ---------------------------------------------------------------- collections


def _collection(n: Ast, file: File) -> Node:
    return tree.Collection(*at(n), _COLLECTIONS[type(n)], every(n.elts, file))


_COLLECTIONS: dict[type, str] = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}
reads(*_COLLECTIONS)(_collection)


@reads(ast.Dict)
def _dict(n: Ast, file: File) -> Node:
    return tree.Collection(*at(n), "dict", every(n.values, file), [maybe(key, file) for key in n.keys])


def _comprehension(n: Ast, file: File) -> Node:
    return tree.Comprehension(*at(n), _COMPREHENSIONS[type(n)], one(n.elt, file), _generators(n.generators, file))


_COMPREHENSIONS: dict[type, str] = {ast.ListComp: "list", ast.SetComp: "set", ast.GeneratorExp: "generator"}
reads(*_COMPREHENSIONS)(_comprehension)


@reads(ast.DictComp)
def _dict_comprehension(n: Ast, file: File) -> Node:
    return tree.Comprehension(*at(n), "dict", one(n.value, file), _generators(n.generators, file), one(n.key, file))


def _generators(generators: Iterable[Ast], file: File) -> list[tree.Generator]:
    """They have no place of their own in `ast`: one reaches from its target to its last test."""
    read = []
    for n in generators:
        target, iterable, tests = one(n.target, file), one(n.iter, file), every(n.ifs, file)
        end = tests[-1] if tests else iterable
        read.append(
            tree.Generator(
                target.line, target.column, end.end_line, end.end_column, target, iterable, tests, bool(n.is_async)
            )
        )
    return read


# ---------------------------------------------------------------- operators

BINARY: dict[type, str] = {
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


@reads(ast.BinOp)
def _binary(n: Ast, file: File) -> Node:
    return tree.Binary(*at(n), BINARY[type(n.op)], one(n.left, file), one(n.right, file))


@reads(ast.BoolOp)
def _logic(n: Ast, file: File) -> Node:
    op = "and" if type(n.op) is ast.And else "or"
    return tree.Logic(*at(n), op, every(n.values, file))


@reads(ast.Compare)
def _compare(n: Ast, file: File) -> Node:
    operands = [one(n.left, file), *every(n.comparators, file)]
    ops = [_COMPARE[type(op)] for op in n.ops]
    return tree.Compare(*at(n), operands, ops)


@reads(ast.UnaryOp)
def _unary(n: Ast, file: File) -> Node:
    op = _UNARY[type(n.op)]
    return tree.Unary(*at(n), op, one(n.operand, file))


@reads(ast.IfExp)
def _conditional(n: Ast, file: File) -> Node:
    return tree.Conditional(*at(n), one(n.test, file), one(n.body, file), one(n.orelse, file))


@reads(ast.NamedExpr)
def _named(n: Ast, file: File) -> Node:
    return tree.Named(*at(n), one(n.target, file), one(n.value, file))


@reads(ast.Await)
def _await(n: Ast, file: File) -> Node:
    return tree.Await(*at(n), one(n.value, file))


@reads(ast.Yield)
def _yield(n: Ast, file: File) -> Node:
    return tree.Yield(*at(n), maybe(n.value, file))


@reads(ast.YieldFrom)
def _yield_from(n: Ast, file: File) -> Node:
    return tree.Yield(*at(n), one(n.value, file), True)


@reads(ast.Starred)
def _star(n: Ast, file: File) -> Node:
    return tree.Star(*at(n), one(n.value, file))
