"""The edits: what a checker puts into `Report.data` names the edit, and gives it what it needs.

`clear`     [attributes], `beside`: line     each is cleared after the statement at that line
`super`     method name                      the override calls the base's method first
`argument`  name, `seconds`: number          the call, and those like it in its function, get a time limit
`maxsize`   line of the function             its memo gets a bound
`release`   line                             the statement there is repeated before the exit that was found
`plain`     name of a value                  it is written without the format that cuts it

Each looks for the code it is about, and leaves the file alone where that is not as it must be for a mechanical edit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import libcst as cst
from libcst import matchers
from libcst.metadata import (
    CodePosition,
    ExpressionContext,
    ExpressionContextProvider,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
)

from llmlint.findings import Finding
from llmlint.fixing.import_order import with_import

_CONTAINERS = frozenset("dict list set deque defaultdict OrderedDict Counter".split())
_BOUND = 1024
_MINUTES = 10
_SECONDS = ("_s", "_sec", "_secs", "_seconds")
_MILLISECONDS = ("_ms", "_millis", "_milliseconds")

Node = cst.CSTNode


class UnfitFile(ValueError):
    """A file that libcst can't read, or not without changing more than it is told to."""


def open_file(data: bytes) -> Edits:
    try:
        module = cst.parse_module(data)
        comes_out = module.bytes
    except (cst.ParserSyntaxError, RecursionError, UnicodeError, LookupError) as error:
        raise UnfitFile(str(error)) from error
    if comes_out != data or module.default_newline == "\r":
        raise UnfitFile("it would not come out as it went in")
    return Edits(module)


class Edits:
    """One file and what is to be changed in it; `bytes()` is the file with all changes made."""

    def __init__(self, module: cst.Module) -> None:
        self._wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
        self._positions = self._wrapper.resolve(PositionProvider)
        self._parents = self._wrapper.resolve(ParentNodeProvider)
        self._contexts = self._wrapper.resolve(ExpressionContextProvider)
        self.module = self._wrapper.module
        self._changes: dict[Node, list[Callable[[Any], Any]]] = {}
        self._imports: set[tuple[str, str]] = set()

    def bytes(self) -> bytes:
        changed = self.module.visit(_Apply(self._changes))
        for module, name in sorted(self._imports):
            changed = with_import(changed, module, name)
        return changed.bytes

    # ------------------------------------------------------------ looking

    def start(self, node: Node) -> CodePosition:
        return self._positions[node].start

    def function_at(self, line: int) -> cst.FunctionDef | None:
        """The innermost function that reaches over a line, its decorators included."""
        over = [node for node in self._all(cst.FunctionDef) if self._first(node) <= line <= self._last(node)]
        return max(over, key=self._first, default=None)

    def _all(self, kind: type[Any]) -> list[Any]:
        return [node for node in self._positions if isinstance(node, kind)]

    def _first(self, node: Node) -> int:
        decorators = node.decorators if isinstance(node, cst.FunctionDef) else ()
        return self.start(decorators[0] if decorators else node).line

    def _last(self, node: Node) -> int:
        return self._positions[node].end.line

    def statement_at(self, line: int, within: cst.FunctionDef) -> cst.SimpleStatementLine | None:
        """The statement that begins on a line, alone on it, in this very function."""
        for node in self._all(cst.SimpleStatementLine):
            if self.start(node).line == line and len(node.body) == 1 and self._function_of(node) is within:
                return node  # type: ignore[no-any-return]
        return None

    def _function_of(self, node: Node) -> Node | None:
        while node is not self.module:
            node = self._parents[node]
            if isinstance(node, (cst.FunctionDef, cst.Lambda)):
                return node
        return None

    def calls_of(self, within: cst.FunctionDef | cst.Module, callee: Node) -> list[cst.Call]:
        """The calls in a function that are written like this one."""
        return [
            call
            for call in self._all(cst.Call)
            if call.func.deep_equals(callee) and (self._function_of(call) or self.module) is within
        ]

    def call_at(self, line: int, column: int) -> cst.Call | None:
        found = [call for call in self._all(cst.Call) if self.start(call) == CodePosition(line, column)]
        return min(found, key=lambda call: len(self.module.code_for_node(call)), default=None)

    def formatted_at(self, line: int, name: str) -> list[cst.FormattedStringExpression]:
        """Where an f-string of this line writes this variable with a format."""
        return [
            node
            for node in self._all(cst.FormattedStringExpression)
            if self.start(node).line == line and _last_name(node.expression) == name and node.format_spec is not None
        ]

    def at_line(self, kind: type[Any], line: int) -> list[Any]:
        """The nodes of a kind that begin on a line."""
        return [node for node in self._all(kind) if self.start(node).line == line]

    def text_at(self, line: int, column: int) -> cst.SimpleString | cst.ConcatenatedString | None:
        """The text written here, with all its parts where it has several."""
        found = [text for text in self._all(cst.SimpleString) if self.start(text) == CodePosition(line, column)]
        text = found[0] if found else None
        while text is not None and isinstance(self._parents[text], cst.ConcatenatedString):
            text = self._parents[text]
        return text

    def parts_of(self, text: Node) -> list[cst.SimpleString]:
        return [part for part in self._all(cst.SimpleString) if self._is_within(part, text)]

    def call_given(self, value: Node) -> cst.Call | None:
        """The call whose first argument this is."""
        call = self._parents[self._parents[value]]
        return call if isinstance(call, cst.Call) and call.args and call.args[0].value is value else None

    def imports(self, module: str) -> bool:
        """Is it imported at the top level, under its own name?"""
        plain = matchers.Import(names=[matchers.ZeroOrMore(), _alone(module), matchers.ZeroOrMore()])
        lines = (line for line in self.module.body if isinstance(line, cst.SimpleStatementLine))
        return any(matchers.matches(statement, plain) for line in lines for statement in line.body)

    def class_of(self, function: cst.FunctionDef) -> cst.ClassDef | None:
        node: Node = function
        while node is not self.module and not isinstance(node, cst.ClassDef):
            node = self._parents[node]
        return node if isinstance(node, cst.ClassDef) else None

    def names_read(self, node: Node) -> set[str]:
        """The variables that an expression or statement reads; not the names of attributes and keywords."""
        reads = [name for name, context in self._contexts.items() if context is ExpressionContext.LOAD]
        return {name.value for name in reads if isinstance(name, cst.Name) and self._is_within(name, node)}

    def names_bound(self, within: cst.FunctionDef) -> dict[str, int]:
        """The variables of a function with the first line that binds each."""
        bound: dict[str, int] = {}
        for name, context in self._contexts.items():
            if isinstance(name, cst.Name) and context is ExpressionContext.STORE and self._is_within(name, within):
                bound[name.value] = min(self.start(name).line, bound.get(name.value, self.start(name).line))
        return bound

    def _is_within(self, node: Node, outer: Node) -> bool:
        here, over = self._positions[node], self._positions[outer]
        first, last = (over.start.line, over.start.column), (over.end.line, over.end.column)
        return first <= (here.start.line, here.start.column) and (here.end.line, here.end.column) <= last

    # ------------------------------------------------------------ changing

    def change(self, node: Node, to: Callable[[Any], Any]) -> None:
        self._changes.setdefault(node, []).append(to)

    def insert_after(self, statement: Node, text: str) -> None:
        new = self._statement(text)
        self.change(statement, lambda updated: cst.FlattenSentinel([*_nodes(updated), new]))

    def insert_before(self, statement: Node, text: str) -> None:
        new = self._statement(text)
        self.change(statement, lambda updated: cst.FlattenSentinel([new, *_nodes(updated)]))

    def _statement(self, text: str) -> cst.BaseStatement:
        return cst.parse_statement(text, config=self.module.config_for_parsing)

    def add_import(self, module: str, name: str) -> None:
        self._imports.add((module, name))


def _alone(module: str) -> matchers.ImportAlias:
    return matchers.ImportAlias(name=matchers.Name(module), asname=None)


class _Apply(cst.CSTTransformer):
    def __init__(self, changes: dict[Node, list[Callable[[Any], Any]]]) -> None:
        super().__init__()
        self._changes = changes

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        for to in self._changes.get(original_node, ()):
            updated_node = to(updated_node)
        return updated_node


def _nodes(updated: Any) -> list[Any]:
    return list(updated) if isinstance(updated, cst.FlattenSentinel) else [updated]


# ---------------------------------------------------------------- the edits
#
# Each is given the file and the finding, and answers whether it could be made.


def clear_beside(edits: Edits, finding: Finding) -> bool:
    function = edits.function_at(finding.line)
    sibling = edits.statement_at(finding.data["beside"], function) if function else None
    if function is None or sibling is None or not isinstance(sibling.body[0], cst.Expr | cst.Assign | cst.AnnAssign):
        return False
    if not set(finding.data["clear"]) <= _containers_of(edits.class_of(function)):
        return False
    for attribute in reversed(finding.data["clear"]):
        edits.insert_after(sibling, f"self.{attribute}.clear()")
    return True


def _containers_of(owner: cst.ClassDef | None) -> set[str]:
    """The attributes of a class that begin as containers which can be cleared."""
    found = set()
    assigned = matchers.findall(owner, matchers.Assign() | matchers.AnnAssign()) if owner else ()
    for node in assigned:
        targets = [t.target for t in node.targets] if isinstance(node, cst.Assign) else [node.target]  # type: ignore
        is_container = isinstance(node.value, cst.Dict | cst.List) or _called(node.value) in _CONTAINERS  # type: ignore
        for target in targets:
            match target:
                case cst.Attribute(value=cst.Name("self"), attr=cst.Name(name)) if is_container:
                    found.add(name)
    return found


def _called(value: cst.BaseExpression | None) -> str:
    """The last name of what is called: `deque` for `collections.deque()`."""
    return _last_name(value.func) if isinstance(value, cst.Call) else ""


def _last_name(name: cst.BaseExpression) -> str:
    last = name.attr if isinstance(name, cst.Attribute) else name
    return last.value if isinstance(last, cst.Name) else ""


def give_back_before(edits: Edits, finding: Finding) -> bool:
    """The statement at `release` is repeated before the exit at the finding's line, where all it names is known."""
    function = edits.function_at(finding.line)
    if function is None:
        return False
    way_out, release = edits.statement_at(finding.line, function), edits.statement_at(finding.data["release"], function)
    if way_out is None or release is None or not isinstance(release.body[0], cst.Expr):
        return False
    needed = edits.names_read(release)
    late = {name for name, bound in edits.names_bound(function).items() if bound >= finding.line}
    if needed & (late | edits.names_read(way_out)):
        return False
    edits.insert_before(way_out, edits.module.code_for_node(release.body[0]))
    return True


def bound_cache(edits: Edits, finding: Finding) -> bool:
    """The cache on the function at the finding's line gets a `maxsize`."""
    function = edits.function_at(finding.line)
    for decorator in function.decorators if function else ():
        written = decorator.decorator
        name = written.func if isinstance(written, cst.Call) else written
        if _last_name(name) in ("cache", "lru_cache"):
            bounded = _lru_cache(name, written)
            edits.change(decorator, partial(_with_decorator, bounded=bounded))
            if isinstance(name, cst.Name) and name.value == "cache":
                edits.add_import("functools", "lru_cache")
            return True
    return False


def _with_decorator(updated: cst.Decorator, bounded: cst.Call) -> cst.Decorator:
    return updated.with_changes(decorator=bounded)


def _lru_cache(name: cst.BaseExpression, written: cst.BaseExpression) -> cst.Call:
    """`cache` or `lru_cache(maxsize=None, typed=True)`, with a bound."""
    lru = cst.Name("lru_cache")
    func = name.with_changes(attr=lru) if isinstance(name, cst.Attribute) else lru
    args = written.args if isinstance(written, cst.Call) else ()
    typed = [arg for at, arg in enumerate(args) if (arg.keyword.value == "typed" if arg.keyword else at == 1)]
    bound = cst.Arg(cst.Integer(str(_BOUND)), cst.Name("maxsize"), equal=_TIGHT)
    return cst.Call(func, [bound, *typed])


_TIGHT = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


def pass_timeout(edits: Edits, finding: Finding) -> bool:
    """The call at the finding's place, and those like it in the same function, get a timeout."""
    call = edits.call_at(finding.line, finding.column - 1)
    function = edits.function_at(finding.line)
    if call is None:
        return False
    seconds = finding.data.get("seconds")  # said where the library wants a number and no timedelta
    written = _offered(function, seconds is not None)
    if not written:
        written = f"timedelta(minutes={_MINUTES})" if seconds is None else str(seconds)
    limit = cst.parse_expression(written)
    for like in edits.calls_of(function or edits.module, call.func):
        if not any(arg.keyword and arg.keyword.value == finding.data["argument"] for arg in like.args):
            timeout = cst.Arg(limit, cst.Name(finding.data["argument"]), equal=_TIGHT)
            edits.change(like, partial(with_argument, new=timeout))
    if written.startswith("timedelta("):
        edits.add_import("datetime", "timedelta")
    return True


def _offered(function: cst.FunctionDef | None, in_seconds: bool) -> str:
    """The time limit that the function is given and does not hand on, as the call takes it; "" where there is none."""
    given = function.params if function else cst.Parameters()
    params = (*given.posonly_params, *given.params, *given.kwonly_params)
    for param in params:
        name, kind = param.name.value, _last_name(param.annotation.annotation) if param.annotation else ""
        if "timeout" not in name or (isinstance(param.default, cst.Name) and param.default.value == "None"):
            continue
        if kind == "timedelta":
            return f"{name}.total_seconds()" if in_seconds else name
        if name.endswith(_MILLISECONDS):
            return f"{name} / 1000" if in_seconds else f"timedelta(milliseconds={name})"
        if name.endswith(_SECONDS) or kind in ("int", "float"):
            return name if in_seconds else f"timedelta(seconds={name})"
    return ""


def with_argument(call: cst.Call, new: cst.Arg) -> cst.Call:
    """The argument goes last, laid out as those before it are: on a line of its own, or not."""
    if not call.args:
        return call.with_changes(args=[new])
    *others, last = call.args
    opening = call.whitespace_before_args
    space = last.comma.whitespace_after if isinstance(last.comma, cst.Comma) else None
    if isinstance(space, cst.ParenthesizedWhitespace):  # a comment behind the last argument stays there
        indent = opening.last_line if isinstance(opening, cst.ParenthesizedWhitespace) else space.last_line
        closing = space.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=())
        between = cst.Comma(whitespace_after=space.with_changes(last_line=indent))
        new = new.with_changes(comma=cst.Comma(whitespace_after=closing))
    else:
        spread = isinstance(opening, cst.ParenthesizedWhitespace)
        between = cst.Comma(whitespace_after=opening if spread else cst.SimpleWhitespace(" "))
        new = new.with_changes(whitespace_after_arg=last.whitespace_after_arg)
        last = last.with_changes(whitespace_after_arg=cst.SimpleWhitespace(""))
    return call.with_changes(args=[*others, last.with_changes(comma=between), new])


def call_base(edits: Edits, finding: Finding) -> bool:
    """The override at the finding's line begins with a call of what it overrides."""
    function = edits.function_at(finding.line)
    body = function.body.body if function and isinstance(function.body, cst.IndentedBlock) else ()
    first = next((statement for statement in body if not _is_docstring(statement)), None)
    if function is None or first is None:
        return False
    awaited = "await " if function.asynchronous else ""
    edits.insert_before(first, f"{awaited}super().{finding.data['super']}({_passed_on(function.params)})")
    return True


def _is_docstring(statement: Node) -> bool:
    value = getattr(statement.body[0], "value", None) if isinstance(statement, cst.SimpleStatementLine) else None
    return isinstance(value, (cst.SimpleString, cst.ConcatenatedString))


def _passed_on(params: cst.Parameters) -> str:
    given = [p.name.value for p in (*params.posonly_params, *params.params)][1:]
    if isinstance(params.star_arg, cst.Param):
        given.append(f"*{params.star_arg.name.value}")
    given += [f"{p.name.value}={p.name.value}" for p in params.kwonly_params]
    if params.star_kwarg is not None:
        given.append(f"**{params.star_kwarg.name.value}")
    return ", ".join(given)


def write_plainly(edits: Edits, finding: Finding) -> bool:
    """The value in the f-strings of the finding's line loses its format."""
    written = edits.formatted_at(finding.line, finding.data["plain"])
    for expression in written:
        edits.change(expression, lambda updated: updated.with_changes(format_spec=None))
    return bool(written)
