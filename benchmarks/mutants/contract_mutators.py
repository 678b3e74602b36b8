"""Mutators of names and calls: what a call hands over, how an attribute is spelt, which ways give a name a value."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.sites import (
    Change,
    Def,
    Mutator,
    Planted,
    PythonFile,
    called,
    end,
    inner,
    methods,
    one_line,
    own,
)

_SHORTEST = 6


def _renamed_keyword(file: PythonFile) -> Iterator[Planted]:
    """A keyword of a call whose only definition in the file takes it by that name, and nothing by any."""
    taken: dict[str, set[str]] = {}
    for function in file.functions:
        names = {arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)}
        is_plain = function.args.kwarg is None and not function.decorator_list and function.name not in taken
        taken[function.name] = names if is_plain else set()
    for function in file.functions:
        for node in inner(function):
            if isinstance(node, ast.Call) and (isinstance(node.func, ast.Name) or own(node.func)):
                for keyword in node.keywords:
                    if keyword.arg in taken.get(called(node), ()) and one_line(keyword):
                        yield _keyword_told(file, function, keyword)


def _keyword_told(file: PythonFile, function: Def, keyword: ast.keyword) -> Planted:
    return file.symbol(function), keyword.lineno, f"keyword {keyword.arg}", [_put_before(file, keyword, "former_")]


def _put_before(file: PythonFile, node: ast.arg | ast.keyword, text: str) -> Change:
    line = file.lines[node.lineno - 1].encode()
    changed = line[: node.col_offset] + text.encode() + line[node.col_offset :]
    return node.lineno, node.lineno, (changed.decode(),)


def _misspelt_attribute(file: PythonFile) -> Iterator[Planted]:
    """A letter less in one reading of an attribute that the class sets in its constructor."""
    for cls in file.classes:
        made = next((method for method in methods(cls) if method.name == "__init__"), None)
        stored = {own(n) for n in inner(made) if isinstance(getattr(n, "ctx", None), ast.Store)} if made else set()
        for method in methods(cls):
            for node in inner(method):
                name = own(node) if isinstance(getattr(node, "ctx", None), ast.Load) else ""
                if isinstance(node, ast.Attribute) and name in stored and len(name) >= _SHORTEST and one_line(node):
                    change = file.replaced(node, f"self.{name[:3]}{name[4:]}")
                    yield file.symbol(method), node.lineno, f"spelling of {name}", [change]


def _forgotten_else(file: PythonFile) -> Iterator[Planted]:
    """The other branch of an `if` that gives the same name a value, where the name is read right behind."""
    for function in file.functions:
        for node in inner(function):
            if not isinstance(node, ast.If) or len(node.orelse) != 1 or isinstance(node.orelse[0], ast.If):
                continue
            name, other = _assigned(node.body), _assigned(node.orelse)
            following = _following(file, node)
            if name and name == other and following is not None and not _assigned_before(function, node, name):
                if any(isinstance(n, ast.Name) and n.id == name for n in _evaluated(following)):
                    first = node.orelse[0]
                    change = (_else_line(file, node), end(first), ())
                    yield file.symbol(function), node.lineno, f"else of {name}", [change]


def _assigned(body: list[ast.stmt]) -> str:
    """The one name that a branch of one statement assigns."""
    only = body[-1]
    if len(body) == 1 and isinstance(only, ast.Assign) and isinstance(only.targets[0], ast.Name):
        return only.targets[0].id
    return ""


def _following(file: PythonFile, statement: ast.stmt) -> ast.stmt | None:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(file.parents[statement], name, None)
        if isinstance(block, list) and statement in block[:-1]:
            found = block[block.index(statement) + 1]
            return found if isinstance(found, ast.stmt) else None
    return None


def _stale_import(file: PythonFile) -> Iterator[Planted]:
    """A name that a function imports from a module beside it, under its former name."""
    for function in file.functions:
        tried = {id(n) for t in inner(function) if isinstance(t, ast.Try) for s in t.body for n in ast.walk(s)}
        for node in inner(function):
            if isinstance(node, ast.ImportFrom) and node.level and node.module and id(node) not in tried:
                for alias in node.names:
                    if one_line(alias) and alias.name != "*" and len(alias.name) >= _SHORTEST:
                        change = file.replaced(alias, f"former_{alias.name} as {alias.asname or alias.name}")
                        yield file.symbol(function), node.lineno, f"import of {alias.name}", [change]


def _drifted_override(file: PythonFile) -> Iterator[Planted]:
    """The last parameter of an override, which its base hands over by its place, is taken by its name alone."""
    by_name = {cls.name: cls for cls in file.classes}
    for cls in file.classes:
        bases = [by_name[base.id] for base in cls.bases if isinstance(base, ast.Name) and base.id in by_name]
        calls = [n for base in bases for m in methods(base) for n in inner(m) if isinstance(n, ast.Call)]
        for method in methods(cls):
            args = method.args
            given = [call for call in calls if own(call.func) == method.name and not call.keywords]
            is_plain = not (args.kwonlyargs or args.vararg or args.defaults or method.decorator_list)
            if is_plain and len(args.args) > 1 and any(len(call.args) == len(args.args) - 1 for call in given):
                last = args.args[-1]
                yield file.symbol(method), method.lineno, f"place of {last.arg}", [_put_before(file, last, "*, ")]


def _evaluated(statement: ast.stmt) -> Iterator[ast.AST]:
    """What a plain statement reads whatever happens."""
    if isinstance(statement, ast.Assign | ast.Return | ast.Expr) and statement.value is not None:
        if not any(isinstance(n, ast.IfExp | ast.BoolOp | ast.Lambda) for n in ast.walk(statement)):
            yield from ast.walk(statement.value)


def _assigned_before(function: Def, node: ast.If, name: str) -> bool:
    arguments = {arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)}
    stored = (n for n in inner(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return name in arguments or any(n.id == name and n.lineno < node.lineno for n in stored)


def _else_line(file: PythonFile, node: ast.If) -> int:
    return next(at for at in range(node.orelse[0].lineno, 0, -1) if file.lines[at - 1].strip().startswith("else"))


MUTATORS = (
    Mutator("renamed-keyword", "a call by a parameter's former name", ("LLM901",), _renamed_keyword),
    Mutator("misspelt-attribute", "an attribute with a letter less", ("LLM902",), _misspelt_attribute),
    Mutator("drifted-override", "an override takes no more what its base gives", ("LLM913",), _drifted_override),
    Mutator("stale-import", "an import by a former name", ("LLM912",), _stale_import),
    Mutator("forgotten-else", "a name without a value on one way", ("LLM943",), _forgotten_else),
)
