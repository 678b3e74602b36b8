"""Members and locals that begin with nothing, and get something only where a test says that they have it already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmlint.code.domain.spots import spot
from llmlint.code.facts.container_methods import INSERTS, WRAPPERS
from llmlint.code.facts.facts import Class as ClassFacts
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import functions_of, nodes

Tests = tuple[tuple[tree.Node, bool], ...]

_EMPTY_MADE = frozenset({"dict", "set", "list", "deque", "OrderedDict"})
_TABLES = ("map<", "set<")
_COPIES = WRAPPERS | {"len", "bool", "any", "all", "sum", "min", "max", "print", "enumerate", "zip"}
_AROUND = (tree.Try, tree.With, tree.Loop, tree.Block, tree.Switch, tree.Case, tree.Handler)


class NeverBegun(NamedTuple):
    """`test` asks for what only `at` would give."""

    place: str
    begins: int
    test: tree.Node
    at: tree.Node


class _Given(NamedTuple):
    """One place that gets something: `is_element` for what is put into it."""

    at: tree.Node
    tests: Tests
    value: tree.Node | None
    is_element: bool


def never_begun(file: SourceFile) -> Iterator[NeverBegun]:
    if file.tree.language != "python":
        yield from _of_native_members(file)
        return
    for cls in nodes(file.tree, tree.Class):
        methods = [node for node in cls.body if isinstance(node, tree.Function)]
        for place, given in _given(methods).items():
            if place.startswith("self."):
                found = _judged(place, *_parted(given))
                yield from (one for one in found if not _is_given_elsewhere(file.tree, place, given))
    begun = [node.line for node in nodes(file.tree, tree.Assign) if _begins_a_local(node)]
    for function in nodes(file.tree, tree.Function):
        if not any(function.line <= line <= function.end_line for line in begun):
            continue
        for place, given in _given([function]).items():
            if "." not in place and place not in {param.name for param in function.params}:
                found = _judged(place, *_parted(given))
                yield from (one for one in found if not _is_given_elsewhere(function, place, given))


def _begins_a_local(node: tree.Assign) -> bool:
    is_local = len(node.targets) == 1 and isinstance(node.targets[0], tree.Name)
    return is_local and _begins(_Given(node, (), node.value, is_element=False))


def _of_native_members(file: SourceFile) -> Iterator[NeverBegun]:
    elsewhere = {f.owner for f in file.facts.functions if f.owner and not f.has_body}
    known = [c for c in file.facts.classes if c.qualname not in elsewhere]
    fields = {f.name: f for f in nodes(file.tree, tree.Field) if _begins_as_field(f) and _stands_in(f, known)}
    if not fields:
        return
    for place, given in _given(functions_of(file.tree)).items():
        field = fields.get(place.removeprefix("self."))
        if field is not None:
            begins = _Given(field, (), field.value, is_element=False)
            for one in _judged(place, [begins], _parted(given)[1]):
                if not _is_given_elsewhere(file.tree, place, given) and not _is_passed(file.tree, place):
                    yield one


def _stands_in(field: tree.Field, classes: Sequence[ClassFacts]) -> bool:
    """In one of the classes of which this file holds every method, so that nobody sets it elsewhere?"""
    return any(cls.line <= field.line <= cls.end_line for cls in classes)


def _begins_as_field(field: tree.Field) -> bool:
    declared = field.annotation.text if isinstance(field.annotation, tree.TypeName) else ""
    return _is_nothing(field.value) or (field.value is None and any(table in declared for table in _TABLES))


def _parted(given: Sequence[_Given]) -> tuple[list[_Given], list[_Given]]:
    return [one for one in given if _begins(one)], [one for one in given if not _begins(one)]


def _judged(place: str, begins: Sequence[_Given], later: Sequence[_Given]) -> Iterator[NeverBegun]:
    """Every way to a value must ask for a value."""
    if all(_is_of_itself(place, one) for one in later) or not any(not one.tests for one in begins):
        return
    asked = [_asking(place, given) for given in later]
    if all(test is not None for test in asked):
        yield NeverBegun(place, begins[0].at.line, asked[0] or later[0].at, later[0].at)


def _is_of_itself(place: str, given: _Given) -> bool:
    """`x = x.cpu()` where there is an `x` is right, if idle: who fills it may have gone since."""
    return given.value is not None and any(spot(node) == place for node in tree.walk(given.value))


def _asking(place: str, given: _Given) -> tree.Node | None:
    """The test on the way that says that there is something already."""
    for test, holds in given.tests:
        if (_says_held if given.is_element else says_some)(test, place, holds):
            return test
    return None


# ---------------------------------------------------------------- what gets a value, and under which tests


def _given(functions: Sequence[tree.Function]) -> dict[str, list[_Given]]:
    """By place: those of a class's methods together."""
    found: dict[str, list[_Given]] = {}
    for function in functions:
        for place, given in _in_block(function.body or [], ()):
            if place:
                found.setdefault(place, []).append(given)
    return found


def _in_block(body: Sequence[tree.Node], tests: Tests) -> Iterator[tuple[str, _Given]]:
    for node in body:
        if isinstance(node, tree.If):
            yield from _in_block(node.body, (*tests, (node.test, True)))
            yield from _in_block(node.orelse, (*tests, (node.test, False)))
            tests = (*tests, *_left_by(node))
        elif isinstance(node, tree.Loop) and node.kind == "while" and node.test is not None:
            yield from _in_block(node.body, (*tests, (node.test, True)))
        elif isinstance(node, tree.Function | tree.Class):
            yield from _in_block(node.body or [], ())
        elif isinstance(node, _AROUND):
            yield from _in_block(tree.children(node), tests)
        yield from _by(node, tests)


def _left_by(node: tree.If) -> Tests:
    """What holds behind a branch that leaves."""
    return ((node.test, False),) if node.body and not node.orelse and _leaves(node.body[-1]) else ()


def _leaves(last: tree.Node) -> bool:
    return isinstance(last, tree.Return | tree.Raise | tree.Jump)


def _by(node: tree.Node, tests: Tests) -> Iterator[tuple[str, _Given]]:
    match node:
        case tree.Assign(targets=targets, value=value, op=op):
            for target in targets:
                for part in target.items if isinstance(target, tree.Collection) else [target]:
                    if isinstance(part, tree.Index):
                        yield spot(part.value), _Given(node, tests, None, is_element=True)
                    else:
                        whole = value if part is target and not op else node
                        yield spot(part), _Given(node, tests, whole, is_element=False)
        case tree.With(items=items):
            for _, name in items:
                yield spot(name), _Given(node, tests, node, is_element=False)
        case tree.Expression(value=tree.Call(function=tree.Attribute(value=value, name=name))) if name in INSERTS:
            yield spot(value), _Given(node, tests, None, is_element=True)
        case tree.Loop(target=tree.Node() as target):
            yield spot(target), _Given(node, tests, node, is_element=False)


def _begins(given: _Given) -> bool:
    if given.is_element:
        return False
    value = given.value
    if isinstance(value, tree.Call) and not value.args and not value.keywords:
        return tree.path_of(value.function).rpartition(".")[2] in _EMPTY_MADE
    return _is_nothing(value) or (isinstance(value, tree.Collection) and not value.items)


def _is_nothing(value: tree.Node | None) -> bool:
    return isinstance(value, tree.Literal) and (
        value.kind == "none" or value.text in ("False", "false", "NULL", "nullptr")
    )


# ---------------------------------------------------------------- what a test says


def says_some(test: tree.Node, place: str, holds: bool) -> bool:
    """Does the test, held or not, say that there is a value?"""
    match test:
        case tree.Unary(op="not" | "!", operand=operand):
            return says_some(operand, place, not holds)
        case tree.Logic(op=op, operands=operands):
            return holds == (op == "and") and any(says_some(operand, place, holds) for operand in operands)
        case tree.Compare(operands=[left, tree.Literal(kind="none")], ops=[op]):
            return spot(left) == place and op in ("is", "is not", "==", "!=") and (op in ("is not", "!=")) == holds
    return holds and spot(test) == place


def _says_held(test: tree.Node, place: str, holds: bool) -> bool:
    """Does it say that something is in there?"""
    match test:
        case tree.Unary(op="not" | "!", operand=operand):
            return _says_held(operand, place, not holds)
        case tree.Logic(op=op, operands=operands):
            return holds == (op == "and") and any(_says_held(operand, place, holds) for operand in operands)
        case tree.Compare(operands=[_, right], ops=["in" | "not in" as op]):
            return spot(right) == place and (op == "in") == holds
        case tree.Compare(
            operands=[tree.Call(function=tree.Attribute(value=value, name="find")), right], ops=["==" | "!=" as op]
        ):
            return spot(value) == place and tree.path_of(right).endswith("end()") and (op == "!=") == holds
        case tree.Call(function=tree.Attribute(value=value, name="count" | "contains")):
            return holds and spot(value) == place
        case tree.Call(function=tree.Attribute(value=value, name="empty")):
            return not holds and spot(value) == place
    return holds and spot(test) == place


# ---------------------------------------------------------------- who else may give it one


def _is_given_elsewhere(within: tree.Node, place: str, given: Sequence[_Given]) -> bool:
    """Does another object, `setattr`, an inner function or an expression give it a value, or is it filled elsewhere?"""
    name = place.rpartition(".")[2]
    for node in tree.walk(within):
        match node:
            case tree.Assign(targets=targets):
                for target in targets:
                    if (
                        isinstance(target, tree.Attribute)
                        and target.name == name
                        and spot(target) not in (place, f"self.{name}")
                    ):
                        return True
            case tree.Call(function=tree.Name(id="setattr")):
                return True
            case tree.Named(target=target) if spot(target) == place:
                return True
            case tree.Outer(names=names) if place in names:
                return True
            case tree.Call(function=tree.Attribute(value=value, name=name)) if name in INSERTS and spot(value) == place:
                if not any(one.at.line <= node.line <= one.at.end_line for one in given):
                    return True
    is_held = any(one.is_element or (_begins(one) and not _is_nothing(one.value)) for one in given)
    return is_held and (_is_passed(within, place) or _has_another_name(within, place))


def _is_passed(within: tree.Node, place: str) -> bool:
    """Is a call handed it, or its address, and may fill it: `heapq.heappush(self.delayed, entry)`?"""
    for call in tree.walk(within):
        if isinstance(call, tree.Call) and tree.path_of(call.function) not in _COPIES:
            given = (*call.args, *(keyword.value for keyword in call.keywords))
            if any(spot(arg.operand if isinstance(arg, tree.Unary) else arg) == place for arg in given):
                return True
    return False


def _has_another_name(within: tree.Node, place: str) -> bool:
    for node in tree.walk(within):
        match node:
            case tree.Assign(value=value) | tree.Return(value=value) | tree.Yield(value=value) if spot(value) == place:
                return True
            case tree.Collection(items=items) if any(spot(item) == place for item in items):
                return True
    return False
