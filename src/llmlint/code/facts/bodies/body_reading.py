"""The reader of one body: where it stands, what it has recorded, and the tables of what each kind of node does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from llmlint.code.facts.bodies.scope import Scope, met
from llmlint.code.facts.facts import Effect, Region, Test
from llmlint.code.syntax import tree
from llmlint.code.syntax.source_text import SourceText

StatementReader = Callable[["BodyReader", Any], None]
ExpressionReader = Callable[["BodyReader", Any], str]
S = TypeVar("S", bound=StatementReader)
E = TypeVar("E", bound=ExpressionReader)

_LEAVING = frozenset({"return", "raise", "break", "continue", "goto"})

_STATEMENTS: dict[type[tree.Node], StatementReader] = {}
_EXPRESSIONS: dict[type[tree.Node], ExpressionReader] = {}


def statement(*kinds: type[tree.Node]) -> Callable[[S], S]:
    """Registers what reads a kind of statement."""

    def register(reader: S) -> S:
        _STATEMENTS.update(dict.fromkeys(kinds, reader))
        return reader

    return register


def expression(*kinds: type[tree.Node]) -> Callable[[E], E]:
    """Registers what visits a kind of expression and answers its access path."""

    def register(reader: E) -> E:
        _EXPRESSIONS.update(dict.fromkeys(kinds, reader))
        return reader

    return register


class BodyReader:
    """`seen` collects the paths read on the way, so the reads of any part are a slice of it."""

    def __init__(self, node: tree.Function, scope: Scope, source: SourceText, loggers: Collection[str] = ()) -> None:
        self.node = node
        self.scope = scope
        self.source = source
        self.loggers = loggers
        self.regions: list[Region] = [Region("body", 0, node.line, node.end_line)]
        self.effects: list[Effect] = []
        self.declarations: list[tuple[tree.Node, Scope]] = []
        self.is_generator = False
        self.here = 0
        self.last_region = 0
        self.seen: list[str] = []
        self.comprehended: dict[tuple[int, int], tuple[str, ...]] = {}
        self._first_read: dict[str, int] = {}
        self.outer_names: set[str] = set()
        self.too_deep: list[tuple[int, int]] = []
        self.statics: list[str] = []
        self.bound_in: dict[int, set[str]] = {}
        """By the loop, what it gives another meaning."""

    def read(self) -> None:
        self.block(self.node.body or ())

    def state_reads(self) -> tuple[tuple[str, int], ...]:
        """Each path read that is not a mere local, with the line of its first reading."""
        own = self.scope.locals - {p.name for p in self.node.params}
        return tuple((p, line) for p, line in self._first_read.items() if "." in p or p not in own)

    def in_region(
        self,
        kind: str,
        body: list[tree.Node],
        text: str = "",
        reads: tuple[str, ...] = (),
        first: int = -1,
        at: tree.Node | None = None,
        test: Test | None = None,
        runs_on: bool = False,
    ) -> int:
        """Reads `body` as a region of its own; its place is the body's unless `at` says otherwise."""
        outside = self.here
        index = len(self.regions)
        begin = at or (body[0] if body else self.node)
        end = body[-1].end_line if body else begin.end_line
        first = index if first < 0 else first
        count = len(self.effects)
        self.regions.append(Region(kind, outside, begin.line, end, text, reads, first, count, test, runs_on))
        self.here = index
        self.block(body)
        self.here = outside
        self.last_region = index
        return index

    def maybe_region(self, kind: str, node: tree.Node, text: str, test: Test | None = None) -> str:
        """Visits `node` in a region of its own, dropped again when nothing happens in it."""
        outside, index, count = self.here, len(self.regions), len(self.effects)
        self.regions.append(Region(kind, outside, node.line, node.end_line, text, (), index, count, test))
        self.here = index
        path = self.read_value(node)
        self.here = outside
        if len(self.effects) == count and len(self.regions) == index + 1:
            self.regions.pop()
        return path

    def emit(self, op: str, path: str, at: tree.Node, **more: object) -> None:
        if self.scope.either and op != "bind":
            more["maybe"] = self._either(path)
        self.effects.append(Effect(op, path, at.line, at.column, self.here, **more))  # type: ignore[arg-type]

    def _either(self, path: str) -> tuple[str, ...]:
        end = min((at for at in map(path.find, ".[(") if at > 0), default=len(path))
        return tuple(known + path[end:] for known in self.scope.either.get(path[:end], ()))

    def apart(self, *ways: Callable[[], object]) -> None:
        """Reads ways of which control takes one, each from what names mean here, and lets the meanings meet."""
        before, ends = self.scope.meaning(), []
        for way in ways:
            self.scope.take(before)
            count = len(self.effects)
            way()
            if not self._has_left(count):
                ends.append(self.scope.meaning())
        self.scope.take(met(ends) if ends else before)

    def _has_left(self, count: int) -> bool:
        """Is the last thing done a jump out of the stretch read since then?"""
        last = self.effects[-1] if len(self.effects) > count else None
        if last is None or last.op not in _LEAVING:
            return False
        region = last.region
        while self.regions[region].kind == "block" and region != self.last_region:
            region = self.regions[region].parent
        return region == self.last_region

    def saw(self, path: str, at: tree.Node) -> None:
        self.seen.append(path)
        self._first_read.setdefault(path, at.line)

    def reads_since(self, mark: int) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.seen[mark:]))

    def read_value(self, node: tree.Node | None) -> str:
        """Visits an expression whose value is used; its path counts as read."""
        if node is None:
            return ""
        path = self.path(node)
        if path:
            self.saw(path, node)
        return path

    def block(self, statements: Iterable[tree.Node]) -> None:
        for statement in statements:
            here = self.here
            handler = _STATEMENTS.get(type(statement))
            try:
                if handler is not None:
                    handler(self, statement)
                else:
                    self.read_value(statement)
            except RecursionError:  # it costs this statement and not the file
                self.here = here
                self.too_deep.append((statement.line, statement.end_line))

    def forget(self, name: str) -> None:
        self.scope.locals.add(name)
        self.scope.forget(name)

    def path(self, node: tree.Node) -> str:
        handler = _EXPRESSIONS.get(type(node))
        if handler is not None:
            return handler(self, node)
        for child in tree.children(node):
            self.read_value(child)
        return ""

    def root(self, name: str) -> str:
        scope = self.scope
        if name in scope.aliases:
            return scope.aliases[name]
        if scope.is_python or name in scope.locals:
            return name
        if name == "this":
            return "self"
        if name in scope.members:
            return f"self.{name}"
        return name if name in ("std", "self") else f"~{name}"

    def changed(self, node: tree.Node, path: str, whole: tree.Node | None = None) -> str:
        """What a change at `node` changes: a copy's own, and not what `path` says it came from. `whole` is the call
        that makes the change."""
        root = node
        while isinstance(root, tree.Attribute | tree.Index):
            root = root.value
        if not isinstance(root, tree.Name) or root.id not in self.scope.copies:
            return path
        if self.scope.is_python:
            return root.id if root is node else path
        behind = self.source.of(whole or node, 200)[len(root.id) :].lstrip()
        came_from = self.scope.aliases.get(root.id, root.id)  # where branches meet, it may stand for itself again
        return path if behind.startswith("->") else f"{root.id}{path[len(came_from) :]}"

    def declare(self, node: tree.Node) -> None:
        """A function, class or import inside the body: kept for later, with the names as they are here."""
        if isinstance(node, tree.Function | tree.Class) and not self.scope.is_module:
            self.scope.locals.add(node.name)
        self.declarations.append((node, self.scope))
