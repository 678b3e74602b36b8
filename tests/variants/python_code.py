"""A Python case with its tree: where functions and statements stand, and edits of whole lines that move marks along."""

import ast
from collections.abc import Iterator
from functools import cached_property, lru_cache

from llmlint.rule_cases import EXPECT

Def = ast.FunctionDef | ast.AsyncFunctionDef
STEP = "    "


class Code:
    """One text with its tree. Edits give another text; nothing is changed in place."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.tree = ast.parse(text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def modules(self) -> set[str]:
        return {
            (alias.asname or alias.name).partition(".")[0]
            for node in self.nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }

    @cached_property
    def functions(self) -> list[Def]:
        """In the order of lines, so that a function keeps its number whatever is put behind it."""
        return sorted((node for node in self.nodes if isinstance(node, Def)), key=lambda node: node.lineno)

    def class_of(self, function: Def) -> ast.ClassDef | None:
        parent = self.parents[function]
        return parent if isinstance(parent, ast.ClassDef) else None

    def text_of(self, node: ast.expr | ast.stmt) -> str:
        return ast.get_source_segment("\n".join(self.lines), node) or ""

    def indent(self, line: int) -> str:
        content = self.lines[line - 1]
        return content[: len(content) - len(content.lstrip())]

    def replaced(self, first: int, last: int, lines: list[str]) -> str:
        """The text with other lines in place of those from `first` to `last`."""
        return "\n".join([*self.lines[: first - 1], *lines, *self.lines[last:]])

    def before(self, line: int, *lines: str) -> str:
        return self.replaced(line, line - 1, list(lines))

    def taken(self, first: int, last: int) -> list[str]:
        return self.lines[first - 1 : last]

    # ------------------------------------------------------------ marks

    def marked_lines(self) -> set[int]:
        return {number for number, line in enumerate(self.lines, 1) if EXPECT.search(line)}

    def marked(self) -> list[int]:
        """The numbers of the functions that a mark stands in, each mark for its innermost function."""
        functions = self.functions
        numbers = []
        for line in sorted(self.marked_lines()):
            around = [n for n, f in enumerate(functions) if f.lineno <= line <= (f.end_lineno or f.lineno)]
            numbers += [max(around, key=lambda n: functions[n].lineno)] if around else []
        return list(dict.fromkeys(numbers))

    def focus(self, function: Def) -> ast.stmt | None:
        """The statement in the function that is marked; None where the mark stands at its head."""
        marked = self.marked_lines()
        for statement in statements(function):
            head = statement.body[0].lineno - 1 if hasattr(statement, "body") else statement.end_lineno or 0
            if any(statement.lineno <= line <= max(head, statement.lineno) for line in marked):
                return statement
        return None


@lru_cache(maxsize=64)
def code_of(text: str) -> Code:
    """Read once for all the variants that are made of a text."""
    return Code(text)


def statements(function: Def) -> Iterator[ast.stmt]:
    """All statements of the function, in the order of lines, without those of functions inside it."""
    return _below(function.body)


def _below(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, Def | ast.ClassDef):
            continue
        for field in ("body", "handlers", "orelse", "finalbody"):
            for inner in getattr(statement, field, ()):
                yield from _below(inner.body) if isinstance(inner, ast.ExceptHandler) else _below([inner])


def body_start(function: Def) -> ast.stmt:
    """The first statement after the docstring and declarations of scope."""
    for statement in function.body:
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not is_text and not isinstance(statement, ast.Global | ast.Nonlocal):
            return statement
    return function.body[-1]


def end(function: Def) -> int:
    return function.end_lineno or function.lineno


def first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def parameters(function: Def) -> list[str]:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [argument.arg for argument in (*every, *filter(None, (given.vararg, given.kwarg)))]


def locals_of(function: Def) -> set[str]:
    declared = {name for s in statements(function) if isinstance(s, ast.Global | ast.Nonlocal) for name in s.names}
    bound = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    inner = {node.name for node in statements(function) if isinstance(node, Def | ast.ClassDef)}
    caught = {node.name for node in ast.walk(function) if isinstance(node, ast.ExceptHandler) and node.name}
    return (bound | inner | caught | set(parameters(function))) - declared
