"""Operators that are given the same thing twice, or something that decides them whatever the rest says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmlint.checkers.values.native_slip.code import Code, Slip, is_null, is_zero, only_tells
from llmlint.code.syntax import tree


def compared_with_itself(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`a.x < a.x`; what is unequal to itself is no number, and asked so on purpose."""
    assert isinstance(node, tree.Compare)
    left, right = node.operands[0], node.operands[-1]
    if len(node.operands) == 2 and code.same(left, right) and only_tells(left) and not code.is_constant(left):
        asks_for_nan = node.ops[0] in ("==", "!=") and not any(isinstance(n, tree.Call) for n in tree.walk(left))
        if not asks_for_nan:
            yield Slip(node, f"`{code.short(left)}` is compared with itself", "compare it with the other one")


def operand_twice(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`a == 1 || a == 1`, side by side: one of the two was to be another's."""
    assert isinstance(node, tree.Logic)
    for operand, is_beside in _asked_before(node, code):
        if is_beside:
            yield _twice(operand, node, code)


def operand_again(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`a == 1 || b || a == 1`: in a long list it may be no more than written twice."""
    for operand, is_beside in _asked_before(node, code):
        if not is_beside:
            doubts = "in a list it may be written twice, and nothing is missing"
            yield _twice(operand, node, code)._replace(confidence="low", doubts=doubts)


def _twice(operand: tree.Node, node: tree.Node, code: Code) -> Slip:
    assert isinstance(node, tree.Logic)
    return Slip(operand, f"`{code.short(operand)}` stands here twice, joined by `{node.op}`", "ask what was meant")


def _asked_before(node: tree.Node, code: Code) -> Iterator[tuple[tree.Node, bool]]:
    """What stands twice in a chain, with no call between that may change the answer; and whether side by side."""
    asked: dict[str, int] = {}
    for number, operand in enumerate(code.chain(node)):
        text = code.text(operand)
        if not only_tells(operand):
            asked.clear()
        elif text in asked and text and not code.has_directive(node):
            yield operand, number == asked[text] + 1
        asked[text] = number


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


def bits_after_comparison(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`a & 1 == 0` is `a & (1 == 0)`."""
    assert isinstance(node, tree.Binary)
    match node:
        case tree.Binary(
            op="&" | "|" | "^", left=left, right=tree.Compare(operands=[first, last], ops=["==" | "!=" as op])
        ):
            is_of_bits = code.is_constant(first) or (is_zero(last) and op == "!=")
            if is_of_bits and not isinstance(left, tree.Compare) and "(" not in code.between(node.left, node.right):
                says = f"`{code.short(node.right)}` is compared first, and then joined by `{node.op}`"
                yield Slip(node, says, "put what is joined into brackets")


def branches_alike(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`a ? b : b`."""
    assert isinstance(node, tree.Conditional)
    if node.body is not node.test and code.same(node.body, node.orelse) and not code.has_directive(node):
        says = f"it is `{code.short(node.body)}` either way"
        yield Slip(node, says, "write what differs, or no condition", "low", "the branch may stand for what is to come")


OF_OPERANDS: dict[type[tree.Node], tuple[Callable[[tree.Node, Code], Iterator[Slip]], ...]] = {
    tree.Binary: (bits_after_comparison,),
    tree.Compare: (compared_with_itself,),
    tree.Logic: (operand_twice, operand_again, null_and_used, literal_as_test),
    tree.Conditional: (branches_alike,),
}
