"""Operators that are given the same thing twice, or something that decides them whatever the rest says."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.contracts.slips import Slip
from llmlint.checkers.values.native_slip.code import Code, is_null, only_tells
from llmlint.code.syntax import tree


def operand_twice(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`a == 1 || a == 1`, side by side: one of the two was to be another's. In a long list it may be no more than
    written twice."""
    assert isinstance(node, tree.Logic)
    last = ""
    for operand in code.chain(node):
        text = code.text(operand)
        if text == last != "" and only_tells(operand) and not code.has_directive(node):
            yield Slip(operand, f"`{text[:60]}` stands here twice, joined by `{node.op}`", "ask what was meant")
        last = text


def null_and_used(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`!p && p->x`, `p || p->x`: used just where it is null."""
    assert isinstance(node, tree.Logic)
    joined = code.chain(node)
    for number, operand in enumerate(joined):
        null = _null_if(operand, is_true=node.op == "and")
        if null is not None and only_tells(null):
            place = code.text(null)
            for later in joined[number + 1 :]:
                if any(_is_set(part, place, code) for part in tree.walk(later)):
                    break
                used = next((part for part in tree.walk(later) if _goes_through(part, place, code)), None)
                if used is not None:
                    yield Slip(
                        used, f"`{place[:60]}` is used where it was just found to be null", "turn the test round"
                    )
                    break


def _null_if(test: tree.Node, is_true: bool) -> tree.Node | None:
    """The pointer that is null when a test is true, or when it is not."""
    match test:
        case tree.Unary(op="not", operand=tree.Name() | tree.Attribute() as pointer) if is_true:
            return pointer
        case tree.Compare(operands=[pointer, null], ops=[op]) if is_null(null):
            return pointer if op == ("==" if is_true else "!=") else None
        case tree.Name() | tree.Attribute() if not is_true:
            return test
    return None


def _goes_through(node: tree.Node, place: str, code: Code) -> bool:
    match node:
        case tree.Attribute(value=value, name=name) if code.text(value) == place:
            return code.text(node).removeprefix(place).strip().startswith("->") and bool(name)
        case tree.Unary(op="*", operand=operand):
            return code.text(operand) == place
    return False


def _is_set(node: tree.Node, place: str, code: Code) -> bool:
    return isinstance(node, tree.Named) and code.text(node.target) == place


def literal_as_test(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`c == 'a' || 'b'`; `condition && "text"` says what failed, and is meant so."""
    assert isinstance(node, tree.Logic)
    for operand in code.chain(node):
        match operand:
            case tree.Literal(kind="int" | "char", text=text) if text not in ("0", "1"):
                yield Slip(node, f"{text} is true by itself", "compare something with it")
            case tree.Literal(kind="string") if node.op == "or":
                yield Slip(node, f"{code.short(operand)} is true by itself", "compare something with it")
