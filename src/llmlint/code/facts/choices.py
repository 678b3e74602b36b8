"""Python expressions that take a place, or something in its stead, by whether it is true or whether it is None."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from llmlint.code.facts.facts import Choice
from llmlint.code.syntax import tree
from llmlint.code.syntax.source_text import SourceText

_LONGEST = 80
_NO_NUMBERS = (tree.Collection, tree.Comprehension, tree.Format, tree.Lambda, tree.Compare)
_NO_NUMBER_LITERALS = ("string", "bytes", "bool")
_LOOKS_UP = ("get", "pop")


def choices_of(function: tree.Function, source: SourceText) -> tuple[Choice, ...]:
    own = tree.walk_own(function)
    tests = {id(part) for node in own for test in _tests_of(node) for part in _joined_in(test)}
    return tuple(choice for node in own if id(node) not in tests for choice in _choices_at(node, source))


def _tests_of(node: tree.Node) -> Iterator[tree.Node]:
    """What gives nobody a value that is counted with: `a or b` where it is only asked whether it is true."""
    match node:
        case tree.If(test=test) | tree.Conditional(test=test) | tree.Assert(test=test):
            yield test
        case tree.Loop(test=test) if test is not None:
            yield test
        case tree.Generator(tests=tests):
            yield from tests
        case tree.Unary(op="not", operand=operand):
            yield operand
        case tree.Call(function=tree.Name(id="bool" | "any" | "all"), args=args):
            yield from args
        case tree.FormatField(value=value):  # it is only said
            yield value


def _joined_in(test: tree.Node) -> Iterator[tree.Node]:
    yield test
    if isinstance(test, tree.Logic):
        for operand in test.operands:
            yield from _joined_in(operand)


def _choices_at(node: tree.Node, source: SourceText) -> Iterator[Choice]:
    match node:
        case tree.Logic(op="or", operands=operands):
            for place, other in pairwise(operands):
                yield from _choice(place, "truth", place, other, source)
        case tree.Conditional(test=tree.Unary(op="not", operand=place), body=other, orelse=given):
            yield from _choice(place, "truth", given, other, source)
        case tree.Conditional(test=tree.Compare(operands=[place, tree.Literal(kind="none")], ops=[op])):
            given, other = (node.orelse, node.body) if op == "is" else (node.body, node.orelse)
            yield from _choice(place, "none", given, other, source)
        case tree.Conditional(test=place, body=given, orelse=other):
            yield from _choice(place, "truth", given, other, source)


def _choice(place: tree.Node, by: str, given: tree.Node, other: tree.Node, source: SourceText) -> Iterator[Choice]:
    name = _name_of(place)
    if not name or isinstance(other, _NO_NUMBERS):
        return
    if isinstance(other, tree.Literal) and other.kind in _NO_NUMBER_LITERALS:
        return
    written, instead = source.of(place, _LONGEST), source.of(other, _LONGEST)
    made = source.of(given, _LONGEST)
    yield Choice(written, place.line, place.column, name, by, "" if made == written else made, instead)


def _name_of(place: tree.Node) -> str:
    """The last word of a path, or the key under which something is looked up: `d["k"]`, `d.get("k")`."""
    match place:
        case tree.Name(id=name) | tree.Attribute(name=name):
            return name if tree.path_of(place) else ""
        case tree.Index(key=tree.Literal(kind="string", text=key)):
            return key
        case tree.Call(function=tree.Attribute(name=name), args=[tree.Literal(kind="string", text=key), *rest]):
            return key if name in _LOOKS_UP and _may_be_none(rest) else ""
        case tree.Call(function=tree.Name(id="getattr"), args=[_, tree.Literal(kind="string", text=key), *rest]):
            return key if rest and _may_be_none(rest) else ""
    return ""


def _may_be_none(defaults: list[tree.Node]) -> bool:
    return not defaults or (isinstance(defaults[0], tree.Literal) and defaults[0].kind == "none")
