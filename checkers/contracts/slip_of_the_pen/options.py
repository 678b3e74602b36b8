"""Options of argparse that are read by what cannot read a text: bool() finds it true, list() takes its letters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from llmlint.checkers.contracts.slip_of_the_pen.known import Known
from llmlint.checkers.contracts.slips import Slip
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import nodes

_TAKE_LETTERS = {"list": "['a', 'b']", "tuple": "('a', 'b')", "set": "{'a', 'b'}", "dict": "an error"}


def always_on(node: tree.Node, file: Known) -> Iterator[Slip]:
    """An option of argparse that is true whatever is written behind it, and without it too."""
    if _is_read_by_bool(node, file) and _is_on_without(node) and not _is_switched_elsewhere(node, file):
        says = f"{_option(node)} cannot be switched off: bool() of any text but the empty one is true"
        yield Slip(node, says, "use argparse.BooleanOptionalAction, or read the text", read_as=_set_by(node))


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
            read_as=_set_by(node),
        )


def letters(node: tree.Node, file: Known) -> Iterator[Slip]:
    """`type=list`: "a,b" becomes the list of its three letters; no text is a pair for `dict`."""
    read_by = _read_by(node, file)
    if isinstance(node, tree.Call) and read_by in _TAKE_LETTERS:
        yield Slip(
            node,
            f"{_option(node)} ab gives {_TAKE_LETTERS[read_by]}: {read_by}() reads a text letter by letter",
            'use nargs="+" with the type of one element, or split the text',
            "low",
            "it may be that nobody gives it",
            read_as=_set_by(node),
        )


def _is_read_by_bool(node: tree.Node, file: Known) -> TypeGuard[tree.Call]:
    return _read_by(node, file) == "bool"


def _read_by(node: tree.Node, file: Known) -> str:
    """The builtin that an option of argparse is read by; "" for any other call."""
    if not isinstance(node, tree.Call) or not isinstance(node.function, tree.Attribute):
        return ""
    if node.function.name != "add_argument" or not _option(node).startswith("-"):
        return ""
    named = {keyword.name: keyword.value for keyword in node.keywords}
    reader = tree.path_of(named.get("type"))
    return reader if "action" not in named and reader not in file.imported else ""


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
