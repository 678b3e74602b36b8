"""Texts from outside, and documents made of them, in C++: what gives one, and which numbers are read out of one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from llmlint.code.facts.native_tests import inside_casts
from llmlint.code.flow.readers import is_number
from llmlint.code.syntax import tree
from llmlint.flows import Flows

TEXT, DOCUMENT, MEMORY, NUMBER = "text", "document", "memory", "number"
IN_MEMORY = "number in shared memory"
OF_A_DOCUMENT = "number in a parsed text"
OF_A_REQUEST = "text of a request"
"""A web server answers for what its handlers throw."""
_MADE_OF_TEXT = re.compile(r"(?:^|\.)(?:string|string_view|path|to_string|c_str|str|data|substr|strip|trim|move)$")
_READS = frozenset({"at", "value", "get"})


_TYPE = re.compile(r"(\w+)(?: const)?(?: ?[&*])*$")


def text_given_by(node: tree.Node, flows: Flows, types: Mapping[str, str]) -> tuple[str, str] | None:
    """By what a text from outside comes in here, and what `flows.toml` calls it."""
    if isinstance(node, tree.Call):
        named, what = tree.path_of(node.function), flows.texts.find(tree.path_of(node.function))
    elif isinstance(node, tree.Attribute):
        named = tree.path_of(node)
        declared = _TYPE.search(types.get(tree.path_of(node.value), ""))
        what = flows.members.find(f"{declared[1]}.{node.name}" if declared else named)
    else:
        return None
    return (named.rpartition(".")[2], what[0]) if what else None


def handed_through(node: tree.Node) -> list[tree.Node]:
    """What a text is made of: the sides of `a + b` and `dir / name`, what `std::string(s)` and `s.substr(1)` read."""
    match node:
        case tree.Binary(op="+" | "/", left=left, right=right):
            return [left, right]
        case tree.Call(function=function, args=args) if _MADE_OF_TEXT.search(tree.path_of(function)):
            return [function.value, *args] if isinstance(function, tree.Attribute) else list(args)
        case tree.Call(function=tree.Attribute(value=value, name=name)) if _MADE_OF_TEXT.search(name):
            return [value]
    return []


def read_in_document(node: tree.Node, declared: str) -> tree.Node | None:
    """The document that a number is read out of: `body.at("n").get<int>()`, `int n = body["n"]`."""
    node = inside_casts(node)
    is_read = is_number(declared)
    while True:
        match node:
            case tree.Call(function=tree.Attribute(value=value, name=name), args=args) if name in _READS:
                default = args[1] if name == "value" and len(args) > 1 else None
                is_read |= isinstance(default, tree.Literal) and default.kind == "int"
                node = value
            case tree.Index(value=value):
                node = value
            case _:
                return node if is_read else None
