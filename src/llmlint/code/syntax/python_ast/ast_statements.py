"""Modules, classes, functions, statements and the patterns of `match`.

A docstring goes to its own field; it and `pass` do nothing, so they are not in any body.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable

from llmlint.code.syntax import tree
from llmlint.code.syntax.python_ast.ast_expressions import BINARY, constant, keywords_of, parameters
from llmlint.code.syntax.python_ast.ast_reading import READ, Ast, File, at, every, maybe, one, reads
from llmlint.code.syntax.tree import Node

# ---------------------------------------------------------------- bodies


def module_of(parsed: ast.Module, text: str) -> tree.Module:
    file = File(text)
    docstring, statements = documented(parsed.body)
    body = body_of(statements, file)
    last = file.lines[-1]
    return tree.Module(1, 1, len(file.lines), len(last) + 1, "python", body, docstring, file.broken)


def body_of(statements: Iterable[Ast], file: File) -> list[Node]:
    read: list[Node] = []
    for n in statements:
        kind = type(n)
        if kind is ast.Import:
            read.extend(_imports(n))
        elif kind is not ast.Pass:
            read.append(READ[kind](n, file))
    return read


def documented(statements: list[ast.stmt]) -> tuple[str, list[ast.stmt]]:
    """The docstring and the statements after it."""
    if statements:
        first = statements[0]
        if type(first) is ast.Expr and type(first.value) is ast.Constant and type(first.value.value) is str:
            return first.value.value, statements[1:]
    return "", statements


# ---------------------------------------------------------------- declarations


@reads(ast.ClassDef)
def _class(n: Ast, file: File) -> Node:
    docstring, statements = documented(n.body)
    bases, keywords, decorators = every(n.bases, file), keywords_of(n.keywords, file), every(n.decorator_list, file)
    namespace = ".".join(file.classes)
    file.classes.append(n.name)
    body = body_of(statements, file)
    file.classes.pop()
    return tree.Class(*at(n), n.name, bases, body, decorators, keywords, namespace, docstring)


@reads(ast.FunctionDef, ast.AsyncFunctionDef)
def _function(n: Ast, file: File) -> Node:
    docstring, statements = documented(n.body)
    params, decorators, returns = parameters(n.args, file), every(n.decorator_list, file), maybe(n.returns, file)
    classes, file.classes = file.classes, []
    body = body_of(statements, file)
    file.classes = classes
    return tree.Function(
        *at(n), n.name, params, body, decorators, returns, type(n) is ast.AsyncFunctionDef, "", "", (), docstring
    )


def _imports(n: Ast) -> list[Node]:
    """`import a, b` is two imports."""
    line, column, end_line, end_column = at(n)
    return [tree.Import(line, column, end_line, end_column, alias.name, [], 0, alias.asname or "") for alias in n.names]


@reads(ast.ImportFrom)
def _import_from(n: Ast, file: File) -> Node:
    names = [(alias.name, alias.asname or "") for alias in n.names]
    return tree.Import(*at(n), n.module or "", names, n.level or 0)


# ---------------------------------------------------------------- statements


@reads(ast.If)
def _if(n: Ast, file: File) -> Node:
    return tree.If(*at(n), one(n.test, file), body_of(n.body, file), body_of(n.orelse, file) if n.orelse else [])


@reads(ast.For, ast.AsyncFor)
def _for(n: Ast, file: File) -> Node:
    return tree.Loop(
        *at(n),
        "for",
        body_of(n.body, file),
        one(n.target, file),
        one(n.iter, file),
        None,
        body_of(n.orelse, file),
        type(n) is ast.AsyncFor,
    )


@reads(ast.While)
def _while(n: Ast, file: File) -> Node:
    return tree.Loop(*at(n), "while", body_of(n.body, file), None, None, one(n.test, file), body_of(n.orelse, file))


@reads(ast.Try, ast.TryStar)
def _try(n: Ast, file: File) -> Node:
    return tree.Try(
        *at(n),
        body_of(n.body, file),
        [_handler(handler, file) for handler in n.handlers],
        body_of(n.orelse, file),
        body_of(n.finalbody, file),
    )


def _handler(n: Ast, file: File) -> tree.Handler:
    types = n.type.elts if type(n.type) is ast.Tuple else [n.type] if n.type else []
    return tree.Handler(*at(n), every(types, file), n.name or "", body_of(n.body, file))


@reads(ast.With, ast.AsyncWith)
def _with(n: Ast, file: File) -> Node:
    return tree.With(
        *at(n),
        [(one(item.context_expr, file), maybe(item.optional_vars, file)) for item in n.items],
        body_of(n.body, file),
        type(n) is ast.AsyncWith,
    )


@reads(ast.Return)
def _return(n: Ast, file: File) -> Node:
    return tree.Return(*at(n), maybe(n.value, file))


@reads(ast.Raise)
def _raise(n: Ast, file: File) -> Node:
    return tree.Raise(*at(n), maybe(n.exc, file), maybe(n.cause, file))


@reads(ast.Break)
def _break(n: Ast, file: File) -> Node:
    return tree.Jump(*at(n), "break")


@reads(ast.Continue)
def _continue(n: Ast, file: File) -> Node:
    return tree.Jump(*at(n), "continue")


@reads(ast.Assign)
def _assign(n: Ast, file: File) -> Node:
    value = n.value
    return tree.Assign(
        *at(n), [READ[type(target)](target, file) for target in n.targets], READ[type(value)](value, file)
    )


@reads(ast.AugAssign)
def _assign_by_operator(n: Ast, file: File) -> Node:
    return tree.Assign(*at(n), [one(n.target, file)], one(n.value, file), BINARY[type(n.op)])


@reads(ast.AnnAssign)
def _assign_annotated(n: Ast, file: File) -> Node:
    return tree.Assign(
        *at(n), [one(n.target, file)], maybe(n.value, file), "", one(n.annotation, file), n.value is None
    )


@reads(ast.Delete)
def _delete(n: Ast, file: File) -> Node:
    return tree.Delete(*at(n), every(n.targets, file))


@reads(ast.Expr)
def _expression(n: Ast, file: File) -> Node:
    value = n.value
    return tree.Expression(*at(n), READ[type(value)](value, file))


@reads(ast.Assert)
def _assert(n: Ast, file: File) -> Node:
    return tree.Assert(*at(n), one(n.test, file), maybe(n.msg, file))


@reads(ast.Global)
def _global(n: Ast, file: File) -> Node:
    return tree.Outer(*at(n), "global", n.names)


@reads(ast.Nonlocal)
def _nonlocal(n: Ast, file: File) -> Node:
    return tree.Outer(*at(n), "nonlocal", n.names)


if sys.version_info >= (3, 12):

    @reads(ast.TypeAlias)
    def _type_alias(n: Ast, file: File) -> Node:
        return tree.Assign(*at(n), [one(n.name, file)], one(n.value, file), specifiers=("type",))


# ---------------------------------------------------------------- match statements


@reads(ast.Match)
def _match(n: Ast, file: File) -> Node:
    return tree.Switch(*at(n), one(n.subject, file), [_case(case, file) for case in n.cases])


def _case(n: Ast, file: File) -> tree.Case:
    """It has no place of its own in `ast`: it reaches from its pattern to the end of its body."""
    pattern, end = n.pattern, n.body[-1]
    return tree.Case(
        pattern.lineno,
        pattern.col_offset + 1,
        end.end_lineno,
        end.end_col_offset + 1,
        _alternatives(pattern, file),
        body_of(n.body, file),
        maybe(n.guard, file),
    )


def _alternatives(pattern: Ast, file: File) -> list[Node]:
    if type(pattern) is ast.MatchOr:
        return every(pattern.patterns, file)
    if type(pattern) is ast.MatchAs and pattern.name is None:
        return []
    return [one(pattern, file)]


@reads(ast.MatchValue)
def _match_value(n: Ast, file: File) -> Node:
    return one(n.value, file)


@reads(ast.MatchSingleton)
def _match_singleton(n: Ast, file: File) -> Node:
    return constant(n, file)


@reads(ast.MatchSequence)
def _match_sequence(n: Ast, file: File) -> Node:
    return tree.Collection(*at(n), "list", every(n.patterns, file))


@reads(ast.MatchMapping)
def _match_mapping(n: Ast, file: File) -> Node:
    line, column, end_line, end_column = at(n)
    keys: list[Node | None] = list(every(n.keys, file))
    items = every(n.patterns, file)
    if n.rest is not None:
        keys.append(None)
        items.append(tree.Name(line, column, end_line, end_column, n.rest))
    return tree.Collection(line, column, end_line, end_column, "dict", items, keys)


@reads(ast.MatchClass)
def _match_class(n: Ast, file: File) -> Node:
    keywords = []
    for name, pattern in zip(n.kwd_attrs, n.kwd_patterns, strict=True):
        value = one(pattern, file)
        keywords.append(tree.Keyword(value.line, value.column, value.end_line, value.end_column, name, value))
    return tree.Call(*at(n), one(n.cls, file), every(n.patterns, file), keywords)


@reads(ast.MatchStar)
def _match_star(n: Ast, file: File) -> Node:
    line, column, end_line, end_column = at(n)
    name = tree.Name(line, column + 1, end_line, end_column, n.name or "_")
    return tree.Star(line, column, end_line, end_column, name)


@reads(ast.MatchAs)
def _match_as(n: Ast, file: File) -> Node:
    line, column, end_line, end_column = at(n)
    name = n.name or "_"
    if n.pattern is None:
        return tree.Name(line, column, end_line, end_column, name)
    target = tree.Name(end_line, end_column - len(name), end_line, end_column, name)
    return tree.Named(line, column, end_line, end_column, target, one(n.pattern, file))


@reads(ast.MatchOr)
def _match_or(n: Ast, file: File) -> Node:
    return tree.Logic(*at(n), "or", every(n.patterns, file))
