"""What a test of Python tells about places where it holds, and where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from llmlint.code.syntax import tree

Fact = tuple[str, str]
PlaceOf = Callable[[tree.Node | None], str]

_TYPE_TESTS = frozenset({"isinstance", "issubclass", "hasattr", "callable"})
_OF_ALL = frozenset({"all", "any"})
_SIZES = frozenset({"len", "bool"})
_OF_KEYS = frozenset({"set", "sorted", "list", "tuple", "frozenset"})
_ALL_OF = {("==", True), ("==", False), (">=", True), ("<=", False), (">", True), ("<", False)}
"""Comparisons that say that the first, or (False) the second, holds all of the other."""
_NEGATED = {"is not": "is", "!=": "==", "not in": "in"}
_DEEPEST = 6


def told_by(test: tree.Node, holds: bool, place: PlaceOf, tests: Mapping[str, tree.Node], depth: int = 0) -> set[Fact]:
    """`tests` are the tests that local names stand for: `given = x is not None`."""
    if depth > _DEEPEST:
        return set()
    match test:
        case tree.Unary(op="not", operand=operand):
            return told_by(operand, not holds, place, tests, depth + 1)
        case tree.Logic(op=op, operands=operands):
            parts = [told_by(operand, holds, place, tests, depth + 1) for operand in operands]
            return set().union(*parts) if holds == (op == "and") else set.intersection(*parts)
        case tree.Compare(operands=operands, ops=ops):
            return {
                fact
                for left, op, right in zip(operands, ops, operands[1:], strict=False)
                for fact in _compared(left, op, right, holds or len(ops) > 1, place)
            }
        case tree.Call():
            return set(_called(test, holds, place)) | set(_truth(test, holds, place))
        case tree.Name(id=name) if name in tests:
            return told_by(tests[name], holds, place, tests, depth + 1) | set(_truth(test, holds, place))
        case tree.Conditional(test=inner, body=body) if holds:
            return told_by(body, True, place, tests, depth + 1) & told_by(inner, True, place, tests, depth + 1)
    return set(_truth(test, holds, place))


def _truth(test: tree.Node, holds: bool, place: PlaceOf) -> Iterator[Fact]:
    at = place(test)
    if not at:
        return
    if holds:
        yield at, "some"
    else:
        yield at, "false"


def _compared(left: tree.Node, op: str, right: tree.Node, holds: bool, place: PlaceOf) -> Iterator[Fact]:
    if op in _NEGATED:
        op, holds = _NEGATED[op], not holds
    if op == "in":
        yield from _contained(left, right, holds, place)
        return
    if holds:
        yield from _keys_held(left, op, right, place)
    for one, other in ((left, right), (right, left)):
        if isinstance(other, tree.Literal) and other.kind == "none":
            if op in ("is", "==") and (at := place(one)):
                yield at, "none" if holds else "some"
        elif op in ("is", "==") and holds and isinstance(other, tree.Literal):
            if at := place(one):
                yield from ((at, "some"), (at, "typed"))
        elif isinstance(one, tree.Call) and tree.path_of(one.function) in ("len", "type") and one.args:
            if at := place(one.args[0]):
                yield from ((at, "some"), (at, "asked"))
        elif op in ("<", ">", "<=", ">=") and (at := place(one)):
            yield at, "some"


def _keys_held(left: tree.Node, op: str, right: tree.Node, place: PlaceOf) -> Iterator[Fact]:
    """`set(x) == {"a"}` and `x.keys() >= {"a"}` say that x has the key."""
    for whole, part, is_first in ((left, right, True), (right, left, False)):
        if (op, is_first) in _ALL_OF and isinstance(part, tree.Collection) and (at := place(_keyed(whole))):
            yield from ((at, f"has:{item.text!r}") for item in part.items if isinstance(item, tree.Literal))


def _keyed(node: tree.Node) -> tree.Node | None:
    """Whose keys are looked at."""
    match node:
        case tree.Call(function=tree.Name(id=name), args=[whole]) if name in _OF_KEYS:
            return whole
        case tree.Call(function=tree.Attribute(value=whole, name="keys"), args=[]):
            return whole
    return None


def _contained(left: tree.Node, right: tree.Node, holds: bool, place: PlaceOf) -> Iterator[Fact]:
    if at := place(right):
        yield at, "some"
        if holds and isinstance(left, tree.Literal):
            yield at, f"has:{left.text!r}"
    if holds and (at := place(left)):
        yield from ((at, "some"), (at, "member"), (at, "asked"))


def _called(test: tree.Call, holds: bool, place: PlaceOf) -> Iterator[Fact]:
    name = tree.path_of(test.function)
    first = place(test.args[0]) if test.args else ""
    if name in _TYPE_TESTS and first:
        yield first, "typed" if holds else "asked"
        if holds:
            yield first, "some"
    elif name in _SIZES and first:
        yield first, "some"
    elif name in _OF_ALL and test.args and isinstance(test.args[0], tree.Comprehension):
        yield from _of_each(test.args[0], place)
    else:
        for arg in test.args:
            if at := place(arg):
                yield at, "vetted"


def _of_each(made: tree.Comprehension, place: PlaceOf) -> Iterator[Fact]:
    """`all(isinstance(one, str) for one in values)` asks about each."""
    over = place(made.generators[0].iterable)
    if over:
        yield f"{over}[]", "typed"
        yield over, "some"
