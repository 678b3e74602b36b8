"""What a branch asks, as a small expression: places, constants, calls, and what joins and compares them."""

from __future__ import annotations

from llmlint.code.facts.bodies.body_reading import BodyReader
from llmlint.code.facts.facts import Test
from llmlint.code.syntax import tree

_DEEPEST = 8
_NULLS = frozenset({"nullptr", "NULL"})


def test_of(reader: BodyReader, node: tree.Node | None, depth: int = 0) -> Test:
    """Reads a test a second time, only for its form; locals keep their names, whatever they stand for."""
    below = depth + 1
    match node:
        case _ if depth > _DEEPEST:
            return Test("other", reader.source.of(node))
        case tree.Logic(op=op, operands=operands):
            return Test(op, "", tuple(test_of(reader, operand, below) for operand in operands))
        case tree.Unary(op="not", operand=operand):
            return Test("not", "", (test_of(reader, operand, below),))
        case tree.Compare(operands=operands, ops=ops):
            sides = [test_of(reader, operand, below) for operand in operands]
            pairs = tuple(Test(op, "", (sides[at], sides[at + 1])) for at, op in enumerate(ops))
            return pairs[0] if len(pairs) == 1 else Test("and", "", pairs)
        case tree.Literal(kind="none"):
            return Test("none")
        case tree.Literal():
            return Test("constant", reader.source.of(node, 80))
        case tree.Named(target=target):
            return test_of(reader, target, below)
        case tree.Await(value=value) | tree.Cast(value=value):
            return test_of(reader, value, below)
        case tree.Collection(kind="tuple", items=[inner]):  # parentheses of C++
            return test_of(reader, inner, below)
        case tree.Call(function=function, args=args):
            return Test("call", place_as_written(reader, function), tuple(test_of(reader, a, below) for a in args))
    path = place_as_written(reader, node)
    if path in _NULLS:
        return Test("none")
    return Test("path", path) if path else Test("other", reader.source.of(node))


def place_as_written(reader: BodyReader, node: tree.Node | None) -> str:
    """A path in which locals keep their names and members of C++ are known as such."""
    path = tree.path_of(node)
    end = min((at for at in map(path.find, ".[(") if at > 0), default=len(path))
    root = path[:end]
    if root in reader.scope.locals and reader.scope.aliases.get(root) != "self":
        return path
    return reader.root(root) + path[end:] if root else path
