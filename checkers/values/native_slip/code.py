"""What the checks of this rule ask of a file: how nodes are written, and what is declared."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.written import text_of

_ONLY_TELLS = frozenset({"size", "length", "empty", "begin", "end", "cbegin", "cend", "data"})
"""What containers of the standard library tell of themselves: en.cppreference.com/w/cpp/container."""


class Code:
    """One file, and the function of it that is looked at, for the checks of its nodes."""

    function: tree.Function

    def __init__(self, file: SourceFile) -> None:
        self.lines = file.text.split("\n")
        self.broken = file.tree.broken
        self._inner: set[int] = set()
        """Parts of longer chains."""

    def text(self, node: tree.Node) -> str:
        return text_of(node, self.lines)

    def short(self, node: tree.Node) -> str:
        return self.text(node)[:60]

    def same(self, one: tree.Node, other: tree.Node) -> bool:
        return type(one) is type(other) and self.text(one) == self.text(other) != ""

    def chain(self, node: tree.Node) -> list[tree.Node]:
        """All that `&&` or `||` joins here; nothing of what is part of a longer chain, which is passed later."""
        return [] if id(node) in self._inner or not isinstance(node, tree.Logic) else list(self._operands_of(node))

    def _operands_of(self, node: tree.Logic) -> Iterator[tree.Node]:
        for operand in node.operands:
            if isinstance(operand, tree.Logic) and operand.op == node.op:
                self._inner.add(id(operand))
                yield from self._operands_of(operand)
            else:
                yield operand

    def between(self, one: tree.Node, other: tree.Node) -> str:
        """What stands between two nodes: operators and brackets."""
        if one.end_line == other.line:
            return self.lines[one.end_line - 1][one.end_column - 1 : other.column - 1]
        first, last = self.lines[one.end_line - 1][one.end_column - 1 :], self.lines[other.line - 1][: other.column - 1]
        return "\n".join((first, *self.lines[one.end_line : other.line - 1], last))

    def has_directive(self, node: tree.Node) -> bool:
        """Does the preprocessor choose between parts of it?"""
        return any(line.lstrip().startswith("#") for line in self.lines[node.line - 1 : node.end_line])

    def begins_a_branch(self, node: tree.Node) -> bool:
        """Does it stand first behind a directive? It may end what was begun above that."""
        above = (line.strip() for line in reversed(self.lines[: node.line - 1]))
        return next(filter(None, above), "").startswith("#")

    def is_read(self, node: tree.Node) -> bool:
        """Was all around it read as code? A condition of the preprocessor, and what did not parse, were not."""
        return not self.lines[node.line - 1].lstrip().startswith("#") and not any(
            broken.line <= node.line <= broken.end_line for broken in self.broken
        )

    def declared(self, name: str) -> str:
        """The type of a parameter or local of the function, as written; "" for a name that is declared as two."""
        types = {kind.text for named, kind in self._declarations() if named == name and isinstance(kind, tree.TypeName)}
        return types.pop() if len(types) == 1 else ""

    def is_constant(self, name: str) -> bool:
        """Is a local given a number where it is declared, and no other value?"""
        given = [
            node
            for node in tree.walk_own(self.function)
            if isinstance(node, tree.Assign | tree.Named) and name in map(tree.path_of, _targets(node))
        ]
        return bool(given) and all(isinstance(node.value, tree.Literal) for node in given)

    def _declarations(self) -> Iterator[tuple[str, tree.Node | None]]:
        yield from ((param.name, param.annotation) for param in self.function.params)
        for node in tree.walk_own(self.function):
            if isinstance(node, tree.Assign) and node.declares:
                yield from ((target.id, node.annotation) for target in node.targets if isinstance(target, tree.Name))


def _targets(node: tree.Assign | tree.Named) -> list[tree.Node]:
    return node.targets if isinstance(node, tree.Assign) else [node.target]


def only_tells(node: tree.Node) -> bool:
    """Is the answer the same when it is asked again at once?"""
    return not any(map(_may_change, tree.walk(node)))


def _may_change(node: tree.Node) -> bool:
    match node:
        case tree.Call(function=tree.Attribute(name=name), args=[]) if name in _ONLY_TELLS:
            return False
        case tree.Unary(op=op):
            return op in ("++", "--")
    return isinstance(node, tree.Call | tree.Named | tree.New | tree.Lambda)


def is_null(node: tree.Node) -> bool:
    return (isinstance(node, tree.Literal) and node.kind == "none") or (
        isinstance(node, tree.Name) and node.id == "NULL"
    )
