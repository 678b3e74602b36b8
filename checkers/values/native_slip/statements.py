"""Statements that do nothing, loops that count something else, and tests that ask for something else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.contracts.slips import Slip
from llmlint.checkers.values.native_slip.code import Code, only_tells
from llmlint.code.facts.native_tests import inside_casts
from llmlint.code.syntax import tree

_MOST = {
    "uint8_t": 255,
    "int8_t": 127,
    "char": 127,
    "unsigned char": 255,
    "uint16_t": 65535,
    "int16_t": 32767,
    "short": 32767,
}
_WIDE = re.compile(r"(?:std::)?(?:u?int(?:32|64)?_t|int|unsigned(?: int)?|s?size_t|long(?: long)?)")
_STRING = re.compile(r"(?:const )?(?:std::)?string(?: const)?(?: &)?")


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


def counts_something_else(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`for (int i = 0; i < n; ++n)`: what the head declares and tests is the same in each round."""
    assert isinstance(node, tree.Loop)
    if node.kind != "count" or not isinstance(node.iterable, tree.Collection):
        return
    match node.iterable.items:
        case [tree.Assign(declares=True, targets=[tree.Name(id=name)]), tree.Compare() as test, *updates] if updates:
            changed = {tree.path_of(part) for update in updates for part in tree.walk(update)}
            counted = {path for update in updates if (path := _counted(update))}
            if tree.path_of(test.operands[0]) != name or name in changed or not counted:
                return
            inside = [part for statement in node.body for part in tree.walk(statement)]
            if not any(_sets(part, name) for part in inside):
                says = f"`{name}` is tested here, and {', '.join(sorted(counted))} is counted"
                slip = Slip(node, says, f"count {name}")
                doubts = "the body may count it, or leave"
                is_sure = not any(_may_set(part, name) for part in inside)
                yield slip if is_sure else slip._replace(confidence="low", doubts=doubts)


def narrow_counter(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`for (uint8_t i = 0; i < n; i++)` with an `int n`: it starts again from zero before it gets to a larger n."""
    assert isinstance(node, tree.Loop)
    match node.iterable:
        case tree.Collection(
            items=[tree.Assign(declares=True, annotation=tree.TypeName(text=kind)) as first, test, *_]
        ):
            most = _MOST.get(kind.removeprefix("const ").removeprefix("std::"))
            counter = tree.path_of(first.targets[0])
            match test:
                case tree.Compare(operands=[tree.Name(id=asked), bound], ops=["<" | "<=" | "!="]) if asked == counter:
                    wide = _wide_bound(bound, code) if most else ""
                    if wide:
                        says = f"`{counter}` is {kind} and gets no further than {most}, `{code.short(bound)}` is {wide}"
                        yield Slip(node, says, f"count in {wide}", "low", "so many may never come")


def _wide_bound(bound: tree.Node, code: Code) -> str:
    """The type of a bound that is no constant and may be larger than 16 bits; "" where it is not known to be one."""
    bound = inside_casts(bound)
    match bound:
        case tree.Name(id=name):
            kind = code.declared(name)
            return kind if _WIDE.fullmatch(kind) and not code.is_constant(name) else ""
        case tree.Call(function=tree.Attribute(name="size" | "length"), args=[]):
            return "size_t"
    return ""


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


def position_as_truth(node: tree.Node, code: Code) -> Iterator[Slip]:
    """`if (text.find("x"))` of a std::string is false only where it begins so."""
    for asked in _asked(node, code):
        match asked:
            case tree.Call(function=tree.Attribute(value=tree.Name(id=name), name="find"), args=[_]):
                if _STRING.fullmatch(code.declared(name)):
                    says = f"{name}.find() is true for all that does not begin so, also where it is not found"
                    yield Slip(asked, says, "compare it with std::string::npos")


def _asked(node: tree.Node, code: Code) -> list[tree.Node]:
    """What a branch or a loop asks, one by one."""
    match node:
        case tree.Loop(kind="count", iterable=tree.Collection(items=[_, test, *_])):
            pass
        case tree.If(test=test) | tree.Conditional(test=test) | tree.Loop(test=tree.Node() as test):
            pass
        case _:
            return []
    return code.chain(test) if isinstance(test, tree.Logic) else [test]
