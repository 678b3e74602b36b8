"""What is asked whether it is true, and always is, or is asked the wrong way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from llmlint.checkers.contracts.slip_of_the_pen.known import Known, Slip
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import nodes

_FROM_ENVIRONMENT = frozenset({"os.getenv", "os.environ.get", "getenv", "environ.get"})


def managers(node: tree.Node, file: Known) -> Iterator[Slip]:
    assert isinstance(node, tree.With)
    for entered, _ in node.items:
        if isinstance(entered, tree.Logic) and entered.op == "and":
            yield Slip(entered, "`and` enters only the last of these", "separate them with commas")


def asserted(node: tree.Node, file: Known) -> Iterator[Slip]:
    assert isinstance(node, tree.Assert)
    yield from _truths(node.test)


def branched(node: tree.Node, file: Known) -> Iterator[Slip]:
    assert isinstance(node, tree.If | tree.Conditional | tree.Loop)
    for slip in _truths(node.test) if node.test is not None else ():
        if isinstance(node, tree.If) and not node.orelse and _is_half_of_a_search(node.test):
            half = "the half that is asked may say as much: no other branch is for what it lets in"
            slip = slip._replace(confidence="low", doubts=half)
        yield slip


def _is_half_of_a_search(test: tree.Node | None) -> bool:
    """`"audio" and "qkv" in key`: where one name bears both parts, the other half changes nothing."""
    match test:
        case tree.Logic(op="and", operands=[tree.Literal(kind="string"), tree.Compare(ops=["in"])]):
            return True
    return False


def _truths(test: tree.Node) -> Iterator[Slip]:
    """What is asked whether it is true, and always is."""
    match test:
        case tree.Logic(operands=operands):
            for operand in operands:
                yield from _truths(operand)
        case tree.Unary(op="not", operand=operand):
            yield from _truths(operand)
        case tree.Literal(kind="string", text=text) if text:
            yield Slip(test, "a string that is not empty is always true", "compare something with it")
        case tree.Collection(kind="tuple" | "list", items=[_, *_]):
            yield Slip(test, f"a {test.kind} that is not empty is always true", "ask for what is in it")
        case tree.Lambda() | tree.Format(parts=[_, *_]):
            yield Slip(test, "this is always true", "call it, or compare it with something")


def compared(node: tree.Node, file: Known) -> Iterator[Slip]:
    assert isinstance(node, tree.Compare)
    for op, right in zip(node.ops, node.operands[1:], strict=True):
        if op in ("in", "not in") and _is_bracketed_text(right, file):
            yield Slip(
                node,
                "brackets make no tuple: any part of this text is in it",
                "write a comma behind it",
                "medium",
                edit="tuple_comma",
            )
        if op in ("is", "is not") and isinstance(right, tree.Literal) and right.kind in ("string", "int", "float"):
            says = f"`{op}` asks for the same object, not for an equal one"
            yield Slip(node, says, "compare with == or !=", edit="equal")


def _is_bracketed_text(node: tree.Node, file: Known) -> bool:
    """`("text")`, where `("text",)` was meant."""
    if not isinstance(node, tree.Literal) or node.kind != "string" or not node.text.isidentifier():
        return False
    before = file.lines[node.line - 1][: node.column - 1].rstrip()
    after = file.lines[node.end_line - 1][node.end_column - 1 :].lstrip()
    return before.endswith(("in (", "in(")) and after.startswith(")")


def switched(node: tree.Node, file: Known) -> Iterator[Slip]:
    """`bool()` of an environment variable: "0" and "false" are true."""
    assert isinstance(node, tree.Call)
    if tree.path_of(node.function) == "bool" and len(node.args) == 1 and isinstance(node.args[0], tree.Call):
        inner = node.args[0]
        is_flag = (
            len(inner.args) == 2 and isinstance(inner.args[1], tree.Literal) and inner.args[1].text not in ("", "None")
        )
        if tree.path_of(inner.function) in _FROM_ENVIRONMENT and is_flag:
            yield Slip(node, "bool() of a variable's text: 0 and false are true too", "compare the text, or use int()")


def always_on(node: tree.Node, file: Known) -> Iterator[Slip]:
    """An option of argparse that is true whatever is written behind it, and without it too."""
    if _is_read_by_bool(node, file) and _is_on_without(node) and not _is_switched_elsewhere(node, file):
        says = f"{_option(node)} cannot be switched off: bool() of any text but the empty one is true"
        yield Slip(node, says, "use argparse.BooleanOptionalAction, or read the text")


def switched_on_by_any(node: tree.Node, file: Known) -> Iterator[Slip]:
    """The same for one that is off by itself: `--flag False` switches it on."""
    if _is_read_by_bool(node, file) and not _is_on_without(node):
        may_stand_alone = any(keyword.name == "nargs" for keyword in node.keywords)
        yield Slip(
            node,
            f"{_option(node)} False switches it on: bool() of any text but the empty one is true",
            'use action="store_true", or read the text',
            "low" if may_stand_alone else "medium",
            "without a value it does what it says",
        )


def _is_read_by_bool(node: tree.Node, file: Known) -> TypeGuard[tree.Call]:
    if not isinstance(node, tree.Call) or not isinstance(node.function, tree.Attribute):
        return False
    if node.function.name != "add_argument" or not _option(node).startswith("-"):
        return False
    named = {keyword.name: keyword.value for keyword in node.keywords}
    return "action" not in named and tree.path_of(named.get("type")) == "bool" and "bool" not in file.imported


def _option(node: tree.Call) -> str:
    names = [arg.text for arg in node.args if isinstance(arg, tree.Literal) and arg.kind == "string"]
    return max(names, key=len, default="")


def _is_on_without(node: tree.Call) -> bool:
    """Is it on where it is not given, or must it be given? A default that is a text is read like what is given."""
    for keyword in node.keywords:
        match keyword.name, keyword.value:
            case "default", tree.Literal(kind="string", text=text) if text:
                return True
            case "default" | "required", tree.Literal(kind="bool", text="True"):
                return True
    return False


def _is_switched_elsewhere(node: tree.Call, file: Known) -> bool:
    """Does another option set the same name to what it is for: `--no-cache`?"""
    own = _set_by(node)
    return any(
        isinstance(call.function, tree.Attribute)
        and call.function.name == "add_argument"
        and any(keyword.name == "action" for keyword in call.keywords)
        and _set_by(call) == own
        for call in nodes(file.module, tree.Call)
    )


def _set_by(node: tree.Call) -> str:
    for keyword in node.keywords:
        if keyword.name == "dest" and isinstance(keyword.value, tree.Literal):
            return keyword.value.text
    return _option(node).lstrip("-").replace("-", "_")
