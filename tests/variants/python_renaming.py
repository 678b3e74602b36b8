"""A Python case with its own classes, attributes, locals and parameters under names that say nothing."""

import ast
import builtins
import re
from collections import OrderedDict, deque
from collections.abc import Iterator
from threading import Event, Thread

from neutral_names import carries_a_verb, excuses, neutral, tells_the_rank
from python_code import Code, Def, code_of

from llmlint.rule_cases import Case

_KINDS = (dict, list, set, str, bytes, deque, OrderedDict, Thread, Event)
_OF_LIBRARIES = frozenset(name for kind in _KINDS for name in dir(kind)) | frozenset(
    "acquire release locked notify notify_all shape dtype numel close read write".split()
)
_KNOWN_BASES = {"object", "NamedTuple", "TypedDict", "Protocol", "ABC", "Enum", "IntEnum", "Generic"}


class _Own:
    """The names that a case defines, in its two name spaces: what stands alone, and what stands behind a dot."""

    def __init__(self, codes: dict[str, Code], bad: bool) -> None:
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.types: set[str] = set()
        self.callees: set[str] = set()
        fixed = {"self", "cls", *dir(builtins)}
        classes = {n.name: n for code in codes.values() for n in ast.walk(code.tree) if isinstance(n, ast.ClassDef)}
        for code in codes.values():
            fixed |= self._fixed(code, classes)
            for node in ast.walk(code.tree):
                self._take(node, code)
        every = self.names | self.attributes
        unfit = {name for name in every if name.startswith("__") or tells_the_rank(name) or (not bad and excuses(name))}
        self.names -= fixed | unfit
        self.attributes -= fixed | unfit | _OF_LIBRARIES

    def _take(self, node: ast.AST, code: Code) -> None:
        if isinstance(node, ast.ClassDef):
            self.names.add(node.name)
            self.types.add(node.name)
            self.callees.add(node.name)
        elif isinstance(node, Def):
            self.callees.add(node.name)
            if not carries_a_verb(node.name):
                (self.attributes if code.class_of(node) else self.names).add(node.name)
        elif isinstance(node, ast.arg):
            self.names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            (self.attributes if _is_field(node, code) else self.names).add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value):
            self.attributes.add(node.attr)

    def _fixed(self, code: Code, classes: dict[str, ast.ClassDef]) -> set[str]:
        """Names that others know: imported ones and what is asked of them, those in strings and in the braces of a
        text, and methods that a foreign base calls."""
        fixed = {name for name in code.modules if name not in classes}
        for node in ast.walk(code.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_path = re.fullmatch(r"\w+(?:\.\w+)*", node.value)
                fixed |= set(node.value.split(".") if is_path else re.findall(r"\{(\w+)", node.value))
            elif isinstance(node, ast.JoinedStr):  # the places of what stands inside are not told
                fixed |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
                fixed |= {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
            elif isinstance(node, ast.ExceptHandler) and node.name:
                fixed.add(node.name)
            elif isinstance(node, ast.Attribute) and _root(node) in code.modules - classes.keys():
                fixed.add(node.attr)
            elif isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).rpartition(".")[2].partition("[")[0] for base in node.bases}
                if bases - classes.keys() - _KNOWN_BASES:
                    fixed |= {method.name for method in node.body if isinstance(method, Def)}
        return fixed


def renamed(case: Case, bad: bool) -> Case:
    codes = {name: code_of(text) for name, text in case.items()}
    own = _Own(codes, bad)
    taken = set(re.findall(r"\w+", "\n".join(case.values())))
    new = neutral(own.names | own.attributes, taken, own.types)
    return {name: _rewritten(code, own, new) for name, code in codes.items()}


def _rewritten(code: Code, own: _Own, new: dict[str, str]) -> str:
    lines = list(code.lines)
    for line, column, name in sorted(set(_occurrences(code, own)), reverse=True):
        content = lines[line - 1]
        assert content[column:].startswith(name), (content, column, name)
        lines[line - 1] = content[:column] + new[name] + content[column + len(name) :]
    return "\n".join(lines)


def _occurrences(code: Code, own: _Own) -> Iterator[tuple[int, int, str]]:
    """Line, column and name of everything that is to be renamed."""
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Name) and not _is_field(node, code):
            yield from _if_in(own.names, node.lineno, node.col_offset, node.id)
        elif isinstance(node, ast.Name):
            yield from _if_in(own.attributes, node.lineno, node.col_offset, node.id)
        elif isinstance(node, ast.Attribute):
            column = (node.end_col_offset or 0) - len(node.attr)
            yield from _if_in(own.attributes, node.end_lineno or 0, column, node.attr)
        elif isinstance(node, ast.arg):
            yield from _if_in(own.names, node.lineno, node.col_offset, node.arg)
        elif isinstance(node, Def | ast.ClassDef):
            space = own.attributes if isinstance(node, Def) and code.class_of(node) else own.names
            yield from _if_in(space, node.lineno, _column(code, node.lineno, node.name), node.name)
        elif isinstance(node, ast.Call) and _callee(node) in own.callees:
            space = own.attributes | own.names
            for keyword in node.keywords:
                yield from _if_in(space, keyword.lineno, keyword.col_offset, keyword.arg or "")
        elif isinstance(node, ast.Global | ast.Nonlocal):
            for name in node.names:
                yield from _if_in(own.names, node.lineno, _column(code, node.lineno, name), name)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield from _if_in(own.names, alias.lineno, alias.col_offset, alias.name)


def _if_in(space: set[str], line: int, column: int, name: str) -> Iterator[tuple[int, int, str]]:
    if name in space:
        yield line, column, name


def _column(code: Code, line: int, name: str) -> int:
    found = re.search(rf"(?<=\s){name}\b", code.lines[line - 1])
    assert found is not None
    return found.start()


def _is_field(node: ast.Name, code: Code) -> bool:
    """A name bound in the body of a class is known behind a dot."""
    statement = code.parents.get(node)
    while isinstance(statement, ast.Tuple | ast.List | ast.Starred):  # one of several that one assignment binds
        statement = code.parents.get(statement)
    return isinstance(node.ctx, ast.Store) and isinstance(code.parents.get(statement), ast.ClassDef)


def _root(node: ast.expr) -> str:
    """The name that `zmq.Context().socket` starts with."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def _callee(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")
