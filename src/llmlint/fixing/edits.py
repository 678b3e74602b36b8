"""The edits: what a checker puts into `Report.data` names the edit, and gives it what it needs.

`clear`     [attributes], `beside`: line     each is cleared after the statement at that line
`super`     method name                      the override calls the base's method first
`argument`  name, `call`: function           the calls the evidence names get a time limit
`maxsize`   line of the function             its memo gets a bound
`plain`     name of a value                  it is written without the format that cuts it
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst
import msgspec
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor
from libcst.metadata import MetadataWrapper, PositionProvider

from llmlint.findings import Finding

_CONTAINERS = frozenset("dict list set deque defaultdict OrderedDict Counter".split())
_BOUND = 1024
_MINUTES = 10


class Edit(msgspec.Struct, frozen=True):
    """`apply` answers the changed module, None when it does not find its place."""

    apply: Callable[[cst.Module, Finding], cst.Module | None]
    is_safe: Callable[[Finding], bool]


def edit_for(finding: Finding) -> Edit | None:
    return next((edit for key, edit in _EDITS.items() if key in finding.data), None)


class _Placed(cst.CSTTransformer):
    """A transformer that knows where nodes stand, and whether it has changed anything."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding
        self.data = finding.data
        self.changed = False
        self._scopes: list[str] = []

    def line(self, node: cst.CSTNode) -> int:
        return int(self.get_metadata(PositionProvider, node).start.line)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._scopes.append(node.name.value)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._scopes.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.BaseStatement:
        self._scopes.pop()
        return updated_node

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.BaseStatement:
        inside = ".".join(self._scopes) == self.finding.symbol
        self._scopes.pop()
        return self.in_function(updated_node) if inside else updated_node

    def in_function(self, node: cst.FunctionDef) -> cst.FunctionDef:
        return node


def _run(transformer: _Placed, module: cst.Module) -> cst.Module | None:
    changed = MetadataWrapper(module).visit(transformer)
    return changed if transformer.changed else None


def _with_import(module: cst.Module, source: str, name: str) -> cst.Module:
    context = CodemodContext()
    AddImportsVisitor.add_needed_import(context, source, name)
    return AddImportsVisitor(context).transform_module(module)


# ---------------------------------------------------------------- clear what was left, call the base


class _Clears(_Placed):
    """Puts `self.x.clear()` after the statement that clears a sibling."""

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Any:
        if self.line(original_node) != self.data["beside"] or self.changed:
            return updated_node
        self.changed = True
        added = [cst.parse_statement(f"self.{attribute}.clear()") for attribute in self.data["clear"]]
        return cst.FlattenSentinel([updated_node, *added])


class _Containers(cst.CSTVisitor):
    """The attributes of a class that begin as containers which can be cleared."""

    def __init__(self, cls: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._class = cls
        self._inside: list[bool] = []

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._inside.append(node.name.value == self._class)

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self._inside.pop()

    def visit_Assign(self, node: cst.Assign) -> None:
        for target in node.targets:
            self._see(target.target, node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        self._see(node.target, node.value)

    def _see(self, target: cst.BaseExpression, value: cst.BaseExpression | None) -> None:
        match target:
            case cst.Attribute(value=cst.Name("self"), attr=cst.Name(name)) if any(self._inside):
                if isinstance(value, cst.Dict | cst.List) or _called(value) in _CONTAINERS:
                    self.found.add(name)


def _called(value: cst.BaseExpression | None) -> str:
    """The last name of what is called: `deque` for `collections.deque()`."""
    function = value.func if isinstance(value, cst.Call) else None
    if isinstance(function, cst.Attribute):
        function = function.attr
    return function.value if isinstance(function, cst.Name) else ""


def _clear(module: cst.Module, finding: Finding) -> cst.Module | None:
    containers = _Containers(finding.symbol.rpartition(".")[0].rpartition(".")[2])
    module.visit(containers)
    if not set(finding.data["clear"]) <= containers.found:
        return None
    return _run(_Clears(finding), module)


class _CallsBase(_Placed):
    def in_function(self, node: cst.FunctionDef) -> cst.FunctionDef:
        takes_only_self = len(node.params.params) == 1 and not node.params.kwonly_params
        if not takes_only_self or not isinstance(node.body, cst.IndentedBlock):
            return node
        self.changed = True
        begins = 1 if node.get_docstring() is not None else 0
        body = list(node.body.body)
        body.insert(begins, cst.parse_statement(f"super().{self.data['super']}()"))
        return node.with_changes(body=node.body.with_changes(body=body))


# ---------------------------------------------------------------- a limit, a bound, all digits


class _Limits(_Placed):
    """Gives each call that the evidence names a time limit."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self._lines = {step.line for step in finding.evidence if step.path == finding.path} | {finding.line}

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        named = any(
            argument.keyword is not None and argument.keyword.value == self._name for argument in updated_node.args
        )
        if _called(original_node) != self.data["call"] or named or self.line(original_node) not in self._lines:
            return updated_node
        self.changed = True
        limit = cst.Arg(
            cst.parse_expression(f"timedelta(minutes={_MINUTES})"), keyword=cst.Name(self._name), equal=_EQUAL
        )
        return updated_node.with_changes(args=_followed_by(updated_node, limit))

    @property
    def _name(self) -> str:
        return str(self.data["argument"])


_EQUAL = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


def _followed_by(call: cst.Call, added: cst.Arg) -> list[cst.Arg]:
    """The arguments with one more, set as they are: on a line of its own, or not."""
    if not call.args:
        return [added]
    *before, last = call.args
    space = last.comma.whitespace_after if isinstance(last.comma, cst.Comma) else None
    if isinstance(space, cst.ParenthesizedWhitespace):
        opening = call.whitespace_before_args
        indent = opening.last_line if isinstance(opening, cst.ParenthesizedWhitespace) else space.last_line
        own_line = space.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=())
        moved = last.with_changes(comma=cst.Comma(whitespace_after=space.with_changes(last_line=indent)))
        return [*before, moved, added.with_changes(comma=cst.Comma(whitespace_after=own_line))]
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    moved = last.with_changes(comma=comma, whitespace_after_arg=cst.SimpleWhitespace(""))
    return [*before, moved, added.with_changes(whitespace_after_arg=last.whitespace_after_arg)]


def _limit(module: cst.Module, finding: Finding) -> cst.Module | None:
    changed = _run(_Limits(finding), module)
    return _with_import(changed, "datetime", "timedelta") if changed is not None else None


class _Bounds(_Placed):
    def in_function(self, node: cst.FunctionDef) -> cst.FunctionDef:
        decorators = [self._bounded(decorator) for decorator in node.decorators]
        return node.with_changes(decorators=decorators)

    def _bounded(self, decorator: cst.Decorator) -> cst.Decorator:
        memo = decorator.decorator.func if isinstance(decorator.decorator, cst.Call) else decorator.decorator
        if _called(cst.Call(memo)) not in ("cache", "lru_cache"):
            return decorator
        self.changed = True
        name = "functools.lru_cache" if isinstance(memo, cst.Attribute) else "lru_cache"
        return decorator.with_changes(decorator=cst.parse_expression(f"{name}(maxsize={_BOUND})"))


def _bound(module: cst.Module, finding: Finding) -> cst.Module | None:
    changed = _run(_Bounds(finding), module)
    if changed is None or "functools.lru_cache(" in changed.code:
        return changed
    return _with_import(changed, "functools", "lru_cache")


class _Plain(_Placed):
    """Drops the format of a value in an f-string."""

    def leave_FormattedStringExpression(
        self, original_node: cst.FormattedStringExpression, updated_node: cst.FormattedStringExpression
    ) -> cst.BaseFormattedStringContent:
        expression = original_node.expression
        here = self.line(original_node) == self.finding.line
        if not here or not isinstance(expression, cst.Name) or expression.value != self.data["plain"]:
            return updated_node
        self.changed = True
        return updated_node.with_changes(format_spec=None)


def _never(finding: Finding) -> bool:
    return False


def _always(finding: Finding) -> bool:
    return True


def _is_sure(finding: Finding) -> bool:
    return finding.confidence in ("high", "certain")


_EDITS = {
    "clear": Edit(_clear, _is_sure),
    "super": Edit(lambda module, finding: _run(_CallsBase(finding), module), _never),
    "call": Edit(_limit, _never),
    "maxsize": Edit(_bound, _never),
    "plain": Edit(lambda module, finding: _run(_Plain(finding), module), _always),
}
