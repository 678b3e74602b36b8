"""Values that can be gone through once, and are read again where a reading before has left nothing or a rest.

Each statement of one Python function is passed in order, with what is known of every such local: where it was made, and
which reading has run it out. Bodies of loops are passed twice, as what a round leaves is what the next one finds. A
name whose value goes anywhere else (to an unknown call, another name, an inner function) is not followed any further,
nor one that `next` is asked of, or that a loop leaves early: who does so knows what it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from llmlint.code.flow.assigned import Facts, leaves, names_in, told_by
from llmlint.code.flow.one_shots import OneShots
from llmlint.code.syntax import tree
from llmlint.phrases import last_name

_WHOLE = frozenset({"list", "tuple", "set", "frozenset", "dict", "sum", "max", "min", "sorted"})
_WHOLE_OF_LIBRARIES = frozenset({"Counter", "deque", "OrderedDict"})
_WHOLE_METHODS = frozenset({"join", "extend", "update"})
_PART = frozenset({"any", "all"})
_LOOKS = frozenset({"print", "type", "repr", "id"})
_MAPS = frozenset({"map", "filter"})
_NUMBERS = frozenset({"enumerate"})
_SHOWS = frozenset({"tqdm", "trange", "track"})
_TRIED = 2


class Made(NamedTuple):
    """`node` makes it, or hands it to the function; `kind` is what it is."""

    node: tree.Node
    kind: str
    is_handed: bool


class Reading(NamedTuple):
    """`is_whole`: it surely comes to the end. `how` is what reads: "for", "list", "in" … `known` is what holds there,
    `asked` whether the round of a loop that it stands in has asked anything first."""

    node: tree.Node
    how: str
    is_whole: bool
    known: Facts
    asked: bool


class Again(NamedTuple):
    """A value that is read again; by the same reading where a loop's next round does so."""

    name: str
    made: Made
    first: Reading
    second: Reading


class _Shot(NamedTuple):
    made: Made
    read: Reading | None = None


_State = dict[str, _Shot]


def read_again(function: tree.Function, shots: OneShots, lines: list[str]) -> list[Again]:
    """The first such reading of each value, in source order."""
    handed = shots.handed(function)
    own = tree.walk_own(function)
    if not handed and not any(_may_make(node, shots) for node in own):
        return []
    reader = _Reader(shots, lines, _captured(own))
    state = {name: _Shot(Made(value, shots.kind(value), True)) for name, value in handed.items()}
    reader.block(function.body or [], {name: shot for name, shot in state.items() if name not in reader.captured})
    return reader.found


def _may_make(node: tree.Node, shots: OneShots) -> bool:
    match node:
        case tree.Assign(value=tree.Node() as value):
            return bool(shots.kind(value))
        case tree.With(items=items):
            return any(shots.kind(entered) for entered, _ in items)
    return False


def _captured(own: Iterable[tree.Node]) -> frozenset[str]:
    """The names that inner functions may read whenever they are called, and those of another scope."""
    found: set[str] = set()
    for node in own:
        if isinstance(node, tree.Outer):
            found.update(node.names)
        elif not tree.is_of_the_same(node):
            found.update(inner.id for inner in tree.walk(node) if isinstance(inner, tree.Name))
    return frozenset(found)


class _Reader:
    def __init__(self, shots: OneShots, lines: list[str], captured: frozenset[str], is_helper: bool = False) -> None:
        self.shots = shots
        self.is_helper = is_helper
        self.lines = lines
        self.captured = captured
        self.found: list[Again] = []
        self.told: set[int] = set()
        self.known: Facts = frozenset()
        self.at_round: Facts = frozenset()
        self.returning: list[_State] = []
        self.leaving: list[list[_State]] = []
        self.going_on: list[list[_State]] = []

    # ------------------------------------------------------------ statements

    def block(self, body: Iterable[tree.Node], state: _State) -> _State | None:
        """The state behind the statements, None where control never gets there."""
        here: _State | None = state
        outer = self.known
        for statement in body:
            if here is None:
                break
            here = self._statement(statement, here)
        self.known = outer
        return here

    def _statement(self, node: tree.Node, state: _State) -> _State | None:
        match node:
            case tree.If(test=test, body=body, orelse=orelse):
                self._truth(test, state)
                then, other = self._under(test, True, body, state), self._under(test, False, orelse, state)
                if then is None or other is None:
                    self.known |= told_by(test, then is not None, self.lines)
                return _joined(then, other)
            case tree.Loop():
                return self._loop(node, state)
            case tree.Try():
                return self._try(node, state)
            case tree.With(items=items, body=body):
                for entered, target in items:
                    self._eval(entered, state)
                    self._bind(target, entered, state)
                return self.block(body, state)
            case tree.Switch(subject=subject, cases=cases):
                self._eval(subject, state)
                ends = [self.block(case.body, dict(state)) for case in cases]
                return _joined(dict(state), *ends)
            case tree.Assign():
                self._assign(node, state)
            case tree.Expression(value=value):
                self._eval(value, state)
                return None if leaves(value, frozenset()) else state
            case tree.Jump(kind=kind):
                if self.leaving and kind in ("break", "continue"):
                    (self.leaving if kind == "break" else self.going_on)[-1].append(state)
                return None
            case tree.Return() | tree.Raise():
                self._below(node, state)
                self.returning.append(state)
                return None
            case tree.Function() | tree.Class() | tree.Import():
                pass
            case _:
                self._below(node, state)
        return state

    def _under(self, test: tree.Node, holds: bool, body: list[tree.Node], state: _State) -> _State | None:
        outer, self.known = self.known, self.known | told_by(test, holds, self.lines)
        end = self.block(body, dict(state))
        self.known = outer
        return end

    def _assign(self, node: tree.Assign, state: _State) -> None:
        if node.value is None:
            return
        if node.op == "+":
            self._consume(node.value, "+=", True, state)
        elif any(isinstance(target, tree.Collection) for target in node.targets):
            self._consume(node.value, "taking it apart", True, state)
        else:
            self._eval(node.value, state)
        for target in node.targets:
            self._bind(target, node.value if not node.op and len(node.targets) == 1 else None, state)

    def _bind(self, target: tree.Node | None, value: tree.Node | None, state: _State) -> None:
        if target is None:
            return
        for name in names_in(target):
            state.pop(name, None)
        if not isinstance(target, tree.Name):
            self._reached(target, state)
            return
        kind = self.shots.kind(value)
        if kind and value is not None and target.id not in self.captured:
            state[target.id] = _Shot(Made(value, kind, False))

    def _reached(self, target: tree.Node, state: _State) -> None:
        """`table[at].rows = …` reads `table` and `at`."""
        match target:
            case tree.Collection(items=items):
                for item in items:
                    self._reached(item, state)
            case tree.Star(value=value):
                self._reached(value, state)
            case tree.Name():
                pass
            case _:
                self._below(target, state)

    def _loop(self, node: tree.Loop, state: _State) -> _State | None:
        """Passed twice: what the first round has run out, the second one finds empty."""
        breaks = _breaks(node)
        if node.kind == "for" and node.iterable is not None:
            self._consume(node.iterable, "for", not breaks and not node.is_async, state)
            self._let_go_of_walked(node, state)
        ends: list[_State | None] = [] if node.kind == "while" and _is_true(node.test) else [dict(state)]
        here: _State | None = dict(state)
        for _ in range(_TRIED):
            if here is None:
                break
            self._bind(node.target, None, here)
            if node.test is not None:
                self._truth(node.test, here)
            self.leaving.append([])
            self.going_on.append([])
            outer, self.at_round = self.at_round, self.known
            end = self.block(node.body, dict(here))
            self.at_round = outer
            left, went_on = self.leaving.pop(), self.going_on.pop()
            here = _joined(end, *went_on)
            ends += [*left, None if node.kind == "while" and _is_true(node.test) else here]
        after = _joined(*ends)
        return self.block(node.orelse, after) if after is not None else None

    def _let_go_of_walked(self, loop: tree.Loop, state: _State) -> None:
        """Who reads on in the body of a loop over it goes through it step by step on purpose."""
        walked = _spoken_of([loop.iterable]) if loop.iterable is not None else set()
        for name in walked & _spoken_of(loop.body):
            state.pop(name, None)

    def _try(self, node: tree.Try, state: _State) -> _State | None:
        """A handler finds what the first statement that may fail has read; what comes after it may not be done."""
        begins = self._first_done(node.body, dict(state))
        after = self.block([*node.body, *node.orelse], state)
        ends = [after, *(self.block(handler.body, dict(begins)) for handler in node.handlers)]
        joined = _joined(*ends)
        return self.block(node.final, joined) if joined is not None else None

    def _first_done(self, body: list[tree.Node], state: _State) -> _State:
        at = next((at for at, statement in enumerate(body) if not _is_idle(statement)), len(body))
        self.block(body[:at], state)
        match body[at : at + 1]:
            case [tree.If(test=test, body=then, orelse=other)] if isinstance(test, tree.Name | tree.Attribute):
                ways = [self._first_done(way, dict(state)) for way in (then, other) if way]
                state = _joined(*ways) or {}
            case [first]:
                state = self.block([first], state) or state
        for name in _spoken_of(body[at + 1 :]):
            state.pop(name, None)
        return state

    # ------------------------------------------------------------ expressions

    def _below(self, node: tree.Node, state: _State) -> None:
        for child in tree.children(node):
            self._eval(child, state)

    def _eval(self, node: tree.Node, state: _State) -> None:
        match node:
            case tree.Name(id=name):
                state.pop(name, None)
            case tree.Lambda() | tree.Function() | tree.Class():
                pass
            case tree.Comprehension():
                self._comprehension(node, state)
            case tree.Call():
                self._call(node, state)
            case tree.Compare(operands=operands, ops=ops):
                self._compare(operands, ops, state)
            case tree.Logic(op=op, operands=operands):
                self._logic(op, operands, state)
            case tree.Unary(op="not", operand=operand) | tree.Assert(test=operand):
                self._truth(operand, state)
            case tree.Conditional(test=test, body=body, orelse=orelse):
                self._truth(test, state)
                self._either([body, orelse], state)
            case tree.Named(target=target, value=value):
                self._eval(value, state)
                self._bind(target, value, state)
            case tree.Star(value=value):
                self._consume(value, "*", True, state)
            case tree.Yield(value=tree.Node() as value, is_from=True):
                self._consume(value, "yield from", True, state)
            case _:
                self._below(node, state)

    def _truth(self, node: tree.Node, state: _State) -> None:
        """What is only asked whether it is there stays as it is."""
        if isinstance(node, tree.Compare) and node.ops[0] in ("is", "is not"):
            self._truth(node.operands[0], state)
        elif not isinstance(node, tree.Name):
            self._eval(node, state)

    def _either(self, ways: list[tree.Node], state: _State) -> None:
        ends = []
        for way in ways:
            end = dict(state)
            self._eval(way, end)
            ends.append(end)
        joined = _joined(*ends) or {}
        state.clear()
        state.update(joined)

    def _logic(self, op: str, operands: list[tree.Node], state: _State) -> None:
        if op == "or":
            self._either(operands, state)
            return
        for operand in operands:
            self._truth(operand, state)

    def _compare(self, operands: list[tree.Node], ops: list[str], state: _State) -> None:
        self._eval(operands[0], state)
        for op, operand in zip(ops, operands[1:], strict=False):
            if op in ("in", "not in"):
                self._consume(operand, "in", False, state)
            else:
                self._eval(operand, state)

    def _comprehension(self, node: tree.Comprehension, state: _State, how: str = "", is_whole: bool = True) -> None:
        """Of one that makes a list, a set or a dict, or that goes right into a reading call."""
        first, rest = node.generators[0], node.generators[1:]
        if node.kind == "generator" and not how:
            for name in _spoken_of([node]):  # it runs later, and may run another out
                state.pop(name, None)
            return
        self._consume(first.iterable, how or "a comprehension", is_whole and not first.is_async, state)
        bound = {name for generator in node.generators for name in names_in(generator.target)}
        hidden = {name: state.pop(name) for name in bound if name in state}
        for _ in range(_TRIED):
            for test in first.tests:
                self._eval(test, state)
            for generator in rest:
                self._consume(generator.iterable, "a comprehension", is_whole, state)
                for test in generator.tests:
                    self._eval(test, state)
            for made in (node.key, node.element):
                if made is not None:
                    self._eval(made, state)
        state.update(hidden)

    def _call(self, node: tree.Call, state: _State) -> None:
        path = tree.path_of(node.function)
        if not isinstance(node.function, tree.Name):
            self._eval(node.function, state)
        if self.shots.is_own(path, _LOOKS):
            for arg in node.args:
                self._truth(arg, state)
            return
        how, is_whole = self._reads(node, path)
        read_by_helper = self._helped(node) if not how else {}
        for at, arg in enumerate(node.args):
            if how and at == 0:
                self._consume(arg, how, is_whole, state)
            elif at in read_by_helper:
                self._consume(arg, read_by_helper[at], True, state)
            else:
                self._eval(arg, state)
        for keyword in node.keywords:
            self._consume(keyword.value, "*", True, state) if not keyword.name else self._eval(keyword.value, state)

    def _helped(self, call: tree.Call) -> dict[int, str]:
        """The arguments that a function of the file surely goes through to their end."""
        taker = self.shots.only(call)
        names = self.shots.params(call, taker) if taker is not None and not self.is_helper else []
        given = ((at, name) for at, (name, arg) in enumerate(zip(names, call.args, strict=False)) if _is_name(arg))
        return {at: call_name for at, name in given if (call_name := self._through(taker, name))}

    def _through(self, helper: tree.Function | None, name: str) -> str:
        if helper is None:
            return ""
        inside = _Reader(self.shots, self.lines, _captured(tree.walk_own(helper)), is_helper=True)
        made = Made(helper, helper.name, True)
        end = inside.block(helper.body or [], {name: _Shot(made)} if name not in inside.captured else {})
        ends = [*inside.returning, *([end] if end is not None else [])]
        shots = [end.get(name) for end in ends]
        is_read = all(shot is not None and shot.read is not None and shot.read.is_whole for shot in shots)
        return helper.name if shots and is_read else ""

    def _reads(self, node: tree.Call, path: str) -> tuple[str, bool]:
        """What the call reads its first argument as, and whether it surely comes to the end."""
        if self.shots.is_own(path, _WHOLE | _PART):
            is_one = len(node.args) == 1 or path in ("sum", "sorted")
            return (path, path in _WHOLE) if is_one else ("", False)
        name = last_name(path)
        if name in _WHOLE_OF_LIBRARIES:
            return name, len(node.args) == 1 and not node.keywords
        match node:
            case tree.Call(function=tree.Attribute(name=method), args=[_]) if method in _WHOLE_METHODS:
                return method, True
        return "", False

    def _consume(self, node: tree.Node, how: str, is_whole: bool, state: _State) -> None:
        """The value of the expression is gone through, and with it what it hands on one by one."""
        match node:
            case tree.Name(id=name):
                self._read(node, name, Reading(node, how, is_whole, self.known, self.known != self.at_round), state)
            case tree.Comprehension(kind="generator"):
                self._comprehension(node, state, how, is_whole)
            case tree.Call(args=args) if (at := self._hands_on(node)) >= 0:
                for other in (*args[:at], *args[at + 1 :], *(keyword.value for keyword in node.keywords)):
                    self._eval(other, state)
                self._consume(args[at], how, is_whole, state)
            case _:
                self._eval(node, state)

    def _hands_on(self, call: tree.Call) -> int:
        """Which argument the call gives on, one by one; -1 for none."""
        path, given = tree.path_of(call.function), len(call.args)
        if self.shots.is_own(path, _MAPS):
            return 1 if given == 2 else -1
        return 0 if given and (self.shots.is_own(path, _NUMBERS) or last_name(path) in _SHOWS) else -1

    def _read(self, node: tree.Node, name: str, reading: Reading, state: _State) -> None:
        shot = state.get(name)
        if shot is None:
            return
        if shot.read is None:
            if not reading.is_whole and reading.how not in (*_PART, "in"):
                state.pop(name)  # a loop that leaves early
            else:
                state[name] = shot._replace(read=reading)
            return
        if _is_told(shot.read, reading) and id(node) not in self.told:
            self.told.add(id(node))
            if not any(again.made.node is shot.made.node for again in self.found):
                self.found.append(Again(name, shot.made, shot.read, reading))


def _is_told(first: Reading, second: Reading) -> bool:
    """Not where `any(it) and not any(it)` asks for exactly one, and not where tests leave one of the two out."""
    if not first.is_whole and first.how == second.how:
        return False
    if first.node is second.node and second.asked:
        return False  # `if rows is None: rows = list(it)` is done in one round only
    return not any((text, not holds) in first.known for text, holds in second.known)


def _is_name(node: tree.Node) -> bool:
    return isinstance(node, tree.Name)


def _joined(*ways: _State | None) -> _State | None:
    """What is followed on all ways; read where it is on one."""
    open_ways = [way for way in ways if way is not None]
    if not open_ways:
        return None
    joined: _State = {}
    for name, shot in open_ways[0].items():
        others = [way.get(name) for way in open_ways]
        if all(other is not None and other.made is shot.made for other in others):
            joined[name] = next((other for other in others if other is not None and other.read is not None), shot)
    return joined


def _breaks(loop: tree.Loop) -> bool:
    """Does a `break` of this loop leave it, or a `break` of whatever is in it?"""
    return any(isinstance(node, tree.Jump) and node.kind == "break" for node in _of_body(loop))


def _of_body(loop: tree.Loop) -> Iterable[tree.Node]:
    for statement in loop.body:
        yield from tree.walk(statement, into=lambda node: not isinstance(node, tree.Loop) and tree.is_of_the_same(node))


def _is_idle(statement: tree.Node) -> bool:
    """Nothing of it fails: a name for something, or a line that is printed."""
    match statement:
        case tree.Assign(targets=[tree.Name()], value=tree.Name() | tree.Literal()):
            return True
        case tree.Expression(value=tree.Call(function=tree.Name(id="print"))):
            return True
    return False


def _is_true(test: tree.Node | None) -> bool:
    return isinstance(test, tree.Literal) and test.text in ("True", "1")


def _spoken_of(body: Iterable[tree.Node]) -> set[str]:
    return {node.id for statement in body for node in tree.walk(statement) if isinstance(node, tree.Name)}
