"""The definition of a function, read from its file: its own lines where that will do, the whole file where it won't.

A file of some thousand lines becomes some hundred thousand objects, which cost time, memory and collections of garbage
in a program that is starting; a function is a few dozen lines of it.
"""

from __future__ import annotations

import ast
import threading
import types
from collections.abc import Iterable, Iterator
from typing import Any

Found = tuple[Any, list[ast.AST]]
"""A definition, and the classes and functions around it, the outermost first."""


class CannotRewrite(Exception):
    """The function can't be watched; the message says why, and ends up in the verdict."""


class Source:
    """A file, by lines, and as a tree once somebody needs that."""

    def __init__(self, file: str) -> None:
        try:
            with open(file, "rb") as source:
                self.text = source.read()
        except OSError as error:
            raise CannotRewrite(f"its source can't be read: {error}") from None
        self.lines = self.text.split(b"\n")
        self.plain = not any(b"coding" in line for line in self.lines[:2])
        """Whether its lines can be read alone."""
        self._tree: ast.Module | None = None

    def tree(self) -> ast.Module:
        if self._tree is None:
            try:
                self._tree = ast.parse(self.text)
            except (SyntaxError, ValueError) as error:
                raise CannotRewrite(f"its source can't be read: {error}") from None
        return self._tree


_sources: dict[str, Source] = {}
_lock = threading.Lock()


def forget_sources() -> None:
    """Let go of the files, once everything in them is patched."""
    _sources.clear()


def definition(code: types.CodeType, whole: bool = False) -> Found:
    """From the function's own lines, or the whole file where those can't be read alone; the caller may change it."""
    with _lock:
        source = _sources.get(code.co_filename)
        if source is None:
            source = _sources[code.co_filename] = Source(code.co_filename)
        found = None if whole else _from_its_lines(source, code)
        if found is None:
            found = _within(source.tree(), code, [])
            found = found and (copied(found[0]), found[1])
    if found is None:
        raise CannotRewrite("its source is not where its code says it is")
    return found


def copied(node: Any) -> Any:
    """A tree of its own; `copy.deepcopy` takes several times as long."""
    if isinstance(node, list):
        return [copied(one) for one in node]
    if not isinstance(node, ast.AST):
        return node
    return type(node)(**{name: copied(value) for name, value in vars(node).items()})


def _from_its_lines(source: Source, code: types.CodeType) -> Found | None:
    qualname = getattr(code, "co_qualname", "")  # Python 3.10 has none
    first = code.co_firstlineno
    if not qualname or not source.plain or first > len(source.lines):
        return None
    lines = source.lines[first - 1 : _end(source.lines, first, _last_line(code))]
    inner = lines[0][:1].isspace()
    try:
        body: list[Any] = ast.parse(b"\n".join([b"if 1:", *lines] if inner else lines)).body
    except (SyntaxError, ValueError):
        return None
    if inner:
        body = body[0].body
    if len(body) != 1:
        return None
    node = ast.increment_lineno(body[0], first - 1 - inner)
    return (node, list(_around(qualname))) if _is_of(node, code) else None


def _last_line(code: types.CodeType) -> int:
    """The last line that the code knows of; what follows may still belong to it."""
    inner = [_last_line(const) for const in code.co_consts if isinstance(const, types.CodeType)]
    return max([code.co_firstlineno, *inner, *(line for _, _, line in code.co_lines() if line)])


def _end(lines: list[bytes], first: int, last: int) -> int:
    """Where the block ends by its indentation. What is cut off wrongly, in a text of several lines, does not parse."""
    depth = _depth(lines[first - 1])
    for number in range(last, len(lines)):
        stripped = lines[number].strip()
        if stripped and not stripped.startswith((b"#", b")", b"]", b"}")) and _depth(lines[number]) <= depth:
            return number
    return len(lines)


def _depth(line: bytes) -> int:
    return len(line) - len(line.lstrip())


def _around(qualname: str) -> Iterator[ast.AST]:
    """Stand-ins for what is around a function, which have names and are of the right kind."""
    parts = qualname.split(".")[:-1]
    for part, following in zip(parts, [*parts[1:], ""], strict=False):
        if part != "<locals>":
            yield function_shell(part) if following == "<locals>" else class_shell(part)


def class_shell(name: str) -> ast.ClassDef:
    return ast.ClassDef(name, [], [], [], [], **_no_type_params())


def function_shell(name: str, variables: Iterable[str] = ()) -> ast.FunctionDef:
    """Without a parameter, and with these variables."""
    arguments = ast.arguments([], [], None, [], [], None, [])
    body: list[ast.stmt] = [ast.Assign([ast.Name(variable, ast.Store())], ast.Constant(None)) for variable in variables]
    return ast.FunctionDef(name, arguments, body, [], None, None, **_no_type_params())


def _no_type_params() -> dict[str, Any]:
    return {"type_params": []} if "type_params" in ast.ClassDef._fields else {}


def _within(node: ast.AST, code: types.CodeType, enclosing: list[ast.AST]) -> Found | None:
    for child in ast.iter_child_nodes(node):
        end = getattr(child, "end_lineno", None)
        if end is not None and end < code.co_firstlineno:
            continue
        if _is_of(child, code):
            return child, enclosing
        inner = isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        found = _within(child, code, [*enclosing, child] if inner else enclosing)
        if found is not None:
            return found
    return None


def _is_of(node: object, code: types.CodeType) -> bool:
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return node.name == code.co_name and first == code.co_firstlineno
