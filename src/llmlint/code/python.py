"""Python to the code tree, through the standard library's `ast`."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from llmlint.code import tree
from llmlint.code.errors import Unreadable

_DEEPEST = 400
"""Expressions nested deeper than this are not followed: no hand-written code comes near it."""

Convert = Callable[["_Converter", Any], Any]


def read_python(data: bytes) -> tuple[str, tree.Module]:
    """The decoded text of a Python file and its tree; raises Unreadable when there is none to be had."""
    text = decode(data)
    if "\0" in text:
        raise Unreadable("holds a NUL byte")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = ast.parse(text)
    except (RecursionError, MemoryError):
        raise Unreadable("nested too deep to parse") from None
    except (SyntaxError, ValueError) as problem:
        where = f"line {problem.lineno}: " if isinstance(problem, SyntaxError) and problem.lineno else ""
        raise Unreadable(f"{where}{getattr(problem, 'msg', None) or problem}") from None
    try:
        return text, _Converter(text).module(parsed)
    except RecursionError:
        raise Unreadable("nested too deep to follow") from None


def decode(data: bytes) -> str:
    """By byte order mark or coding cookie, else UTF-8; line ends become plain newlines."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, LookupError, UnicodeDecodeError):
        raise Unreadable("is not text in UTF-8 or in the encoding it declares") from None
    # The parser counts a form feed as no line end, and so must every later split of the text.
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Converter:
    """One method a node kind; `_TABLE` finds it by type."""

    def __init__(self, text: str) -> None:
        self.column = tree.Columns(text.encode("utf-8", "surrogatepass"))
        self.depth = 0

    def at(self, node: Any) -> tuple[int, int, int, int]:
        column = self.column
        return (
            node.lineno,
            column(node.lineno, node.col_offset),
            node.end_lineno,
            column(node.end_lineno, node.end_col_offset),
        )

    def __call__(self, node: Any) -> Any:
        if node is None:
            return None
        self.depth += 1
        if self.depth > _DEEPEST:
            raise RecursionError
        converted = _TABLE[type(node)](self, node)
        self.depth -= 1
        return converted

    def all(self, nodes: Iterable[Any]) -> list[Any]:
        return [self(node) for node in nodes]

    # ------------------------------------------------------------ declarations

    def module(self, node: ast.Module) -> tree.Module:
        body, docstring = self.body(node.body)
        end = node.body[-1].end_lineno if node.body else 1
        return tree.Module(1, 1, end or 1, 1, "python", body, docstring)

    def body(self, statements: list[ast.stmt]) -> tuple[list[tree.Node], str]:
        first = statements[0] if statements else None
        docstring = ""
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            docstring = first.value.value
        return self.all(statements), docstring

    def class_def(self, node: ast.ClassDef) -> tree.Node:
        body, docstring = self.body(node.body)
        return tree.Class(
            *self.at(node),
            node.name,
            self.all(node.bases),
            body,
            self.all(node.decorator_list),
            self.all(node.keywords),
            "",
            docstring,
        )

    def function_def(self, node: Any) -> tree.Node:
        body, docstring = self.body(node.body)
        return tree.Function(
            *self.at(node),
            node.name,
            self.parameters(node.args),
            body,
            self.all(node.decorator_list),
            self(node.returns),
            isinstance(node, ast.AsyncFunctionDef),
            docstring=docstring,
        )

    def parameters(self, args: ast.arguments) -> list[tree.Parameter]:
        plain = [*args.posonlyargs, *args.args]
        defaults = [None] * (len(plain) - len(args.defaults)) + list(args.defaults)
        found = [self.parameter(a, d, "") for a, d in zip(plain, defaults, strict=True)]
        if args.vararg:
            found.append(self.parameter(args.vararg, None, "*"))
        found += [self.parameter(a, d, "only") for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
        if args.kwarg:
            found.append(self.parameter(args.kwarg, None, "**"))
        return found

    def parameter(self, node: ast.arg, default: ast.expr | None, kind: str) -> tree.Parameter:
        return tree.Parameter(*self.at(node), node.arg, self(node.annotation), self(default), kind)

    def import_(self, node: ast.Import) -> tree.Node:
        imports = [tree.Import(*self.at(node), a.name, [], 0, a.asname or "") for a in node.names]
        return imports[0] if len(imports) == 1 else tree.Block(*self.at(node), list(imports))

    def import_from(self, node: ast.ImportFrom) -> tree.Node:
        names = [(a.name, a.asname or "") for a in node.names]
        return tree.Import(*self.at(node), node.module or "", names, node.level)

    # ------------------------------------------------------------ statements

    def if_(self, node: ast.If) -> tree.Node:
        return tree.If(*self.at(node), self(node.test), self.all(node.body), self.all(node.orelse))

    def for_(self, node: Any) -> tree.Node:
        return tree.Loop(
            *self.at(node),
            "for",
            self.all(node.body),
            self(node.target),
            self(node.iter),
            None,
            self.all(node.orelse),
            isinstance(node, ast.AsyncFor),
        )

    def while_(self, node: ast.While) -> tree.Node:
        return tree.Loop(
            *self.at(node), "while", self.all(node.body), None, None, self(node.test), self.all(node.orelse)
        )

    def try_(self, node: Any) -> tree.Node:
        handlers = [self.handler(h) for h in node.handlers]
        return tree.Try(*self.at(node), self.all(node.body), handlers, self.all(node.orelse), self.all(node.finalbody))

    def handler(self, node: ast.ExceptHandler) -> tree.Handler:
        types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
        return tree.Handler(*self.at(node), self.all(types), node.name or "", self.all(node.body))

    def with_(self, node: Any) -> tree.Node:
        items = [(self(item.context_expr), self(item.optional_vars)) for item in node.items]
        return tree.With(*self.at(node), items, self.all(node.body), isinstance(node, ast.AsyncWith))

    def match(self, node: ast.Match) -> tree.Node:
        cases = []
        for case in node.cases:
            default = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and not case.guard
            patterns = [] if default else [self.pattern(case.pattern)]
            body = self.all(case.body)
            at = (*self.at(case.pattern)[:2], body[-1].end_line, body[-1].end_column)
            cases.append(tree.Case(*at, patterns, body, self(case.guard)))
        return tree.Switch(*self.at(node), self(node.subject), cases)

    def pattern(self, node: Any) -> tree.Node:
        """A pattern keeps its values; what it captures becomes names."""
        at = self.at(node)
        match node:
            case ast.MatchValue(value=value):
                return self(value)  # type: ignore[no-any-return]
            case ast.MatchSingleton(value=value):
                return tree.Literal(*at, "none" if value is None else "bool", str(value))
            case ast.MatchClass(cls=cls, patterns=patterns, kwd_attrs=names, kwd_patterns=named):
                keywords = [tree.Keyword(*self.at(p), n, self.pattern(p)) for n, p in zip(names, named, strict=True)]
                return tree.Call(*at, self(cls), [self.pattern(p) for p in patterns], keywords)
            case ast.MatchMapping(keys=keys, patterns=patterns):
                return tree.Collection(*at, "dict", [self.pattern(p) for p in patterns], self.all(keys))
            case ast.MatchSequence(patterns=patterns) | ast.MatchOr(patterns=patterns):
                return tree.Collection(*at, "tuple", [self.pattern(p) for p in patterns])
            case ast.MatchAs(pattern=inner, name=name) if inner is not None:
                return tree.Collection(*at, "tuple", [self.pattern(inner), tree.Name(*at, name or "_")])
            case ast.MatchStar(name=name) | ast.MatchAs(name=name):
                return tree.Name(*at, name or "_")
        return tree.Name(*at, "_")

    def return_(self, node: ast.Return) -> tree.Node:
        return tree.Return(*self.at(node), self(node.value))

    def raise_(self, node: ast.Raise) -> tree.Node:
        return tree.Raise(*self.at(node), self(node.exc), self(node.cause))

    def break_(self, node: Any) -> tree.Node:
        return tree.Jump(*self.at(node), "break" if isinstance(node, ast.Break) else "continue")

    def assign(self, node: ast.Assign) -> tree.Node:
        return tree.Assign(*self.at(node), self.all(node.targets), self(node.value))

    def ann_assign(self, node: ast.AnnAssign) -> tree.Node:
        return tree.Assign(
            *self.at(node), [self(node.target)], self(node.value), "", self(node.annotation), declares=True
        )

    def aug_assign(self, node: ast.AugAssign) -> tree.Node:
        return tree.Assign(*self.at(node), [self(node.target)], self(node.value), _OPERATORS[type(node.op)])

    def type_alias(self, node: Any) -> tree.Node:
        return tree.Assign(*self.at(node), [self(node.name)], self(node.value))

    def delete(self, node: ast.Delete) -> tree.Node:
        return tree.Delete(*self.at(node), self.all(node.targets))

    def expr(self, node: ast.Expr) -> tree.Node:
        return tree.Expression(*self.at(node), self(node.value))

    def pass_(self, node: ast.Pass) -> tree.Node:
        return tree.Expression(*self.at(node), tree.Literal(*self.at(node), "ellipsis", "pass"))

    def assert_(self, node: ast.Assert) -> tree.Node:
        return tree.Assert(*self.at(node), self(node.test), self(node.msg))

    def outer(self, node: Any) -> tree.Node:
        return tree.Outer(*self.at(node), "global" if isinstance(node, ast.Global) else "nonlocal", list(node.names))

    # ------------------------------------------------------------ expressions

    def name(self, node: ast.Name) -> tree.Node:
        return tree.Name(*self.at(node), node.id)

    def attribute(self, node: ast.Attribute) -> tree.Node:
        return tree.Attribute(*self.at(node), self(node.value), node.attr)

    def subscript(self, node: ast.Subscript) -> tree.Node:
        return tree.Index(*self.at(node), self(node.value), self(node.slice))

    def slice(self, node: ast.Slice) -> tree.Node:
        return tree.Slice(*self.at(node), self(node.lower), self(node.upper), self(node.step))

    def call(self, node: ast.Call) -> tree.Node:
        return tree.Call(*self.at(node), self(node.func), self.all(node.args), self.all(node.keywords))

    def keyword(self, node: ast.keyword) -> tree.Node:
        return tree.Keyword(*self.at(node), node.arg or "", self(node.value))

    def constant(self, node: ast.Constant) -> tree.Node:
        value = node.value
        return tree.Literal(*self.at(node), _LITERALS[type(value)], value if isinstance(value, str) else repr(value))

    def list_(self, node: Any) -> tree.Node:
        return tree.Collection(*self.at(node), type(node).__name__.lower(), self.all(node.elts))

    def dict_(self, node: ast.Dict) -> tree.Node:
        return tree.Collection(*self.at(node), "dict", self.all(node.values), self.all(node.keys))

    def comprehension(self, node: Any) -> tree.Node:
        kind = _COMPREHENSIONS[type(node)]
        key, element = (node.key, node.value) if kind == "dict" else (None, node.elt)
        generators = [self.generator(g) for g in node.generators]
        return tree.Comprehension(*self.at(node), kind, self(element), generators, self(key))

    def generator(self, node: ast.comprehension) -> tree.Generator:
        at = (*self.at(node.target)[:2], *self.at(node.iter)[2:])
        return tree.Generator(*at, self(node.target), self(node.iter), self.all(node.ifs), bool(node.is_async))

    def bin_op(self, node: ast.BinOp) -> tree.Node:
        """A long chain `a + b + c …` nests to the left: it is unrolled, so that its length costs no depth."""
        chain: list[ast.BinOp] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            chain.append(left)
            left = left.left
        converted = self(left)
        for link in reversed(chain):
            converted = tree.Binary(*self.at(link), _OPERATORS[type(link.op)], converted, self(link.right))
        return converted  # type: ignore[no-any-return]

    def compare(self, node: ast.Compare) -> tree.Node:
        ops = [_COMPARISONS[type(op)] for op in node.ops]
        return tree.Compare(*self.at(node), self.all([node.left, *node.comparators]), ops)

    def bool_op(self, node: ast.BoolOp) -> tree.Node:
        return tree.Logic(*self.at(node), "and" if isinstance(node.op, ast.And) else "or", self.all(node.values))

    def unary_op(self, node: ast.UnaryOp) -> tree.Node:
        return tree.Unary(*self.at(node), _UNARY[type(node.op)], self(node.operand))

    def if_exp(self, node: ast.IfExp) -> tree.Node:
        return tree.Conditional(*self.at(node), self(node.test), self(node.body), self(node.orelse))

    def lambda_(self, node: ast.Lambda) -> tree.Node:
        at = self.at(node)
        body = self(node.body)
        returned = tree.Return(body.line, body.column, body.end_line, body.end_column, body)
        return tree.Lambda(*at, tree.Function(*at, "<lambda>", self.parameters(node.args), [returned]))

    def joined_str(self, node: ast.JoinedStr) -> tree.Node:
        return tree.Format(*self.at(node), self.all(node.values))

    def formatted_value(self, node: ast.FormattedValue) -> tree.Node:
        conversion = chr(node.conversion) if node.conversion > 0 else ""
        spec = "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}"
            for part in (node.format_spec.values if isinstance(node.format_spec, ast.JoinedStr) else ())
        )
        return tree.FormatField(*self.at(node), self(node.value), conversion, spec)

    def await_(self, node: ast.Await) -> tree.Node:
        return tree.Await(*self.at(node), self(node.value))

    def yield_(self, node: Any) -> tree.Node:
        return tree.Yield(*self.at(node), self(node.value), isinstance(node, ast.YieldFrom))

    def starred(self, node: ast.Starred) -> tree.Node:
        return tree.Star(*self.at(node), self(node.value))

    def named_expr(self, node: ast.NamedExpr) -> tree.Node:
        return tree.Named(*self.at(node), self(node.target), self(node.value))


_LITERALS: dict[type, str] = {
    str: "string",
    bytes: "bytes",
    int: "int",
    float: "float",
    complex: "float",
    bool: "bool",
    type(None): "none",
    type(...): "ellipsis",
}

_OPERATORS: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.BitXor: "^",
    ast.MatMult: "@",
}

_COMPARISONS: dict[type, str] = {
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

_UNARY: dict[type, str] = {ast.Not: "not", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}

_COMPREHENSIONS: dict[type, str] = {
    ast.ListComp: "list",
    ast.SetComp: "set",
    ast.DictComp: "dict",
    ast.GeneratorExp: "generator",
}

_TABLE: dict[type, Convert] = {
    ast.ClassDef: _Converter.class_def,
    ast.FunctionDef: _Converter.function_def,
    ast.AsyncFunctionDef: _Converter.function_def,
    ast.Import: _Converter.import_,
    ast.ImportFrom: _Converter.import_from,
    ast.If: _Converter.if_,
    ast.For: _Converter.for_,
    ast.AsyncFor: _Converter.for_,
    ast.While: _Converter.while_,
    ast.Try: _Converter.try_,
    ast.TryStar: _Converter.try_,
    ast.With: _Converter.with_,
    ast.AsyncWith: _Converter.with_,
    ast.Match: _Converter.match,
    ast.Return: _Converter.return_,
    ast.Raise: _Converter.raise_,
    ast.Break: _Converter.break_,
    ast.Continue: _Converter.break_,
    ast.Assign: _Converter.assign,
    ast.AnnAssign: _Converter.ann_assign,
    ast.AugAssign: _Converter.aug_assign,
    ast.Delete: _Converter.delete,
    ast.Expr: _Converter.expr,
    ast.Pass: _Converter.pass_,
    ast.Assert: _Converter.assert_,
    ast.Global: _Converter.outer,
    ast.Nonlocal: _Converter.outer,
    ast.Name: _Converter.name,
    ast.Attribute: _Converter.attribute,
    ast.Subscript: _Converter.subscript,
    ast.Slice: _Converter.slice,
    ast.Call: _Converter.call,
    ast.keyword: _Converter.keyword,
    ast.Constant: _Converter.constant,
    ast.List: _Converter.list_,
    ast.Tuple: _Converter.list_,
    ast.Set: _Converter.list_,
    ast.Dict: _Converter.dict_,
    ast.ListComp: _Converter.comprehension,
    ast.SetComp: _Converter.comprehension,
    ast.DictComp: _Converter.comprehension,
    ast.GeneratorExp: _Converter.comprehension,
    ast.BinOp: _Converter.bin_op,
    ast.Compare: _Converter.compare,
    ast.BoolOp: _Converter.bool_op,
    ast.UnaryOp: _Converter.unary_op,
    ast.IfExp: _Converter.if_exp,
    ast.Lambda: _Converter.lambda_,
    ast.JoinedStr: _Converter.joined_str,
    ast.FormattedValue: _Converter.formatted_value,
    ast.Await: _Converter.await_,
    ast.Yield: _Converter.yield_,
    ast.YieldFrom: _Converter.yield_,
    ast.Starred: _Converter.starred,
    ast.NamedExpr: _Converter.named_expr,
}
if hasattr(ast, "TypeAlias"):
    _TABLE[ast.TypeAlias] = _Converter.type_alias
