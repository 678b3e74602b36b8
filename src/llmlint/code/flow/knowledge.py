"""What is known of values where each expression of a Python function is evaluated, read off its tree.

A fact is a place and what is known of it. Places are texts: `request.n`, `data['tools'][]`, with the names of locals
followed to what they stand for (`tools = data.get("tools")` makes `tools` the place `data['tools']`).

    some      it is not None                none       it is None
    typed     somebody asked for its type   has:'k'    it has the key
    set       it was given a value here     vetted     a call was given it that decides or checks

Only what holds whichever way control came is kept; a loop's body is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from llmlint.code.facts.bodies.scope import is_within
from llmlint.code.flow.known import Known
from llmlint.code.syntax import tree
from llmlint.endings import never_returns

_SIMPLE = (tree.Assign, tree.Expression, tree.Return, tree.Raise, tree.Assert, tree.Call, tree.Function, tree.Class)
_CHECKING = ("check", "validate", "verify", "assert", "ensure", "require")


See = Callable[[tree.Node, Known], None]


def read(function: tree.Function, see: See) -> None:
    """Shows each expression of the function's own body, inner ones first, with what is known where it is evaluated."""
    _Reader(see).block(function.body or [], Known())


class _Around(NamedTuple):
    """Where `break` and `continue` of the innermost loop lead."""

    left: list[Known]


class _Reader:
    def __init__(self, see: See) -> None:
        self._see = see
        self._loops: list[_Around] = []

    # ------------------------------------------------------------ statements

    def block(self, body: Iterable[tree.Node], known: Known | None) -> Known | None:
        for statement in body:
            if known is None:
                return None
            known = self._statement(statement, known)
        return known

    def _statement(self, node: tree.Node, known: Known) -> Known | None:
        match node:
            case tree.If():
                return self._if(node, known)
            case tree.Loop():
                return self._loop(node, known)
            case tree.Try():
                return self._try(node, known)
            case tree.Switch():
                return self._switch(node, known)
            case tree.With(items=items, body=body):
                for value, target in items:
                    self._value(value, known)
                    if target is not None:
                        self._bind(target, None, known)
                return self.block(body, known)
            case tree.Block(body=body) | tree.Broken(body=body):
                return self.block(body, known)
            case tree.Return() | tree.Raise():
                for below in tree.children(node):
                    self._value(below, known)
                return None
            case tree.Jump(kind=kind):
                if kind == "break" and self._loops:
                    self._loops[-1].left.append(known)
                return None
            case tree.Function() | tree.Class():
                known.forget(node.name)
                return known
            case tree.Import():
                for name in [alias or name for name, alias in node.names] or [node.alias or node.module]:
                    known.forget(name)
                    known.add(name, "set", "some", "typed")
                return known
        return self._simple(node, known)

    def _simple(self, node: tree.Node, known: Known) -> Known | None:
        match node:
            case tree.Assign(targets=targets, value=value, op=op):
                if value is not None:
                    self._value(value, known)
                for target in targets:
                    self._target(target, known)
                    self._bind(target, value if not op else None, known)
            case tree.Assert(test=test):
                self._value(test, known)
                self._see(node, known)
                known.learn(test, True)
            case tree.Delete(targets=targets):
                for target in targets:
                    self._target(target, known)
                    known.forget(known.place(target))
            case tree.Expression(value=value):
                self._value(value, known)
                return None if _leaves(value) else _checked(value, known)
            case _:
                for below in tree.children(node):
                    self._value(below, known)
        return known

    def _if(self, node: tree.If, known: Known) -> Known | None:
        self._value(node.test, known)
        inside, beside = known.under(node.test, True), known.under(node.test, False)
        return _met([self.block(node.body, inside), self.block(node.orelse, beside)])

    def _loop(self, node: tree.Loop, known: Known) -> Known | None:
        if node.iterable is not None:
            self._value(node.iterable, known)
        for place in _given(node.body, known):
            known.forget(place)
        inside = known.copy()
        if node.target is not None:
            self._bind_each(node.target, node.iterable, inside)
        if node.test is not None:
            self._value(node.test, inside)
            inside.learn(node.test, True)
            known.learn(node.test, False)
        self._loops.append(_Around([]))
        self.block(node.body, inside)
        left = self._loops.pop().left
        if node.test is not None and isinstance(node.test, tree.Literal):  # `while True` is left by break alone
            return _met(list(left))
        return _met([self.block(node.orelse, known), *left])

    def _try(self, node: tree.Try, known: Known) -> Known | None:
        before, around = known.copy(), known.caught
        for place in _given(node.body, known):
            before.forget(place)
        inside = known.copy()
        inside.caught = (*around, frozenset(_caught(node)))
        after = self.block(node.body, inside)
        if after is not None:
            after.caught = around
            after = self.block(node.orelse, after)
        ends = [after, *(self.block(handler.body, before.copy()) for handler in node.handlers)]
        end = _met(ends)
        last = self.block(node.final, end if end is not None else before.copy())
        return last if end is not None else None

    def _switch(self, node: tree.Switch, known: Known) -> Known | None:
        self._value(node.subject, known)
        place = known.place(node.subject)
        ends: list[Known | None] = []
        for case in node.cases:
            inside = known.copy()
            for pattern in case.patterns:
                for name in tree.walk(pattern):
                    if isinstance(name, tree.Name):
                        inside.forget(name.id)
            if place and case.patterns:
                inside.add(place, "typed", "some")
            if case.guard is not None:
                self._value(case.guard, inside)
                inside.learn(case.guard, True)
            ends.append(self.block(case.body, inside))
        if all(case.patterns for case in node.cases):
            ends.append(known.copy())
        return _met(ends)

    # ------------------------------------------------------------ binding

    def _target(self, target: tree.Node, known: Known) -> None:
        """What is evaluated to find where to put a value."""
        match target:
            case tree.Attribute(value=value) | tree.Star(value=value):
                self._value(value, known)
            case tree.Index(value=value, key=key):
                self._value(value, known)
                self._value(key, known)
            case tree.Collection(items=items):
                for item in items:
                    self._target(item, known)

    def _bind(self, target: tree.Node, value: tree.Node | None, known: Known) -> None:
        if isinstance(target, tree.Collection):
            values = value.items if isinstance(value, tree.Collection) and len(value.items) == len(target.items) else ()
            for at, item in enumerate(target.items):
                self._bind(item, values[at] if values else None, known)
            return
        stands_for = known.place(value)
        place = target.id if isinstance(target, tree.Name) else known.place(target)
        if not place:
            return
        known.forget(place)
        if isinstance(target, tree.Name) and stands_for and not is_within(stands_for, place):
            known.names[place] = stands_for
        elif isinstance(value, tree.Literal) and value.kind == "none":
            known.add(place, "none")
        else:
            known.add(place, "set", "some", "typed")
            if isinstance(target, tree.Name) and isinstance(value, tree.Compare | tree.Logic | tree.Unary | tree.Call):
                known.keep_test(place, value)

    def _bind_each(self, target: tree.Node, iterable: tree.Node | None, inside: Known) -> None:
        """A loop's name stands for each element of what is walked."""
        over = inside.place(iterable)
        self._bind(target, None, inside)
        if over and isinstance(target, tree.Name):
            inside.names[target.id] = f"{over}[]"

    # ------------------------------------------------------------ expressions

    def _value(self, node: tree.Node, known: Known) -> None:
        match node:
            case tree.Logic(op=op, operands=operands):
                inside = known.copy()
                for operand in operands:
                    self._value(operand, inside)
                    inside.learn(operand, op == "and")
            case tree.Conditional(test=test, body=body, orelse=orelse):
                self._value(test, known)
                for branch, holds in ((body, True), (orelse, False)):
                    self._value(branch, known.under(test, holds))
            case tree.Comprehension(element=element, generators=generators, key=key):
                self._comprehension([key, element], generators, known.copy())
            case tree.Named(target=target, value=value):
                self._value(value, known)
                self._bind(target, value, known)
            case tree.Lambda():
                return
            case _:
                for below in tree.children(node):
                    self._value(below, known)
        self._see(node, known)
        if isinstance(node, tree.Call):
            known.may_change(node)

    def _comprehension(
        self, made: Iterable[tree.Node | None], generators: Iterable[tree.Generator], inside: Known
    ) -> None:
        for generator in generators:
            self._value(generator.iterable, inside)
            self._bind_each(generator.target, generator.iterable, inside)
            self._see(generator, inside)
            for test in generator.tests:
                self._value(test, inside)
                inside.learn(test, True)
        for node in made:
            if node is not None:
                self._value(node, inside)


def _met(ends: list[Known | None]) -> Known | None:
    living = [end for end in ends if end is not None]
    if not living:
        return None
    first = living[0].copy()
    for other in living[1:]:
        first.meet(other)
    return first


def _caught(node: tree.Try) -> Iterator[str]:
    """The last names of what the handlers take, Exception for everything."""
    for handler in node.handlers:
        if not handler.types:
            yield "Exception"
        for named in handler.types:
            for one in named.items if isinstance(named, tree.Collection) else [named]:
                yield tree.path_of(one).rpartition(".")[2]


def _given(body: Iterable[tree.Node], known: Known) -> Iterator[str]:
    """The places that get a new value somewhere in these statements."""
    for statement in body:
        for node in tree.walk(statement, into=_holds_statements):
            if isinstance(node, tree.Assign):
                targets = node.targets
            elif isinstance(node, tree.Loop) and node.target is not None:
                targets = [node.target]
            elif isinstance(node, tree.Named):
                targets = [node.target]
            else:
                continue
            yield from (p for t in targets for one in _parts(t) if (p := _own_place(one, known)))


def _holds_statements(node: tree.Node) -> bool:
    """An assignment in an expression counts in a test only: elsewhere it is seldom, and looking for it costs much."""
    return not isinstance(node, _SIMPLE)


def _own_place(target: tree.Node, known: Known) -> str:
    return target.id if isinstance(target, tree.Name) else known.place(target)


def _parts(target: tree.Node) -> list[tree.Node]:
    return target.items if isinstance(target, tree.Collection) else [target]


def _leaves(value: tree.Node) -> bool:
    return isinstance(value, tree.Call) and never_returns(tree.path_of(value.function), "", is_python=True)


def _checked(value: tree.Node, known: Known) -> Known:
    """`validate(x)` decides about x, whatever it asks."""
    call = value.value if isinstance(value, tree.Await) else value
    if isinstance(call, tree.Call):
        name = tree.path_of(call.function).rpartition(".")[2]
        if any(word in name for word in _CHECKING):
            for arg in call.args:
                if place := known.place(arg):
                    known.add(place, "vetted")
    return known
