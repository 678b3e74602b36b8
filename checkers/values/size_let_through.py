"""Guards of an index that let the size itself through: places are counted from 0, and the last one stands before it.

An assertion that does so is left alone: what goes wrong behind it ends in an error either way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.spots import is_part, spot
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.phrases import contains, ends, last_name, words
from llmlint.vocabulary import Vocabulary

_LEAVES = (tree.Return, tree.Raise, tree.Jump)
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_COUNTS = frozenset({"num", "n"})
_SIZES = frozenset({"size", "count"})
_BOUNDS = frozenset({"end", "stop", "last", "max", "next", "per"})
"""Words of an index that stands behind what it speaks of, or is none."""
_LOOKS = frozenset({"enumerate", "isinstance", "int", "str", "len", "print", "repr", "type"})
_RANK = frozenset({"rank"})
_WORLD = frozenset({"world", "nranks"})


class LetThrough(NamedTuple):
    """`used` is where the list is read at the index, None where only the name says that it is one."""

    at: tree.Node
    place: str
    size: str
    used: tree.Node | None


class _Guard(NamedTuple):
    """One comparison that refuses what is above the size, and the whole test that it stands in."""

    at: tree.If
    place: str
    size: tree.Node
    test: tree.Node


def size_let_through(file: SourceFile) -> Iterator[LetThrough]:
    if file.tree.language != "python":
        return
    for function in nodes(file.tree, tree.Function):
        for guard in _guards(function):
            if _is_meant(function, guard):
                continue
            used = _used(function, guard)
            if used is not None or (_refuses(guard.at) and _says_place(guard, file.vocabulary)):
                yield LetThrough(guard.at, guard.place, _written(guard.size), used)


# ---------------------------------------------------------------- guards


def _guards(function: tree.Function) -> Iterator[_Guard]:
    for node in tree.walk_own(function):
        if isinstance(node, tree.If) and node.body and isinstance(node.body[-1], _LEAVES) and not node.orelse:
            yield from _bounded(node, node.test, ">")


def _bounded(at: tree.If, test: tree.Node, op: str) -> Iterator[_Guard]:
    """`index > size` of what is refused; below a `not`, `index <= size`."""
    match test:
        case tree.Logic(operands=operands):
            for operand in operands:
                yield from _bounded(at, operand, op)
        case tree.Unary(op="not", operand=tree.Compare() as inner) if op == ">":
            yield from _bounded(at, inner, "<=")
        case tree.Compare():
            for left, found, right in _pairs(test):
                if found == op and spot(left) and _is_size(right):
                    yield _Guard(at, spot(left), right, at.test)


def _pairs(test: tree.Compare) -> Iterator[tuple[tree.Node, str, tree.Node]]:
    """Each comparison, and the same said from the other side."""
    for left, op, right in zip(test.operands, test.ops, test.operands[1:], strict=False):
        yield left, op, right
        yield right, _TURNED.get(op, op), left


def _is_size(node: tree.Node) -> bool:
    if _measured(node):
        return True
    named = words(last_name(spot(node)))
    return len(named) > 1 and (named[0] in _COUNTS or named[-1] in _SIZES)


def _measured(node: tree.Node) -> str:
    """What `len()` is asked of."""
    match node:
        case tree.Call(function=tree.Name(id="len"), args=[of]):
            return spot(of)
    return ""


def _written(size: tree.Node) -> str:
    return f"len({_measured(size)})" if _measured(size) else spot(size)


# ---------------------------------------------------------------- what says that the size is no place


def _used(function: tree.Function, guard: _Guard) -> tree.Node | None:
    """Where the list is read at the index, neither of them changed since."""
    of = _measured(guard.size)
    same = {of}
    for node in tree.walk_own(function) if of else ():
        if node.line <= guard.at.end_line:
            continue
        if isinstance(node, tree.Assign) and spot(node.value) == of:
            same.update(map(spot, node.targets))
        if any(is_part(changed, place) for changed in _given(node) for place in (guard.place, of)):
            return None
        if isinstance(node, tree.Index) and spot(node.value) in same and spot(node.key) == guard.place:
            return node
    return None


def _given(node: tree.Node) -> Iterator[str]:
    match node:
        case tree.Assign(targets=targets):
            yield from map(spot, targets)
        case tree.Loop(target=tree.Node() as target):
            yield spot(target)
        case tree.Call(function=tree.Attribute(value=value)):
            yield spot(value)


def _refuses(at: tree.If) -> bool:
    """Is what is above the size sent away? A loop that ends there only counts its rounds."""
    last = at.body[-1]
    return isinstance(last, tree.Raise | tree.Return) or (isinstance(last, tree.Jump) and last.kind == "continue")


def _says_place(guard: _Guard, known: Vocabulary) -> bool:
    """Is it named as one of several that are counted from 0, and is the size how many there are?"""
    named, size = words(last_name(guard.place)), words(last_name(spot(guard.size)))
    if contains(named, _BOUNDS) or contains(named, known.not_ranks):
        return False
    if ends(named, _RANK):
        return contains(size, _WORLD) or ends(size, known.equal_on_ranks) or _asks_below(guard)
    is_place = ends(named, known.zero_ids) or ends(named, known.pooled_ids)
    return is_place and (bool(size) or _asks_below(guard))


def _asks_below(guard: _Guard) -> bool:
    """`index < 0`, `index < -size`: 0 is the first place."""
    return any(spot(left) == guard.place and _is_floor(op, right, guard.size) for left, op, right in _all(guard.test))


def _all(test: tree.Node) -> Iterator[tuple[tree.Node, str, tree.Node]]:
    for node in tree.walk(test):
        if isinstance(node, tree.Compare):
            yield from _pairs(node)


def _is_floor(op: str, floor: tree.Node, size: tree.Node) -> bool:
    match floor:
        case tree.Literal(text="0"):
            return op in ("<", ">=")
        case tree.Unary(op="-", operand=of):
            return op in ("<", ">=") and _written(of) == _written(size)
    return False


# ---------------------------------------------------------------- what says that it is one


def _is_meant(function: tree.Function, guard: _Guard) -> bool:
    """Is the size asked for by itself, is the first place 1, or is the index a border between places?"""
    size = _written(guard.size)
    for node in tree.walk_own(function):
        match node:
            case tree.Compare():
                for left, op, right in _pairs(node):
                    if spot(left) == guard.place and _tells(op, right, size, within=guard.test):
                        return True
            case tree.Binary(op="-", left=left, right=tree.Literal(text="1")) if spot(left) == guard.place:
                return True
            case tree.Slice(lower=lower, upper=upper):
                if guard.place in (spot(lower), spot(upper)):
                    return True
            case tree.Call(function=called, args=args) if guard.place in map(spot, args):
                if node.line > guard.at.end_line and tree.path_of(called) not in _LOOKS:
                    return True  # `rows.insert(index, row)`, `range(index)`, or a helper that may do the like
    return _names_it(guard.at, size)


def _tells(op: str, other: tree.Node, size: str, within: tree.Node) -> bool:
    if _written(other) == size:
        return not any(node is other for node in tree.walk(within)) or op in ("==", "!=")
    return isinstance(other, tree.Literal) and (other.text, op) in (("1", "<"), ("1", ">="), ("0", "<="), ("0", ">"))


def _names_it(at: tree.Node, size: str) -> bool:
    """Does the message end a range with the size, and a bracket that takes it in: `[0, {size}]`?"""
    for text in tree.walk(at):
        if isinstance(text, tree.Format):
            for part, behind in zip(text.parts, text.parts[1:], strict=False):
                if isinstance(part, tree.FormatField) and _written(part.value) == size and _closes(behind):
                    return True
    return False


def _closes(behind: tree.Node) -> bool:
    return isinstance(behind, tree.Literal) and behind.text.startswith("]")
