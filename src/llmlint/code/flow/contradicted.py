"""Where code does with a value what a test on the way there makes pointless or wrong: a guard that is turned round.

A walk over the statements of one function. Tests tell states (`if task is None`, `if (!map.count(key))`); a new
value, or a call that may give one, ends them.
"""

from __future__ import annotations

import builtins
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from llmlint.code.domain.spots import key_of, speaks_of, spot
from llmlint.code.link.entities import root_of
from llmlint.code.syntax import tree

NONE, EMPTY, FALSE, WITHOUT, UP_TO = "none", "empty", "false", "without", "up to"
_FIRSTS = frozenset({"popleft", "popitem", "front", "back", "top", "pop_front", "pop_back"})
_READS = frozenset(
    {"size", "empty", "get", "items", "keys", "values", "count", "find", "begin", "end", "copy", "index"}
)
_EXTREMES = frozenset({"max", "min", "next"})
_ASKED: dict[str, tuple[bool, frozenset[str]]] = {
    "done": (True, frozenset({"set_result", "set_exception"})),
    "cancelled": (True, frozenset({"set_result", "set_exception"})),
    "locked": (False, frozenset({"release"})),
    "is_alive": (False, frozenset({"terminate", "kill"})),
    "joinable": (False, frozenset({"join", "detach"})),
    "has_value": (False, frozenset({"value"})),
    "valid": (False, frozenset({"get", "wait"})),
    "owns_lock": (False, frozenset({"unlock"})),
}
"""Questions, with the answer after which these methods fail or do nothing: docs.python.org/3/library (asyncio-future,
threading, multiprocessing), en.cppreference.com/w/cpp (thread, utility/optional)."""


class State(NamedTuple):
    """What the test at a line says of a place; `key` is the one it has not, or the index that may be one too many."""

    of: str
    what: str
    line: int
    key: str = ""


class Contradiction(NamedTuple):
    at: tree.Node
    state: State
    does: str


class _Walk:
    def __init__(self, function: tree.Function, is_python: bool, lines: Sequence[str], joined: Sequence[int]) -> None:
        self.function = function
        self.is_python = is_python
        self.lines = lines
        self.joined = joined
        self.found: list[Contradiction] = []

    @cached_property
    def locals(self) -> frozenset[str]:
        return _locals(self.function)

    # ------------------------------------------------------------ statements

    def block(self, body: Sequence[tree.Node], known: frozenset[State]) -> frozenset[State] | None:
        """What is known behind it, None where nothing runs on."""
        for statement in body:
            after = self.statement(statement, known)
            if after is None:
                return None
            known = after
        return known

    def statement(self, node: tree.Node, known: frozenset[State]) -> frozenset[State] | None:
        match node:
            case tree.If(test=test, body=body, orelse=orelse):
                self.look(test, known)
                known = self.changed(test, known)
                ends = [
                    self.block(branch, self.learnt(known, test, holds))
                    for branch, holds in ((body, True), (orelse, False))
                ]
                return _met(ends)
            case tree.Loop():
                return self._loop(node, known)
            case tree.Try(body=body, handlers=handlers, orelse=orelse, final=final):
                calm = self._untouched(node, known)
                ends = [self.block([*body, *orelse], known)]
                ends += [self.block(handler.body, calm) for handler in handlers]
                end = _met(ends)
                last = self.block(final, calm)
                return None if end is None or last is None else end & last if final else end
            case tree.With(items=items, body=body):
                for entered, _ in items:
                    self.look(entered, known)
                    known = self.changed(entered, known)
                return self.block(body, known)
            case tree.Block(body=body) | tree.Broken(body=body):
                return self.block(body, known)
            case tree.Switch(cases=cases):
                calm = self._untouched(node, known)
                for case in cases:
                    self.block(case.body, calm)
                return calm
            case tree.Function() | tree.Class():
                return known
            case tree.Label():
                return frozenset()
            case tree.Return() | tree.Raise() | tree.Jump():
                self.look(node, known)
                return None
        self.look(node, known)
        return self.changed(node, known)

    def _loop(self, node: tree.Loop, known: frozenset[State]) -> frozenset[State]:
        if node.iterable is not None and node.kind == "for":
            self.look(node.iterable, known)
            self._walked_over(node, known)
        calm = self._untouched(node, known)
        inside = calm
        if node.test is not None:
            self.look(node.test, calm)
            inside = self.learnt(calm, node.test, True)
        self.block(node.body, inside)
        leaves = any(isinstance(n, tree.Jump) for n in tree.walk(node))
        if node.test is not None and not leaves and node.kind != "do":
            return self.learnt(calm, node.test, False)
        return calm

    def _untouched(self, node: tree.Node, known: frozenset[State]) -> frozenset[State]:
        """What nothing below may change."""
        for below in tree.walk(node, into=tree.is_of_the_same):
            known = self._changed_by(below, known)
            if not known:
                break
        return known

    # ------------------------------------------------------------ what is known

    def learnt(self, known: frozenset[State], test: tree.Node, holds: bool) -> frozenset[State]:
        told = [state for state in self.told(test, holds) if state.of]
        asked = {spot(node) for node in tree.walk(test)} if known else set()
        return frozenset(state for state in known if state.of not in asked) | frozenset(told)

    def told(self, test: tree.Node, holds: bool) -> Iterator[State]:
        match test:
            case tree.Unary(op="not" | "!", operand=operand):
                yield from self.told(operand, not holds)
            case tree.Logic(op=op, operands=operands):
                if holds == (op == "and"):
                    for operand in operands:
                        yield from self.told(operand, holds)
            case tree.Compare(operands=[left, right], ops=[op]):
                yield from self._compared(left, op, right, holds)
            case tree.Call(function=tree.Attribute(value=value, name=name)) if name in _ASKED:
                if _ASKED[name][0] == holds and not test.args:
                    yield State(spot(value), name, test.line)
            case tree.Call(function=tree.Attribute(value=value, name="empty"), args=[]) if holds:
                yield State(spot(value), EMPTY, test.line)
            case tree.Call(function=tree.Attribute(value=value, name="count" | "contains"), args=[key]):
                if not holds and not self.is_python:
                    yield State(spot(value), WITHOUT, test.line, key_of(key))
            case tree.Call(function=tree.Name(id="len"), args=[value]) if not holds:
                yield State(spot(value), EMPTY, test.line)
            case tree.Name() | tree.Attribute() | tree.Index() if not holds:
                yield State(spot(test), FALSE, test.line)

    def _compared(self, left: tree.Node, op: str, right: tree.Node, holds: bool) -> Iterator[State]:
        is_none = isinstance(right, tree.Literal) and right.kind == "none"
        if is_none and (op in ("is", "==")) == holds and op in ("is", "is not", "==", "!="):
            yield State(spot(left), NONE, left.line)
        elif (op == "not in" and holds) or (op == "in" and not holds):
            if key_of(left):
                yield State(spot(right), WITHOUT, left.line, key_of(left))
        elif (op in ("<=", ">") and (op == "<=") == holds) and (counted := _counted(right)):
            if isinstance(left, tree.Name | tree.Attribute):
                yield State(spot(counted), UP_TO, left.line, spot(left))
        elif (
            isinstance(right, tree.Literal) and right.text == "0" and (op == "==") == holds and op in ("==", "!=", ">")
        ):
            if counted := _counted(left):
                yield State(spot(counted), EMPTY, left.line)

    def changed(self, node: tree.Node, known: frozenset[State]) -> frozenset[State]:
        return self._untouched(node, known) if known else known

    def _changed_by(self, node: tree.Node, known: frozenset[State]) -> frozenset[State]:
        match node:
            case tree.Assign(targets=targets):
                places = [spot(part) for target in targets for part in _parts(target)]
                places += [spot(part.value) for t in targets for part in _parts(t) if isinstance(part, tree.Index)]
            case tree.Named(target=target) | tree.Loop(target=tree.Node() as target):
                places = [spot(part) for part in _parts(target)]
            case tree.Delete(targets=targets):
                places = [spot(target) for target in targets]
            case tree.With(items=items):
                places = [spot(name) for _, name in items if name is not None]
            case tree.Unary(op="++" | "--" | "&", operand=operand):
                places = [spot(operand)]
            case tree.Call():
                return self._called(node, known)
            case tree.Await() | tree.Yield():
                return frozenset(state for state in known if "." not in state.of)
            case _:
                return known
        return frozenset(s for s in known if not any(p and (speaks_of(s.of, p) or speaks_of(s.key, p)) for p in places))

    def _called(self, call: tree.Call, known: frozenset[State]) -> frozenset[State]:
        """A method may change its object and what it is given; one of C++ without an object, any member too."""
        given = [spot(arg) for arg in (*call.args, *(keyword.value for keyword in call.keywords))]
        function = call.function
        if isinstance(function, tree.Attribute):
            if function.name in _READS or function.name in _ASKED:
                return known
            given.append(spot(function.value))
        elif isinstance(function, tree.Name) and self.is_python and hasattr(builtins, function.id):
            return known if function.id not in ("setattr", "delattr") else frozenset()
        elif not isinstance(function, tree.Name) or function.id in self.locals:
            return frozenset()
        if isinstance(function, tree.Name) and not self.is_python:
            given.append("self")
        known = frozenset(state for state in known if root_of(state.of) in self.locals)
        return frozenset(s for s in known if not any(place and speaks_of(s.of, place) for place in given))

    # ------------------------------------------------------------ what is done

    def _asks_inside(self, node: tree.Node) -> bool:
        at = bisect_left(self.joined, node.line)
        return at < len(self.joined) and self.joined[at] <= node.end_line

    def look(self, node: tree.Node, known: frozenset[State]) -> None:
        if not known and not self._asks_inside(node):
            return
        if isinstance(node, tree.Logic):
            for operand in node.operands:
                self.look(operand, known)
                known = self.learnt(self.changed(operand, known), operand, node.op == "and")
            return
        if isinstance(node, tree.Conditional):
            self.look(node.test, known)
            self.look(node.body, self.learnt(known, node.test, True))
            self.look(node.orelse, self.learnt(known, node.test, False))
            return
        if isinstance(node, tree.Lambda | tree.Function | tree.Class | tree.Comprehension):
            return
        for state in known:
            if does := self._wrong(node, state):
                self.found.append(Contradiction(node, state, does))
        if isinstance(node, tree.Assign):  # a place that gets its value is not looked at
            for target in node.targets:
                if isinstance(target, tree.Attribute | tree.Index):
                    self._reached(target, known)
            if node.value is not None:
                self.look(node.value, known)
            return
        for below in tree.children(node):
            self.look(below, known)

    def _reached(self, target: tree.Node, known: frozenset[State]) -> None:
        """`x.a = 1` needs an x; `x[k] = 1` of an empty x does not fail."""
        for state in known:
            if state.what == NONE and (does := self._wrong(target, state)):
                self.found.append(Contradiction(target, state, does))

    def _walked_over(self, loop: tree.Loop, known: frozenset[State]) -> None:
        over = loop.iterable
        if isinstance(over, tree.Call) and isinstance(over.function, tree.Attribute) and over.function.name in _READS:
            over = over.function.value
        for state in known:
            if state.what in (EMPTY, NONE) and spot(over) == state.of:
                self.found.append(Contradiction(loop, state, "walked over"))

    def _wrong(self, node: tree.Node, state: State) -> str:
        if state.what == NONE or (state.what == FALSE and not self.is_python):
            return self._through_none(node, state)
        if state.what in (EMPTY, FALSE):
            return self._of_empty(node, state)
        if state.what == WITHOUT:
            return _of_missing(node, state, self.is_python)
        if state.what == UP_TO:
            is_there = isinstance(node, tree.Index) and spot(node.value) == state.of and key_of(node.key) == state.key
            return f"asked for [{state.key}]" if is_there else ""
        match node:
            case tree.Call(function=tree.Attribute(value=value, name=name)) if spot(value) == state.of:
                return f"{name}()" if name in _ASKED[state.what][1] else ""
        return ""

    def _through_none(self, node: tree.Node, state: State) -> str:
        match node:
            case tree.Attribute(value=value, name=name) if spot(value) == state.of:
                if self.is_python or self._is_arrow(value):
                    return f"reached through for {name}"
            case tree.Index(value=value) if spot(value) == state.of and state.what == NONE:
                return "indexed"
            case tree.Unary(op="*", operand=operand) if spot(operand) == state.of and not self.is_python:
                return "followed"
        return ""

    def _is_arrow(self, value: tree.Node) -> bool:
        row = self.lines[value.end_line - 1] if value.end_line <= len(self.lines) else ""
        return row[value.end_column - 1 :].startswith("->")

    def _of_empty(self, node: tree.Node, state: State) -> str:
        match node:
            case tree.Call(function=tree.Attribute(value=value, name=name)) if spot(value) == state.of:
                if name in _FIRSTS or (name == "pop" and (state.what == EMPTY or not node.args)):
                    return f"asked for an element by {name}()"
            case tree.Call(function=tree.Name(id=name), args=[value]) if spot(value) == state.of and self.is_python:
                if name in _EXTREMES:
                    return f"given to {name}()"
            case tree.Index(value=value, key=tree.Literal(kind="int")) if spot(value) == state.of:
                return "asked for an element"
            case tree.Index(value=value, key=tree.Unary(op="-")) if spot(value) == state.of:
                return "asked for an element"
        return ""


def _of_missing(node: tree.Node, state: State, is_python: bool) -> str:
    key = state.key
    match node:
        case tree.Index(value=value, key=at) if is_python and spot(value) == state.of and key_of(at) == key:
            return f"asked for [{key}]"
        case tree.Call(function=tree.Attribute(value=value, name="pop" | "at" | "remove" | "erase" as name), args=[at]):
            if spot(value) == state.of and key_of(at) == key and (is_python or name in ("at", "erase")):
                return f"asked for {key} by {name}()"
    return ""


def _counted(node: tree.Node) -> tree.Node | None:
    match node:
        case tree.Call(function=tree.Name(id="len"), args=[value]):
            return value
        case tree.Call(function=tree.Attribute(value=value, name="size"), args=[]):
            return value
    return None


def _locals(function: tree.Function) -> frozenset[str]:
    """What no other function gives a value: parameters and locals, and `self` itself."""
    names = {"self", *(param.name for param in function.params)}
    outer: set[str] = set()
    for node in (below for statement in function.body or () for below in tree.walk(statement, into=_holds_statements)):
        match node:
            case tree.Assign(targets=targets):
                names |= {part.id for target in targets for part in _parts(target) if isinstance(part, tree.Name)}
            case tree.Loop(target=tree.Node() as target):
                names |= {part.id for part in _parts(target) if isinstance(part, tree.Name)}
            case tree.Outer(names=named):
                outer.update(named)
    return frozenset(names - outer)


def _holds_statements(node: tree.Node) -> bool:
    return isinstance(node, _STATEMENTS)


_STATEMENTS = (tree.If, tree.Loop, tree.Try, tree.Handler, tree.With, tree.Switch, tree.Case, tree.Block, tree.Broken)


def _parts(target: tree.Node) -> list[tree.Node]:
    return target.items if isinstance(target, tree.Collection) else [target]


def _met(ends: Sequence[frozenset[State] | None]) -> frozenset[State] | None:
    living = [end for end in ends if end is not None]
    return frozenset.intersection(*living) if living else None


def contradictions(
    function: tree.Function, is_python: bool, lines: Sequence[str], joined: Sequence[int]
) -> list[Contradiction]:
    """`joined` are the lines, in order, with tests inside expressions: `a and b`, `a if b else c`."""
    walk = _Walk(function, is_python, lines, joined)
    walk.block(function.body or [], frozenset())
    return walk.found
