"""What a C or C++ loop does with a place on its tree: gives it a value, comes back to it, or is done with it."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.facts.native_tests import inside_casts, place_of
from llmlint.code.syntax import tree

REVIVES = frozenset(
    "clear reset assign resize swap emplace push_back emplace_back insert append push open str store empty valid "
    "joinable has_value operator=".split()
)


def given_in(node: tree.Loop) -> Iterator[str]:
    """The names that a loop gives a value, or that something in it may fill."""
    for inner in tree.walk(node):
        match inner:
            case tree.Assign(targets=targets):
                yield from (name for target in targets for name in _names(target))
            case tree.Named(target=target):
                yield from _names(target)
            case tree.Loop(target=target) if target is not None:
                yield from _names(target)
            case tree.Call(function=function, args=args):
                if isinstance(function, tree.Attribute) and function.name in REVIVES:
                    yield from _names(function.value)
                if tree.path_of(function) not in ("std.move", "move"):
                    yield from (name for arg in args for name in _names(inside_casts(arg)))
            case tree.Binary(op=">>", right=right):
                yield from _names(right)
            case tree.Parameter(name=name) | tree.Function(name=name):
                yield name


def _names(node: tree.Node) -> Iterator[str]:
    match node:
        case tree.Name(id=name):
            yield name
        case tree.Collection(items=items):
            for item in items:
                yield from _names(item)
        case tree.Unary(op="&", operand=operand):
            yield from _names(operand)
        case tree.Attribute() | tree.Index():
            if place := place_of(node):
                yield place


_LEAVES = tree.Return | tree.Raise | tree.Jump


def is_before_the_rounds(loop: tree.Loop, at: tree.Node) -> bool:
    """Does it stand in what a loop does once: in its beginning, or in what it walks?"""
    once = loop.iterable
    if loop.kind == "count" and isinstance(once, tree.Collection):
        once = next((part for part in once.items[:1] if isinstance(part, tree.Assign)), None)
    return once is not None and any(node is at for node in tree.walk(once))


def stays_in_loop(loop: tree.Node, at: tree.Node) -> bool:
    """Does control come back to this node: no statement behind it, in the blocks around it, leaves the loop?"""
    for body in _bodies(loop):
        for number, statement in enumerate(body):
            if any(node is at for node in tree.walk(statement)):
                if isinstance(statement, tree.Return | tree.Raise):
                    return False
                leaves = any(isinstance(later, _LEAVES) for later in body[number:])
                return not leaves and stays_in_loop(statement, at)
    return True


def _bodies(node: tree.Node) -> Iterator[list[tree.Node]]:
    match node:
        case tree.If(body=body, orelse=orelse) | tree.Loop(body=body, orelse=orelse):
            yield from (body, orelse)
        case tree.Block(body=body) | tree.Broken(body=body) | tree.With(body=body):
            yield body
        case tree.Try(body=body, handlers=handlers):
            yield body
            yield from (handler.body for handler in handlers)
        case tree.Switch(cases=cases):
            yield from (case.body for case in cases)
