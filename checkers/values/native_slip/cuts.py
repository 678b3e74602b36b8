"""Texts that are cut behind their end: a test says how they begin, and substr() begins later than that."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.contracts.slips import Slip
from llmlint.checkers.values.native_slip.code import Code
from llmlint.code.syntax import tree

_BEGINS = frozenset({"starts_with", "string_starts_with", "StartsWith", "startswith"})
_MEASURES = frozenset({"size", "length", "empty"})


def cut_too_far(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`if (line == "/image" || line.find("/image ") == 0) { line.substr(7); }` throws for the first of the two."""
    assert isinstance(node, tree.If)
    inside = [part for statement in node.body for part in tree.walk(statement)]
    for part in inside:
        match part:
            case tree.Call(function=tree.Attribute(value=tree.Name(id=name), name="substr"), args=[at, *_]):
                known = _at_least(node.test, name)
                if known is None:
                    known = next(
                        (told for other in _also_called(code, name) if (told := _at_least(node.test, other))), None
                    )
                start = int(at.text) if isinstance(at, tree.Literal) and at.text.isdigit() else 0
                if (
                    known is not None
                    and known < start
                    and not any(_may_know(one, name) for one in [node.test, *inside])
                ):
                    says = f"`{name}` may be no longer than {known} here, and substr({start}) throws where it is not"
                    yield Slip(part, says, "ask how long it is", "low", "nobody may send so short a text")
                    return


def _also_called(code: Code, name: str) -> Iterator[str]:
    """`auto & text = line`: the names by which the function knows it too."""
    for node in tree.walk_own(code.function):
        match node:
            case tree.Assign(targets=[tree.Name(id=other)], value=tree.Name(id=meant), declares=True) if meant == name:
                yield other


def _at_least(test: tree.Node, name: str) -> int | None:
    """How long a text is at least where a test holds; None where the test says nothing of that."""
    match test:
        case tree.Collection(kind="tuple", items=[only]):
            return _at_least(only, name)
        case tree.Logic(op=op, operands=operands):
            told = [_at_least(operand, name) for operand in operands]
            known = [length for length in told if length is not None]
            if op == "or":
                return min(known) if known and len(known) == len(told) else None
            return max(known, default=None)
        case tree.Compare(operands=[tree.Name(id=asked), tree.Literal(kind="string", text=text)], ops=["=="]):
            return len(text) if asked == name and "\\" not in text else None
        case tree.Compare(operands=[tree.Call() as call, tree.Literal(text="0")], ops=["=="]):
            return _begins_with(call, name, {"find", "rfind"})
        case tree.Call():
            return _begins_with(test, name, _BEGINS)
    return None


def _begins_with(call: tree.Call, name: str, how: set[str] | frozenset[str]) -> int | None:
    match call:
        case tree.Call(function=tree.Attribute(value=tree.Name(id=asked), name=method), args=[text, *_]):
            pass
        case tree.Call(function=tree.Name(id=method), args=[tree.Name(id=asked), text]):
            pass
        case _:
            return None
    is_plain = isinstance(text, tree.Literal) and text.kind == "string" and "\\" not in text.text
    return len(text.text) if isinstance(text, tree.Literal) and is_plain and asked == name and method in how else None


def _may_know(node: tree.Node, name: str) -> bool:
    """Does anybody ask how long it is, or give it another value?"""
    for part in tree.walk(node):
        match part:
            case tree.Attribute(value=tree.Name(id=asked), name=method) if asked == name and method in _MEASURES:
                return True
            case tree.Assign(targets=[tree.Name(id=given)]) | tree.Named(target=tree.Name(id=given)) if given == name:
                return True
            case tree.Try():
                return True
    return False
