"""Divisions by what starts at zero: counters that only grow, lists that start empty, spans of time in whole units.

For Python, C and C++, on the tree of one file. A name is asked about where some test of the same function, or a test
around a call of it, speaks of it: what the test says is not weighed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from llmlint.code.facts.container_methods import CLEARS, REMOVES
from llmlint.code.facts.native_tests import inside_casts
from llmlint.code.flow.fractions import FLOAT, float_members, is_fraction, printed_as_fractions
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import functions_of, holds_definitions

_DIVIDES = frozenset({"/", "//", "%"})
_WHOLE = re.compile(
    r"^(?:std::atomic<)?(?:const |static |unsigned |signed |std::)*(?:u?int\d*_t|int|long|size_t|uint\d+|short)\b"
)
_SPAN = "duration_cast"
_EMPTY = frozenset({"deque", "list", "defaultdict", "Counter"})


class Start(NamedTuple):
    """What a name starts as (`what`: a count, a list, a span), and where."""

    what: str
    at: tree.Node


class Division(NamedTuple):
    at: tree.Binary
    place: str
    start: Start
    function: tree.Function
    sibling: tree.Node | None
    """Another division by such a thing, in the same file, that somebody asked about."""


def divisions_in(module: tree.Module, text: str) -> Iterator[Division]:
    functions = functions_of(module)
    is_python = module.language == "python"
    starts = _starts(module, functions, is_python)
    spans = _span_makers(functions) if not is_python and _SPAN in text else set()
    members = float_members(module) if not is_python else frozenset()
    found: list[tuple[tree.Binary, str, Start, tree.Function]] = []
    asked: list[tree.Node] = []
    for function in functions:
        divisions = _divisions_of(function)
        if not divisions:
            continue
        local = {n: Start("span", at) for n, at in _spans_of(function, spans)} if spans else {}
        divided = list(_divided(function, divisions, {**starts, **local}, is_python, members))
        tested = set(_tested(function)) if divided else set()
        for at, place, start in divided:
            name = place.rpartition(".")[2]
            if name in tested or _grows_before(function, name, at) or _is_asked_by_callers(functions, function, name):
                asked.append(at)
            elif not tested & {n for n in _names_in(at.left) if n in starts}:
                found.append((at, place, start, function))
    for at, place, start, function in found:
        sibling = asked[0] if asked else next((f for f in functions if not is_python and _is_ratio(f)), None)
        yield Division(at, place, start, function, sibling)


# ---------------------------------------------------------------- what starts at zero


def _starts(module: tree.Module, functions: Iterable[tree.Function], is_python: bool) -> dict[str, Start]:
    """The members that start at zero, or empty, and that are only counted up or set back to that."""
    starts: dict[str, Start] = {}
    other: set[str] = set()
    grown: set[str] = set()
    for cls in (node for node in tree.walk(module, into=holds_definitions) if isinstance(node, tree.Class)):
        for field in cls.body:
            match field:
                case tree.Assign(targets=[tree.Name(id=name)], value=value) if is_python and _is_zero(value):
                    starts[name] = Start("count", field)
                case tree.Field(name=name, annotation=tree.TypeName(text=text), value=value):
                    if _WHOLE.match(text) and value is not None and _is_zero(value):
                        starts[name] = Start("count", field)
    for function in functions if starts or is_python else ():
        for node in tree.walk_own(function):
            _note(node, function, is_python, starts, grown, other)
    if is_python:
        other |= _filled_while_made(module)
    return {name: start for name, start in starts.items() if name in grown and name not in other}


def _filled_while_made(module: tree.Module) -> set[str]:
    """Members that a constructor fills, itself or by a method that it calls, and that nothing makes smaller."""
    filled: set[str] = set()
    smaller: set[str] = set()
    for cls in (node for node in tree.walk(module, into=holds_definitions) if isinstance(node, tree.Class)):
        methods = {node.name: node for node in cls.body if isinstance(node, tree.Function)}
        filled.update(_filled_by("__init__", methods, set()))
        for name, method in methods.items():
            smaller.update(_made_smaller(method) if name != "__init__" else ())
    return filled - smaller


def _filled_by(name: str, methods: Mapping[str, tree.Function], passed: set[str]) -> Iterator[str]:
    """The members that a method puts something into, itself or by others of its object; a loop may have no round."""
    method = methods.get(name)
    if method is None or name in passed:
        return
    passed.add(name)
    names: dict[str, str] = {}
    for node in (inner for statement in method.body or () for inner in tree.walk(statement, into=_is_done_once)):
        match node:
            case tree.Assign(targets=[tree.Name(id=alias)], value=tree.Attribute() as value, op=""):
                names[alias] = tree.path_of(value)
            case tree.Call(function=tree.Attribute(value=value, name="append")):
                path = names.get(tree.path_of(value), tree.path_of(value))
                yield path.removeprefix("self.") if path.startswith("self.") else ""
            case tree.Call(function=tree.Attribute(value=tree.Name(id="self"), name=called)):
                yield from _filled_by(called, methods, passed)


def _is_done_once(node: tree.Node) -> bool:
    return not isinstance(node, tree.Loop) and tree.is_of_the_same(node)


def _made_smaller(method: tree.Function) -> Iterator[str]:
    for node in tree.walk(method):
        match node:
            case tree.Assign(targets=targets, value=value, op="") if _is_empty(value):
                yield from (_member(target, is_python=True) for target in targets)
            case tree.Call(function=tree.Attribute(value=value, name=name)) if name in REMOVES | CLEARS:
                yield _member(value, is_python=True)
            case tree.Delete(targets=targets):
                yield from (_member(t.value, is_python=True) for t in targets if isinstance(t, tree.Index))


def _note(
    node: tree.Node,
    function: tree.Function,
    is_python: bool,
    starts: dict[str, Start],
    grown: set[str],
    other: set[str],
) -> None:
    match node:
        case tree.Assign(targets=targets, value=value, op=op, declares=False):
            for name in (n for target in targets if (n := _member(target, is_python))):
                if op == "+":
                    grown.add(name)
                elif _is_zero(value) or _is_empty(value):
                    if is_python and function.name == "__init__":
                        starts.setdefault(name, Start("count" if _is_zero(value) else "list", node))
                else:
                    other.add(name)
        case tree.Named(target=target, op="+"):
            grown.add(_member(target, is_python))
        case tree.Unary(op="++", operand=operand):
            grown.add(_member(operand, is_python))
        case tree.Call(function=tree.Attribute(value=value, name="append")) if is_python:
            grown.add(_member(value, is_python))


def _member(node: tree.Node, is_python: bool) -> str:
    if isinstance(node, tree.Attribute):
        return node.name
    return node.id if isinstance(node, tree.Name) and not is_python else ""


def _is_zero(value: tree.Node | None) -> bool:
    if isinstance(value, tree.Collection) and value.kind == "init":
        return not value.items or (len(value.items) == 1 and _is_zero(value.items[0]))
    return isinstance(value, tree.Literal) and value.text in ("0", "0.0")


def _is_empty(value: tree.Node | None) -> bool:
    if isinstance(value, tree.Collection):
        return value.kind == "list" and not value.items
    return isinstance(value, tree.Call) and tree.path_of(value.function).rpartition(".")[2] in _EMPTY and not value.args


# ---------------------------------------------------------------- spans of time


def _span_makers(functions: Iterable[tree.Function]) -> set[str]:
    """The functions that give a span of time in whole units."""
    made = {_SPAN}
    for function in functions:
        returns = [n for n in tree.walk_own(function) if isinstance(n, tree.Return) and n.value is not None]
        if len(returns) == 1 and _is_span(returns[0].value, {_SPAN}):
            made.add(function.name)
    return made


def _is_span(value: tree.Node | None, makers: set[str]) -> bool:
    calls = [n for n in tree.walk(value) if isinstance(n, tree.Call)] if value is not None else []
    return any(tree.path_of(call.function).rpartition(".")[2] in makers and len(call.args) < 3 for call in calls)


def _spans_of(function: tree.Function, makers: set[str]) -> Iterator[tuple[str, tree.Node]]:
    for node in tree.walk_own(function):
        if isinstance(node, tree.Assign) and not node.op and isinstance(node.value, tree.Call):
            declared = node.annotation.text if isinstance(node.annotation, tree.TypeName) else ""
            for target in node.targets:
                if not FLOAT.search(declared) and _is_span(node.value, makers):
                    yield tree.path_of(target).rpartition(".")[2], node


# ---------------------------------------------------------------- divisions


def _divisions_of(function: tree.Function) -> list[tree.Binary]:
    return [n for n in tree.walk_own(function) if isinstance(n, tree.Binary) and n.op in _DIVIDES]


def _divided(
    function: tree.Function,
    divisions: Iterable[tree.Binary],
    starts: Mapping[str, Start],
    is_python: bool,
    members: frozenset[str],
) -> Iterator[tuple[tree.Binary, str, Start]]:
    is_float = None if is_python or not starts else _fractions_in(function, members)
    for node in divisions if starts else ():
        if is_float is not None and is_float(node):
            continue
        right = node.right if is_python else inside_casts(node.right)
        place = tree.path_of(right)
        if is_python and isinstance(right, tree.Call) and place == "len()" and len(right.args) == 1:
            place = tree.path_of(right.args[0])
            start = starts.get(place.rpartition(".")[2])
            if start is not None and start.what == "list" and "." in place:
                yield node, place, start
            continue
        start = starts.get(place.rpartition(".")[2]) if place and "(" not in place else None
        if start is not None and start.what != "list" and ("." in place or not is_python):
            yield node, place, start


def _fractions_in(function: tree.Function, members: frozenset[str]) -> Callable[[tree.Binary], bool]:
    """Is one of the numbers of a division a fraction, so that it gives infinity and goes on?"""
    declared = {p.name: p.annotation.text for p in function.params if isinstance(p.annotation, tree.TypeName)}
    for node in tree.walk_own(function):
        if isinstance(node, tree.Assign) and isinstance(node.annotation, tree.TypeName):
            declared |= {target.id: node.annotation.text for target in node.targets if isinstance(target, tree.Name)}
    printed = printed_as_fractions(function)
    return lambda node: any(node is one for one in printed) or is_fraction(node, declared, members)


def _names_in(node: tree.Node) -> Iterator[str]:
    for inner in tree.walk(node):
        if isinstance(inner, tree.Attribute):
            yield inner.name
        elif isinstance(inner, tree.Name):
            yield inner.id


def _tested(function: tree.Function) -> Iterator[str]:
    """The names that some test of the function speaks of."""
    for node in tree.walk_own(function):
        match node:
            case tree.If(test=test) | tree.Conditional(test=test) | tree.Assert(test=test):
                yield from _names_in(test)
            case tree.Loop(test=test) if test is not None:
                yield from _names_in(test)
            case tree.Logic() | tree.Compare():
                yield from _names_in(node)
            case tree.Try(handlers=handlers) if handlers:
                yield from (name for statement in node.body for name in _names_in(statement))
            case tree.Comprehension(generators=generators):
                yield from (name for g in generators for test in g.tests for name in _names_in(test))


def _grows_before(function: tree.Function, name: str, at: tree.Node) -> bool:
    for node in tree.walk_own(function):
        if node.line >= at.line:
            return False
        match node:
            case tree.Assign(targets=targets, op=op) | tree.Assign(targets=targets, op=op):
                if op == "+" and any(tree.path_of(t).rpartition(".")[2] == name for t in targets):
                    return True
            case tree.Named(target=target, op="+") | tree.Unary(op="++", operand=target):
                if tree.path_of(target).rpartition(".")[2] == name:
                    return True
            case tree.Call(function=tree.Attribute(value=value, name="append")):
                if tree.path_of(value).rpartition(".")[2] == name:
                    return True
    return False


def _is_asked_by_callers(functions: Iterable[tree.Function], function: tree.Function, name: str) -> bool:
    """Is the function called, or read as a property, only by functions that test the name?"""
    for caller in functions:
        if caller is not function and function.name in _names_in(caller) and name in set(_tested(caller)):
            return True
    return False


def _is_ratio(function: tree.Function) -> bool:
    """A small function that divides one of its parameters by another, and asks first."""
    given = {p.name for p in function.params}
    by = {node.right.id for node in _divisions_of(function) if isinstance(node.right, tree.Name)} & given
    return bool(by) and not by.isdisjoint(_tested(function))
