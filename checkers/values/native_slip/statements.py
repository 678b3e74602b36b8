"""Statements that do nothing, branches that are never taken, and loops that count something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmlint.checkers.values.native_slip.code import STANDARD_ERRORS, Code, Slip, only_tells
from llmlint.code.syntax import tree


def error_not_thrown(node: tree.Node, code: Code) -> Iterator[Slip]:
    assert isinstance(node, tree.Expression)
    if isinstance(node.value, tree.Call) and node.value.args:
        name = tree.path_of(node.value.function)
        first, _, last = name.rpartition(".")
        if (first == "std" and last in STANDARD_ERRORS) or last in code.errors:
            yield Slip(node, f"{last} is built and dropped, not thrown", "throw it")


def compared_for_nothing(node: tree.Node, code: Code) -> Iterator[Slip]:
    assert isinstance(node, tree.Expression)
    is_asked = isinstance(node.value, tree.Compare) and node.value.ops == ["=="] and only_tells(node.value)
    if is_asked and not code.begins_a_branch(node):
        yield Slip(node, "the comparison is made and nobody looks at it", "assign it, or ask for it")


def assigned_to_itself(node: tree.Node, code: Code) -> Iterator[Slip]:
    """A member; a local is mentioned so to quiet the compiler, an element to touch its memory."""
    assert isinstance(node, tree.Assign)
    if not node.declares and not node.op and len(node.targets) == 1 and node.value is not None:
        target = node.targets[0]
        if isinstance(target, tree.Attribute) and code.same(target, node.value) and only_tells(target):
            if "=" in code.between(target, node.value):  # `: size(size)` sets the member
                says = f"`{code.short(target)}` is assigned to itself"
                yield Slip(node, says, "assign the other one, or nothing", "low", "it may say that the value stays")


def asked_again(node: tree.Node, code: Code) -> Iterator[Slip]:
    """A later branch of a chain that asks what this one asked, and would do something else."""
    assert isinstance(node, tree.If)
    later = tree.else_if(node)
    while later is not None and not code.same(later.test, node.test):
        later = tree.else_if(later)
    if later is None or isinstance(node.test, tree.TypeName) or not only_tells(node.test):
        return
    if not code.has_directive(tree.Block(node.line, 1, later.line, 1, [])) and [
        code.text(one) for one in later.body
    ] != [code.text(one) for one in node.body]:
        yield Slip(later.test, f"never true: `{code.short(node.test)}` was asked above", "ask what was meant")


def counts_something_else(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`for (int i = 0; i < n; ++n)`: what the head declares and tests is the same in each round."""
    assert isinstance(node, tree.Loop)
    if node.kind != "count" or not isinstance(node.iterable, tree.Collection):
        return
    match node.iterable.items:
        case [tree.Assign(declares=True, targets=[tree.Name(id=name)]), tree.Compare() as test, *updates] if updates:
            is_counter = tree.path_of(test.operands[0]) == name
            changed = {tree.path_of(part) for update in updates for part in tree.walk(update)}
            counted = {path for update in updates if (path := _counted(update))}
            inside = [part for statement in node.body for part in tree.walk(statement)]
            if is_counter and name not in changed and counted and not any(_sets(part, name) for part in inside):
                says = f"`{name}` is tested here, and {', '.join(sorted(counted))} is counted"
                slip = Slip(node, says, f"count {name}")
                doubts = "the body may count it, or leave"
                is_sure = not any(_may_set(part, name) for part in inside)
                yield slip if is_sure else slip._replace(confidence="low", doubts=doubts)


def _counted(update: tree.Node) -> str:
    match update:
        case tree.Unary(op="++" | "--", operand=operand):
            return tree.path_of(operand)
        case tree.Named(target=target):
            return tree.path_of(target)
    return ""


def _sets(node: tree.Node, name: str) -> bool:
    match node:
        case tree.Assign(targets=targets):
            return any(tree.path_of(target) == name for target in targets)
        case tree.Named(target=target):
            return tree.path_of(target) == name
        case tree.Unary(op="++" | "--" | "&", operand=operand):
            return tree.path_of(operand) == name
    return False


def _may_set(node: tree.Node, name: str) -> bool:
    """Is it handed to somebody who may, or is the loop left?"""
    match node:
        case tree.Call(args=args):
            return any(tree.path_of(argument) == name for argument in args)
        case tree.Jump(kind="break") | tree.Return() | tree.Raise() | tree.Lambda():
            return True
    return False


OF_STATEMENTS: dict[type[tree.Node], tuple[Callable[[tree.Node, Code], Iterator[Slip]], ...]] = {
    tree.Expression: (error_not_thrown, compared_for_nothing),
    tree.Assign: (assigned_to_itself,),
    tree.If: (asked_again,),
    tree.Loop: (counts_something_else,),
}
