"""Macros of one C or C++ file whose body is one call, and what a use of one stands for: `READ(f, n)` over fread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from llmlint.code.syntax import tree
from llmlint.code.syntax.cpp import read_cpp
from llmlint.code.syntax.errors import Unreadable

_DEFINED = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(?P<name>\w+)\((?P<params>[\w ,]*)\)[ \t]+"
    r"(?P<body>[\w:.>-]+\((?:[^\n\\]|\\\n)*\))[ \t;]*$",
    re.MULTILINE,
)


class MacroCall(NamedTuple):
    params: tuple[str, ...]
    call: tree.Call


def macro_calls_in(text: str) -> dict[str, MacroCall]:
    """By name; one that is defined twice stands for nothing that is known."""
    found: dict[str, MacroCall | None] = {}
    for defined in _DEFINED.finditer(text) if "define" in text else ():
        params = tuple(filter(None, (param.strip() for param in defined["params"].split(","))))
        call = _only_call(defined["body"].replace("\\\n", " "))
        found[defined["name"]] = MacroCall(params, call) if call is not None and defined["name"] not in found else None
    return {name: macro for name, macro in found.items() if macro is not None}


def _only_call(body: str) -> tree.Call | None:
    try:
        _, module = read_cpp(f"void macro() {{ {body}; }}".encode(), "cpp")
    except Unreadable:
        return None
    function = module.body[0] if len(module.body) == 1 and not module.broken else None
    match function:
        case tree.Function(body=[tree.Expression(value=tree.Call() as call)]):
            return call
    return None


def stands_for(call: tree.Call, macros: Mapping[str, MacroCall]) -> tree.Call | None:
    """The call that a use of a macro becomes, at its place."""
    macro = macros.get(call.function.id) if isinstance(call.function, tree.Name) else None
    if macro is None or len(macro.params) != len(call.args):
        return None
    put = dict(zip(macro.params, call.args, strict=True))
    made = _with(macro.call, put, call)
    return made if isinstance(made, tree.Call) else None


def _with(node: Any, put: Mapping[str, tree.Node], at: tree.Node) -> Any:
    """The tree with the arguments in the places of the parameters."""
    if isinstance(node, list):
        return [_with(one, put, at) for one in node]
    if not isinstance(node, tree.Node):
        return node
    if isinstance(node, tree.Name) and node.id in put:
        return put[node.id]
    place = {"line": at.line, "column": at.column, "end_line": at.end_line, "end_column": at.end_column}
    parts = {f.name: _with(getattr(node, f.name), put, at) for f in msgspec.structs.fields(node)[4:]}
    return msgspec.structs.replace(node, **parts, **place)
