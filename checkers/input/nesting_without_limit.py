"""LLM979: how deep a function calls itself is up to the text, the schema or the message that it reads.

Three mechanisms. A parser calls itself for an opening bracket. A function that refuses what is malformed descends into
the parts of what it is given. A reference is followed by a call of itself with what stands under that name, and nobody
remembers which were followed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.spots import spot
from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.assigned import names_in
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import by_only_name, nodes
from llmlint.findings import Report, Step

_LIMITS = re.compile(r"depth|level|nesting|recurs|visited|seen|budget|being_|in_progress", re.IGNORECASE)
_OPENS = frozenset({"(", "[", "{"})
_CONTAINERS = frozenset({"dict", "list"})
_OF_CLIENTS = frozenset(
    {"content", "messages", "role", "tools", "parameters", "arguments", "text", "image_url"}
    | {"$ref", "$defs", "properties", "items", "anyOf", "oneOf", "allOf", "type", "enum"}
)
"""Keys of what clients write: platform.openai.com/docs/api-reference/chat, json-schema.org/draft/2020-12."""
_LONGEST = 4
"""So many functions a circle may have."""


class _Call(NamedTuple):
    node: tree.Call
    to: tree.Function


def check_file(file: SourceFile) -> Iterator[Report]:
    functions = by_only_name(function for function in nodes(file.tree, tree.Function) if function.body)
    calls = _calls(file, functions)
    told: set[int] = set()
    for name, function in functions.items():
        members = [functions[one] for one in _circle(name, calls)]
        if any(_is_limited(member) for member in members):
            continue
        if (found := _why(members, calls)) is not None and id(found[0]) not in told:
            told.add(id(found[0]))
            yield _report(file, function, *found)


def _calls(file: SourceFile, functions: dict[str, tree.Function]) -> dict[str, list[_Call]]:
    """By the name of the function that they stand in, what functions of the file call of each other."""
    found: dict[str, list[_Call]] = {name: [] for name in functions}
    by_line = sorted(functions.values(), key=lambda function: function.line)
    for node in nodes(file.tree, tree.Call):
        owner, _, name = tree.path_of(node.function).rpartition(".")
        if owner in ("", "self", "cls") and name in functions:
            above = by_line[: bisect_right(by_line, node.line, key=lambda function: function.line)]
            inside = next((function for function in reversed(above) if node.line <= function.end_line), None)
            if inside is not None:
                found[inside.name].append(_Call(node, functions[name]))
    return found


def _circle(name: str, calls: dict[str, list[_Call]]) -> list[str]:
    """The shortest way from a function back to itself."""
    ways = [[name]]
    for way in ways:
        for call in calls.get(way[-1], ()):
            if call.to.name == name:
                return way
            if call.to.name not in way and len(way) < _LONGEST:
                ways.append([*way, call.to.name])
    return []


def _is_limited(function: tree.Function) -> bool:
    """Does it speak of depth or of what it has seen, count up and down, or run when the program is built?"""
    if not {"constexpr", "consteval"}.isdisjoint(function.specifiers):
        return True
    for node in tree.walk(function):
        match node:
            case tree.Name(id=name) | tree.Attribute(name=name) | tree.Parameter(name=name):
                if _LIMITS.search(name):
                    return True
    steps = {(place, op) for node in tree.walk_own(function) for place, op in _stepped(node)}
    return any((place, "-") in steps for place, op in steps if op == "+")


def _stepped(node: tree.Node) -> Iterator[tuple[str, str]]:
    """What is counted up or down by one."""
    match node:
        case tree.Unary(op="++" | "--" as op, operand=operand):
            yield spot(operand), op[0]
        case tree.Assign(targets=[target], op="+" | "-" as op):
            yield spot(target), op
        case tree.Call(function=tree.Attribute(value=value, name="add" | "append" | "insert" | "push_back")):
            yield spot(value), "+"
        case tree.Call(function=tree.Attribute(value=value, name="discard" | "remove" | "pop" | "erase" | "pop_back")):
            yield spot(value), "-"


def _passes_count(call: tree.Call, member: tree.Function) -> bool:
    """Is a parameter handed on with one more: `depth + 1`, `(*seen, ref)`, `seen | {ref}`?"""
    params = {param.name for param in member.params}
    for arg in (*call.args, *(keyword.value for keyword in call.keywords)):
        match arg:
            case tree.Binary(op="+" | "-" | "|", left=tree.Name(id=name)) if name in params:
                return True
            case tree.Collection(items=items):
                if any(isinstance(item, tree.Star) and spot(item.value) in params for item in items):
                    return True
    return False


# ---------------------------------------------------------------- what sets the depth


def _why(members: list[tree.Function], calls: dict[str, list[_Call]]) -> tuple[tree.Call, str] | None:
    inside = {member.name for member in members}
    circular = [(member, call.node) for member in members for call in calls[member.name] if call.to.name in inside]
    if any(_passes_count(call, member) for member, call in circular):
        return None
    for member, call in circular:
        if any(_is_under(member, call, node) for node in tree.walk_own(member) if _asks_for_opening(node)):
            return call, "once more for every opening bracket of the text"
    for member, call in circular:
        if _follows_reference(member, call):
            return call, "with what stands under a name, and nobody remembers which names were followed"
    refuses = any(isinstance(node, tree.Raise) for member in members for node in tree.walk_own(member))
    reads = any(isinstance(n, tree.Literal) and n.text in _OF_CLIENTS for m in members for n in tree.walk_own(m))
    for member, call in circular:
        if refuses and reads and _descends(member, call):
            return call, "for every part of what it is given"
    return None


def _asks_for_opening(node: tree.Node) -> bool:
    match node:
        case tree.Compare(operands=[_, tree.Literal(kind="string" | "char", text=text)], ops=["=="]):
            return text.strip("'\"") in _OPENS
        case tree.Call(args=[tree.Literal(kind="string" | "char", text=text)]):
            return text.strip("'\"") in _OPENS
        case tree.Case(patterns=[tree.Literal(text=text)]):
            return text.strip("'\"") in _OPENS
    return False


def _is_under(member: tree.Function, call: tree.Call, opening: tree.Node) -> bool:
    """Does the call stand in the branch that the bracket opens?"""
    for node in tree.walk_own(member):
        if isinstance(node, tree.If) and any(below is opening for below in tree.walk(node.test)):
            return any(below is call for statement in node.body for below in tree.walk(statement))
        if isinstance(node, tree.Case) and node is opening:
            return any(below is call for below in tree.walk(node))
    return False


def _follows_reference(member: tree.Function, call: tree.Call) -> bool:
    """`visit(self.resolve(ref))`, `expand(rules[name])`."""
    params = {param.name for param in member.params} - {"self"}
    own = {node.id for node in tree.walk_own(member) if isinstance(node, tree.Name)}
    refers = any(isinstance(node, tree.Literal) and node.text in ("$ref", "ref") for node in tree.walk_own(member))
    if not refers or not own & params:
        return False
    return any(isinstance(arg, tree.Call) and "resolve" in tree.path_of(arg.function) for arg in call.args)


def _descends(member: tree.Function, call: tree.Call) -> bool:
    """Is it handed a part of a parameter that may be a dict or a list, as JSON is?"""
    params = {param.name for param in member.params} - {"self", "cls"}
    asked: dict[str, set[str]] = {}
    for node in tree.walk_own(member):
        match node:
            case tree.Call(function=tree.Name(id="isinstance"), args=[tree.Name(id=name), kind]) if name in params:
                asked.setdefault(name, set()).update(_kinds(kind))
    whole = {name for name, kinds in asked.items() if kinds & _CONTAINERS}
    parts = set(whole)
    for node in tree.walk_own(member):
        match node:
            case tree.Generator(target=target, iterable=over) | tree.Loop(target=tree.Node() as target, iterable=over):
                if over is not None and _root(over) in parts:
                    parts.update(names_in(target))
            case tree.Assign(targets=[tree.Name(id=name)], value=tree.Node() as value) if _root(value) in parts:
                parts.add(name)
    return bool(whole) and any(_root(arg) in parts and spot(arg) not in whole for arg in call.args)


def _kinds(kind: tree.Node) -> set[str]:
    items = kind.items if isinstance(kind, tree.Collection) else [kind]
    return {tree.path_of(item) for item in items}


def _root(node: tree.Node) -> str:
    while True:
        match node:
            case tree.Name(id=name):
                return name
            case tree.Attribute(value=value) | tree.Index(value=value) | tree.Call(function=value):
                node = value
            case _:
                return ""


def _report(file: SourceFile, function: tree.Function, call: tree.Call, why: str) -> Report:
    return Report(
        place_of(call),
        qualname_at(file.facts, call.line),
        f"{function.name} comes back to itself {why}: how deep, nothing limits",
        (
            Step("", function.line, f"{function.name} begins"),
            Step("", call.line, f"and is called {why}"),
        ),
        confidence="low",
        reason="whether a client writes what is read here, the file does not tell",
        subject=why,
        fix="count the depth, and refuse what is nested deeper than anybody needs",
    )
