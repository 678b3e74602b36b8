"""Which local names have a value where they are read, on the tree of one Python function.

Each statement is passed once, with what is known of every local: that it surely has a value, or only on some ways, and
then under which conditions. A condition is a test's text and whether it holds: no solver, and a test that is written
in two ways is two conditions. Bodies of loops are passed as on their first round; behind a loop its names count as
assigned, as do those of a `match`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from llmlint.code.facts.facts import ImportFact
from llmlint.code.syntax import tree
from llmlint.code.syntax.written import text_of
from llmlint.endings import python_endings

Fact = tuple[str, bool]
Facts = frozenset[Fact]
NOTHING: Facts = frozenset()
GUARDED: Fact = ("a handler is near", True)
"""Known inside of a `try` with handlers: what goes wrong there may be expected."""

_NEGATIONS = ((" is not None", " is None"), (" != ", " == "), (" not in ", " in "))
_LEAVES = re.compile(r"exit|abort|fatal|die|fail|raise|error_and|quit|parser\.error$", re.IGNORECASE)

_NEVER = frozenset({"NoReturn", "Never"})
_GOING_OVER = frozenset({"enumerate", "reversed", "sorted", "list", "tuple", "set", "iter", "zip"})
_VIEWS = frozenset({"items", "keys", "values"})
"""Calls that give a round only where what they are given holds something."""


class Partial(NamedTuple):
    """A branching after which a name has a value on some ways only.

    `how` says which: those through its "if", its "else", or the ones on which its "try" raised nothing. `when` is what
    holds on the ways that assign, `around` what holds at the branching whichever way is taken.
    """

    at: tree.Node
    how: str
    when: Facts
    around: Facts


class Unsure(NamedTuple):
    """A name that is read where only some ways have assigned it, and what holds there."""

    name: tree.Name
    ways: tuple[Partial, ...]
    known: Facts


_State = dict[str, tuple[Partial, ...]]
"""The names with a value: () where that is sure. A name that is not there has had none so far."""


def unsure_reads(function: tree.Function, lines: list[str], endings: frozenset[str] = frozenset()) -> list[Unsure]:
    """The first such reading of each name, in source order; `endings` are the functions that never come back."""
    reader = _Reader(function, lines, endings)
    reader.block(function.body or [], {}, NOTHING)
    return reader.found


class _Reader:
    def __init__(self, function: tree.Function, lines: list[str], endings: frozenset[str]) -> None:
        self.lines = lines
        self.endings = endings
        self.found: list[Unsure] = []
        self.told: set[str] = set()
        self.local = _locals_of(function)
        self.asserted: set[Fact] = set()
        self.rounds = NOTHING
        bound = Counter(name for node in tree.walk_own(function) for name in _bound_by(node))
        self.assigned_once = {name for name, times in bound.items() if times == 1}

    # ------------------------------------------------------------ statements

    def block(self, body: Iterable[tree.Node], state: _State, known: Facts) -> tuple[_State | None, Facts]:
        """The state behind the statements, None where control never gets there, and what is known there."""
        here: _State | None = state
        for statement in body:
            if here is None:
                break
            here, known = self._statement(statement, here, known)
        return here, known

    def _statement(self, node: tree.Node, state: _State, known: Facts) -> tuple[_State | None, Facts]:
        match node:
            case tree.Function(name=name) | tree.Class(name=name):
                state[name] = ()
            case tree.Import():
                state.update(dict.fromkeys(_bound_by(node), ()))
            case tree.If():
                return self._if(node, state, known)
            case tree.Loop():
                return self._loop(node, state, known), known
            case tree.Try():
                return self._try(node, state, known), known
            case tree.With(items=items, body=body):
                for entered, target in items:
                    self._read(entered, state, known)
                    self._reach(target, state, known)
                    state.update(dict.fromkeys(names_in(target), ()))
                return self.block(body, state, known)
            case tree.Switch(subject=subject, cases=cases):
                self._read(subject, state, known)
                for case in cases:
                    self.block(case.body, {**state, **dict.fromkeys(_bound_in(case.body), ())}, known)
                state.update(dict.fromkeys(_bound_in([node]), ()))
            case tree.Assign():
                self._assign(node, state, known)
                return state, known | self._told_by_constant(node)
            case tree.Assert(test=test):
                self._read(test, state, known)
                told = self._implied(test, True)
                self.asserted |= told
                return (None if _is_false(test) else state), known | told
            case tree.Return() | tree.Raise() | tree.Jump():
                self._read_below(node, state, known)
                return None, known
            case tree.Expression(value=value):
                self._read(value, state, known)
                return (None if leaves(value, self.endings) else state), known
            case _:
                self._read_below(node, state, known)
        return state, known

    def _assign(self, node: tree.Assign, state: _State, known: Facts) -> None:
        if node.value is not None:
            self._read(node.value, state, known)
        for target in node.targets:
            if node.op:
                self._read(target, state, known)
            self._reach(target, state, known)
            if node.value is not None:
                state.update(dict.fromkeys(names_in(target), ()))

    def _told_by_constant(self, node: tree.Assign) -> Facts:
        """What holds from here on of a name that is assigned nowhere else, and here a constant."""
        match node:
            case tree.Assign(targets=[tree.Name(id=name)], value=tree.Literal(text=text), op=""):
                if name in self.assigned_once and text in ("True", "False", "None"):
                    return frozenset({(name, text == "True"), (f"{name} is None", text == "None")})
        return NOTHING

    def _reach(self, target: tree.Node | None, state: _State, known: Facts) -> None:
        """`table[at], rest.head = …` reads table, at and rest, and binds none of them."""
        match target:
            case None | tree.Name():
                pass
            case tree.Collection(items=items):
                for item in items:
                    self._reach(item, state, known)
            case tree.Star(value=value):
                self._reach(value, state, known)
            case _:
                self._read(target, state, known)

    def _if(self, node: tree.If, state: _State, known: Facts) -> tuple[_State | None, Facts]:
        self._read(node.test, state, known)
        holds, fails = self._implied(node.test, True), self._implied(node.test, False)
        then, known_then = self.block(node.body, dict(state), known | holds)
        other, known_other = self.block(node.orelse, dict(state), known | fails)
        if then is None or other is None:
            return (other, known_other) if then is None else (then, known_then)
        joined: _State = {}
        for name in [*then, *(name for name in other if name not in then)]:
            one, two = then.get(name), other.get(name)
            ways = [*(one or ()), *(way for way in two or () if way not in (one or ()))]
            if one == () and two != ():
                ways.append(Partial(node, "if", holds, known))
            elif two == () and one != ():
                ways.append(Partial(node, "else", fails, known))
            joined[name] = tuple(ways)
        return joined, known

    def _loop(self, node: tree.Loop, state: _State, known: Facts) -> _State | None:
        asked = node.iterable if node.kind == "for" else node.test
        if asked is not None:
            self._read(asked, state, known)
        told = self._implied(node.test, True) if node.test is not None else NOTHING
        outer, self.rounds = self.rounds, self.rounds | _told_by_round(node.iterable, self.lines)
        inside: _State = {**state, **dict.fromkeys(names_in(node.target), ())}
        self._reach(node.target, inside, known | told)
        self.block(node.body, inside, known | told)
        self.rounds = outer
        state.update(dict.fromkeys(_bound_in([node]), ()))
        self.block(node.orelse, dict(state), known)
        return None if _is_endless(node) else state

    def _try(self, node: tree.Try, state: _State, known: Facts) -> _State | None:
        bound = _bound_in(node.body) - _bound_at_once(node.body)
        tried = known | {GUARDED} if node.handlers else known
        after, _ = self.block([*node.body, *node.orelse], dict(state), tried)
        ends = [after] if after is not None else []
        for handler in node.handlers:
            named = [handler.name] if handler.name else []
            inside = {**state, **dict.fromkeys((*_bound_in(node.body), *named), ())}
            end, _ = self.block(handler.body, inside, known)
            if end is not None:
                own = _bound_in(handler.body)
                for name in bound - own - {n for n, ways in state.items() if ways == ()}:
                    end[name] = (Partial(node, "try", frozenset({("nothing is raised", True)}), known),)
                ends.append(end)
        if not ends:
            return None
        joined: _State = {}
        for name in dict.fromkeys(name for end in ends for name in end):
            ways = {id(way): way for end in ends for way in end.get(name, ())}  # one after another they would double
            joined[name] = tuple(ways.values())
        return self.block(node.final, joined, known)[0] if node.final else joined

    # ------------------------------------------------------------ expressions

    def _read_below(self, node: tree.Node, state: _State, known: Facts) -> None:
        for child in tree.children(node):
            self._read(child, state, known)

    def _read(self, node: tree.Node, state: _State, known: Facts) -> None:
        match node:
            case tree.Lambda() | tree.Function() | tree.Class():
                return
            case tree.Comprehension(generators=generators):
                own = {name for generator in generators for name in names_in(generator.target)}
                outer = self.rounds
                self.rounds = outer.union(*(_told_by_round(g.iterable, self.lines) for g in generators))
                for inner in tree.walk(node):
                    if isinstance(inner, tree.Name) and inner.id not in own:
                        self._name(inner, state, known)
                self.rounds = outer
            case tree.Logic(op=op, operands=operands):
                for operand in operands:
                    self._read(operand, state, known)
                    known = known | self._implied(operand, op == "and")
            case tree.Conditional(test=test, body=body, orelse=orelse):
                self._read(test, state, known)
                self._read(body, state, known | self._implied(test, True))
                self._read(orelse, state, known | self._implied(test, False))
            case tree.Named(target=target, value=value):
                self._read(value, state, known)
                state.update(dict.fromkeys(names_in(target), ()))
            case tree.Name():
                self._name(node, state, known)
            case _:
                self._read_below(node, state, known)

    def _name(self, node: tree.Name, state: _State, known: Facts) -> None:
        ways = state.get(node.id)
        if not ways or node.id not in self.local or node.id in self.told:
            return
        if not any(way.when & (known | self.rounds) for way in ways):
            self.told.add(node.id)
            self.found.append(Unsure(node, ways, known - self.asserted))

    def _implied(self, test: tree.Node, holds: bool) -> Facts:
        return told_by(test, holds, self.lines)


def told_by(test: tree.Node, holds: bool, lines: list[str]) -> Facts:
    """What is known where a test holds, or does not: its text, or those of its parts."""
    match test:
        case tree.Unary(op="not", operand=operand):
            return told_by(operand, not holds, lines)
        case tree.Logic(op=op, operands=operands) if (op == "and") == holds:
            return frozenset(fact for operand in operands for fact in told_by(operand, holds, lines))
    text = text_of(test, lines)
    for negated, plain in _NEGATIONS:
        if negated in text:
            return frozenset({(text.replace(negated, plain, 1), not holds)})
    return frozenset({(text, holds)})


def _told_by_round(iterable: tree.Node | None, lines: list[str]) -> Facts:
    """What is known inside of a loop, since it has a round at all: all that it goes over holds something."""
    match iterable:
        case tree.Call(function=tree.Name(id="range"), args=[end]):
            text = text_of(end, lines)
            return frozenset({(text, True), (f"{text} > 0", True), (f"{text} == 0", False), (f"{text} >= 1", True)})
        case tree.Call(function=tree.Name(id=name), args=args) if name in _GOING_OVER:
            over = args if name == "zip" else args[:1]
            return frozenset(fact for one in over for fact in _told_by_round(one, lines))
        case tree.Call(function=tree.Attribute(value=value, name=name), args=[]) if name in _VIEWS:
            return _told_by_round(value, lines)
        case tree.Name() | tree.Attribute():
            text = text_of(iterable, lines)
            size = f"len({text})"
            return frozenset(
                {(text, True), (f"{text} is None", False), (f"{text} == []", False)}
                | {(size, True), (f"{size} > 0", True), (f"{size} == 0", False), (f"{size} >= 1", True)}
            )
    return NOTHING


def endings_of(functions: Sequence[tree.Function], imports: Iterable[ImportFact]) -> frozenset[str]:
    """The functions of a file that never come back, with those that it imports: they say so, or end by raising or by
    calling such a function."""
    imported = _endings_imported(imports)
    found: frozenset[str] = imported
    while True:
        back = {function.name for function in functions if not _never_returns(function, found)}
        now = (frozenset(function.name for function in functions) - back) | imported
        if now == found:
            return found
        found = now


def _endings_imported(imports: Iterable[ImportFact]) -> frozenset[str]:
    """Calls of libraries that never come back, as a file calls them: `st.stop` where that stands for streamlit."""
    found: set[str] = set()
    for fact in imports:
        root = fact.module.partition(".")[0]
        meant = f"{fact.module}.{fact.target}" if fact.target else root if fact.name == root else fact.module
        calls = () if fact.level else python_endings()
        found.update(fact.name + call.removeprefix(meant) for call in calls if f"{call}.".startswith(f"{meant}."))
    return frozenset(found)


def _never_returns(function: tree.Function, endings: frozenset[str]) -> bool:
    if tree.path_of(function.returns).rpartition(".")[2] in _NEVER:
        return True
    last = function.body[-1] if function.body else None
    if isinstance(last, tree.Raise):
        ends = "NotImplementedError" not in tree.path_of(_raised(last))
    else:
        ends = isinstance(last, tree.Expression) and leaves(last.value, endings)
    return ends and not any(isinstance(node, tree.Return | tree.Yield) for node in tree.walk_own(function))


def _raised(node: tree.Raise) -> tree.Node | None:
    return node.value.function if isinstance(node.value, tree.Call) else node.value


# ---------------------------------------------------------------- names


def names_in(target: tree.Node | None) -> set[str]:
    """The names that an assignment to this binds: not those that a subscript or an attribute in it is reached by."""
    match target:
        case tree.Name(id=name):
            return {name}
        case tree.Collection(items=items):
            return {name for item in items for name in names_in(item)}
        case tree.Star(value=value):
            return names_in(value)
    return set()


def _locals_of(function: tree.Function) -> set[str]:
    outer = {name for node in tree.walk_own(function) if isinstance(node, tree.Outer) for name in node.names}
    return _bound_in(function.body or []) - outer - {param.name for param in function.params}


def _bound_in(body: Iterable[tree.Node]) -> set[str]:
    """The names that statements bind, at any depth, without those of functions and classes in them."""
    found: set[str] = set()
    for statement in body:
        for node in tree.walk(statement, into=tree.is_of_the_same):
            found.update(_bound_by(node))
    return found


def _bound_by(node: tree.Node) -> Iterator[str]:
    match node:
        case tree.Assign(targets=targets, value=value) if value is not None:
            for target in targets:
                yield from names_in(target)
        case tree.Loop(target=target) | tree.Named(target=target):
            yield from names_in(target)
        case tree.With(items=items):
            for _, entered in items:
                yield from names_in(entered)
        case tree.Function(name=name) | tree.Class(name=name):
            yield name
        case tree.Import(names=[], module=module, alias=alias):
            yield alias or module.split(".")[0]
        case tree.Import(names=names):
            yield from (alias or name for name, alias in names)


def _bound_at_once(body: list[tree.Node]) -> set[str]:
    """The names that the first statements give a constant: nothing has been raised by then."""
    found: set[str] = set()
    for statement in body:
        if not isinstance(statement, tree.Assign) or not isinstance(statement.value, tree.Literal | tree.Name):
            break
        found.update(_bound_by(statement))
    return found


# ---------------------------------------------------------------- ways out


def _is_false(test: tree.Node) -> bool:
    return isinstance(test, tree.Literal) and test.text in ("False", "0")


def leaves(value: tree.Node, endings: frozenset[str]) -> bool:
    """A call that never comes back, by its name or as one of these functions; awaited or not."""
    if isinstance(value, tree.Await):
        value = value.value
    path = tree.path_of(value.function) if isinstance(value, tree.Call) else ""
    return bool(path) and (bool(_LEAVES.search(_end(path))) or path.removeprefix("self.") in endings)


def _end(path: str) -> str:
    """The last two names of a path."""
    return ".".join(path.split(".")[-2:])


def _is_endless(node: tree.Loop) -> bool:
    always = isinstance(node.test, tree.Literal) and node.test.text in ("True", "1")
    return always and not any(isinstance(n, tree.Jump) and n.kind == "break" for n in tree.walk(node))
