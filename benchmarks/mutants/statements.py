"""What statements do to an object's containers, and how they stand to each other: what the mutators of Python share."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.sites import Change, Def, Planted, PythonFile, call_of, called, end, inner, own, simple

_GROWS = ("append", "add", "appendleft")


def told(file: PythonFile, scope: ast.AST, at: ast.stmt | ast.expr, what: str, changes: list[Change]) -> Planted:
    return file.symbol(scope), at.lineno, what, changes


def cleared_by(statement: ast.stmt) -> str:
    call = call_of(statement)
    if call is not None and called(call) == "clear" and isinstance(call.func, ast.Attribute):
        return own(call.func.value)
    if isinstance(statement, ast.Assign) and ast.unparse(statement.value) in ("[]", "{}", "set()", "deque()", "dict()"):
        return own(statement.targets[0])
    return ""


def filled_in(scope: ast.AST) -> Iterator[str]:
    """Attributes of the object that the scope puts entries into."""
    for statement in simple(scope):
        call = call_of(statement)
        if call is not None and isinstance(call.func, ast.Attribute) and called(call) in _GROWS:
            yield own(call.func.value)
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
            yield own(statement.targets[0].value)


def dropped_in(scope: ast.AST) -> Iterator[str]:
    for statement in simple(scope):
        name, _ = removed_by(statement)
        if name:
            yield name


def removed_by(statement: ast.stmt) -> tuple[str, str]:
    """The container of the object's that an entry is taken out of, and the key; nothing where the entry is used."""
    call = call_of(statement)
    if call is not None and isinstance(call.func, ast.Attribute) and called(call) in ("pop", "discard", "remove"):
        return (own(call.func.value), ast.unparse(call.args[0])) if call.args else ("", "")
    if isinstance(statement, ast.Delete) and isinstance(statement.targets[0], ast.Subscript):
        return own(statement.targets[0].value), ast.unparse(statement.targets[0].slice)
    return "", ""


def block_of(file: PythonFile, statement: ast.stmt) -> list[ast.stmt]:
    parent = file.parents[statement]
    blocks = (getattr(parent, name, None) for name in ("body", "orelse", "finalbody"))
    return next((block for block in blocks if isinstance(block, list) and statement in block), [])


def next_to(file: PythonFile, statement: ast.stmt) -> ast.stmt | None:
    block = block_of(file, statement)
    at = block.index(statement) + 1 if block else 0
    return block[at] if 0 < at < len(block) else None


def previous_to(file: PythonFile, statement: ast.stmt) -> ast.stmt | None:
    block = block_of(file, statement)
    at = block.index(statement) if block else 0
    return block[at - 1] if at > 0 else None


def leaves(body: list[ast.stmt]) -> bool:
    found = (node for statement in body for node in (statement, *inner(statement)))
    return any(isinstance(node, ast.Return | ast.Raise) for node in found)


def opened(file: PythonFile, node: ast.stmt, blocks: list[list[ast.stmt]]) -> Change:
    """The blocks' lines where the statement stood, one step further left."""
    lines: list[str] = []
    for block in blocks:
        shift = block[0].col_offset - node.col_offset
        lines += [
            line[shift:] if line[:shift].isspace() else line
            for line in file.lines[block[0].lineno - 1 : end(block[-1])]
        ]
    return node.lineno, end(node), tuple(lines)


def swapped(file: PythonFile, first: ast.stmt, second: ast.stmt) -> list[Change]:
    """Two neighbours in the other order."""
    moved = tuple(file.lines[second.lineno - 1 : end(second)])
    return [(second.lineno, end(second), ()), (first.lineno, first.lineno - 1, moved)]


def is_awaiting(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Await) for n in (node, *inner(node)))


def named_in(node: ast.AST) -> set[str]:
    """The object's own attributes that are spoken of."""
    return {own(n) for n in ast.walk(node)} - {""}


def in_loop(file: PythonFile, node: ast.AST) -> bool:
    while node is not file.tree and not isinstance(node, Def):
        if isinstance(node, ast.While | ast.For | ast.AsyncFor):
            return True
        node = file.parents[node]
    return False


def exits(statement: ast.AST | None) -> bool:
    """An `if` without another branch that ends by leaving."""
    if not isinstance(statement, ast.If) or statement.orelse:
        return False
    return isinstance(statement.body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)


def is_test_of(test: ast.expr, text: str) -> bool:
    """Whether it asks if the value is missing: `x is None`, `not x`."""
    return ast.unparse(test) in (f"{text} is None", f"not {text}")
