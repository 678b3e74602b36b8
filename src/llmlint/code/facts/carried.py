"""What the places of one C, C++ or CUDA function hold, and what was asked about them, on its tree.

Each statement is passed once, in the order of control. A place (`n`, `p->next`, `src[0]`) that was given a value worth
following holds an origin, together with what every way here has asked about it. There is no solver: a test says of a
place that it is below or above something, equals it, or is there at all; what it is compared with is not weighed, so
any bound counts as the right one. Bodies of loops are passed as on their first round; at a label the ways of all jumps
to it meet, and nothing is known behind one that a jump goes back to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from llmlint.code.facts.native_endings import Endings, never_comes_back
from llmlint.code.facts.native_tests import ASKED, EQUAL, RULES_OUT, SET, inside_casts, place_of, told_by
from llmlint.code.syntax import tree
from llmlint.code.syntax.written import mentions

Origin = TypeVar("Origin")

_ASSERTS = re.compile(r"assert|check|_require|_expect|enforce|verify|if_null|if_not", re.IGNORECASE)
UNEVALUATED = frozenset({"sizeof", "decltype", "alignof", "offsetof", "typeid"})


class Held(NamedTuple, Generic[Origin]):
    """`asked` is what all ways here were told of the place, `at` the test that asked last; `sure`: on all ways here the
    place holds the origin, and not only on some."""

    origin: Origin
    asked: frozenset[str] = frozenset()
    at: tree.Node | None = None
    sure: bool = True


class Walk(Generic[Origin]):
    """One pass through a function. What is followed, and where it matters, a subclass says by `given` and `meets`."""

    def __init__(self, function: tree.Function, endings: Endings) -> None:
        self.function = function
        self.endings = endings
        self.tries = 0
        self.branches = 0
        """How many branches and loops are around."""
        self.may_have_left = False
        """Did a way before here leave the function?"""
        self._changed: list[str] = []
        """Each place that got another value so far, so that a loop knows what its body changes."""
        self.types: dict[str, str] = {}
        self.counters: set[str] = set()
        """The variables of the counting loops around."""
        self._jumps: dict[str, list[dict[str, Held[Origin]]]] = {}
        """What held at each `goto` so far, by its label."""

    def run(self) -> None:
        self.block(self.function.body or [], self.at_entry())

    # ------------------------------------------------------------ what a subclass says

    def at_entry(self) -> dict[str, Held[Origin]]:
        return {}

    def given(
        self, value: tree.Node, state: dict[str, Held[Origin]], target: tree.Node, declared: str
    ) -> Held[Origin] | None:
        """What a place holds that is given this value; `declared` is its type where it is declared here."""
        return None

    def meets(self, node: tree.Node, state: dict[str, Held[Origin]]) -> None:
        """Each expression once what stands in it has been evaluated."""

    def told(self, held: Held[Origin], told: str, at: tree.Node) -> None:
        """A test told this of what a place holds."""

    def weighs(self, call: tree.Call) -> bool:
        """Does a call that decides a branch say something about what it was given?"""
        return True

    def bare(self, call: tree.Call) -> str:
        """What a call that checks what it is given says of a place that is an argument by itself: `check(p)`."""
        return SET

    def asserted(self, call: tree.Call, state: dict[str, Held[Origin]]) -> None:
        """An assertion that ends the program where it does not hold."""

    def begins(self, loop: tree.Loop, test: tree.Node, state: dict[str, Held[Origin]]) -> None:
        """The test of a loop, before its first round."""

    def part_of(self, place: str, state: dict[str, Held[Origin]]) -> Held[Origin] | None:
        """What a place holds of which only the whole is known."""
        return None

    # ------------------------------------------------------------ statements

    def block(self, body: Iterable[tree.Node], state: dict[str, Held[Origin]]) -> dict[str, Held[Origin]] | None:
        """The state behind the statements, None where control never gets there."""
        here: dict[str, Held[Origin]] | None = state
        for statement in body:
            if isinstance(statement, tree.Label):
                here = self._at_label(statement, here)
            if here is None:
                continue
            here = self._statement(statement, here)
        return here

    def _at_label(self, label: tree.Label, comes: dict[str, Held[Origin]] | None) -> dict[str, Held[Origin]]:
        jumps = (node for node in tree.walk(self.function) if isinstance(node, tree.Jump) and node.label == label.name)
        if any(jump.line > label.line for jump in jumps):
            return {}
        return joined([comes, *self._jumps.pop(label.name, ())]) or {}

    def _statement(self, node: tree.Node, state: dict[str, Held[Origin]]) -> dict[str, Held[Origin]] | None:
        match node:
            case tree.Assign():
                self._assign(node, state)
            case tree.Expression(value=value):
                self.evaluate(value, state)
                if never_comes_back(value, self.endings):
                    return None
                if isinstance(value, tree.Call):
                    name = tree.path_of(value.function)
                    if _ASSERTS.search(name.rpartition(".")[2]):
                        self.asserted(value, state)
                        for arg in value.args:
                            state = self._vetted(value, arg, state)
            case tree.If(test=test, body=body, orelse=orelse):
                return self._if(test, body, orelse, state)
            case tree.Loop():
                return self._loop(node, state)
            case tree.Switch(subject=subject, cases=cases):
                return self._switch(subject, cases, state)
            case tree.Try(body=body, handlers=handlers):
                before = dict(state)
                self.tries += bool(handlers)
                tried = self.block(body, state)
                self.tries -= bool(handlers)
                ends = [tried, *(self.block(h.body, dict(before)) for h in handlers)]
                return joined(ends)
            case tree.With(items=items, body=body):
                for entered, _ in items:
                    self.evaluate(entered, state)
                return self.block(body, state)
            case tree.Block(body=body) | tree.Broken(body=body):
                return self.block(body, state)
            case tree.Return(value=value) | tree.Raise(value=value):
                if value is not None:
                    self.evaluate(value, state)
                self.may_have_left = True
                return None
            case tree.Jump(label=label):
                self.may_have_left |= bool(label)
                if label:
                    self._jumps.setdefault(label, []).append(dict(state))
                return None
            case tree.Delete(targets=targets):
                for target in targets:
                    self.evaluate(target, state)
            case tree.Function() | tree.Class() | tree.Import() | tree.Label():
                pass
            case _:
                self.evaluate(node, state)
        return state

    def _assign(self, node: tree.Assign, state: dict[str, Held[Origin]]) -> None:
        if node.value is not None:
            self.evaluate(node.value, state)
        for target in node.targets:
            if not isinstance(target, tree.Name):
                self._evaluate_below(target, state)
                self.meets(target, state)
            declared = node.annotation.text if isinstance(node.annotation, tree.TypeName) else ""
            self._give(target, None if node.op else node.value, state, declared)

    def _give(
        self, target: tree.Node, value: tree.Node | None, state: dict[str, Held[Origin]], declared: str = ""
    ) -> None:
        held = self.given(value, state, target, declared) if value is not None else None
        place = place_of(target)
        if declared:
            self.types[place] = declared
        else:
            self._changed.append(place)
        if not place:
            return
        forget(state, place)
        if held is not None:
            state[place] = held

    def _if(
        self, test: tree.Node, body: Iterable[tree.Node], orelse: Iterable[tree.Node], state: dict[str, Held[Origin]]
    ) -> dict[str, Held[Origin]] | None:
        self.evaluate(test, state)
        held, failed = self._where(test, True, state), self._where(test, False, state)
        self.branches += 1
        ends = [self.block(body, held), self.block(orelse, failed)]
        self.branches -= 1
        return joined(ends)

    def _loop(self, node: tree.Loop, state: dict[str, Held[Origin]]) -> dict[str, Held[Origin]] | None:
        first, test, update, walked = parts_of_loop(node)
        if walked is not None:
            self.evaluate(walked, state)
        for part in first:
            self._statement(part, state)
        if node.target is not None:
            for name in _names_in(node.target):
                forget(state, name)
        if test is not None and node.kind != "do":
            self.begins(node, test, state)
            self.evaluate(test, state)
        inside = self._where(test, True, state) if test is not None and node.kind != "do" else dict(state)
        counters = {name for part in first for name in _declared_by(part)} - self.counters
        self.counters |= counters
        before = len(self._changed)
        self.branches += node.kind != "do"
        ends = self.block([*node.body, *update], inside)
        self.branches -= node.kind != "do"
        self.counters -= counters
        if test is not None and node.kind == "do" and ends is not None:
            self.evaluate(test, ends)
        after = dict(state)
        for place in set(self._changed[before:]) if after else ():
            forget(after, place)
        if test is not None and node.kind != "count":
            after = self._where(test, False, after)
        return after

    def _switch(
        self, subject: tree.Node, cases: Sequence[tree.Case], state: dict[str, Held[Origin]]
    ) -> dict[str, Held[Origin]]:
        self.evaluate(subject, state)
        place = place_of(subject)
        inside = self._note(dict(state), place, EQUAL, subject)
        before = len(self._changed)
        self.branches += 1
        for case in cases:
            self.block(case.body, dict(inside))
        self.branches -= 1
        after = self._note(dict(state), place, ASKED, subject)
        for changed in set(self._changed[before:]) if after else ():
            forget(after, changed)
        return after

    # ------------------------------------------------------------ expressions

    def evaluate(self, node: tree.Node, state: dict[str, Held[Origin]]) -> None:
        kind = type(node)
        if kind in _LEAVES:
            return
        special = _SPECIAL.get(kind)
        if special is not None and getattr(self, special)(node, state):
            return
        for child in tree.children(node):
            if type(child) not in _LEAVES:
                self.evaluate(child, state)
        self.meets(node, state)
        if kind is tree.Compare and state:
            self._ask(node, state)

    def _logic(self, node: tree.Logic, state: dict[str, Held[Origin]]) -> bool:
        here = state
        for at, operand in enumerate(node.operands):
            self.branches += at > 0
            self.evaluate(operand, here)
            self.branches -= at > 0
            here = self._where(operand, node.op == "and", here)
        for place, held in here.items():  # what a later operand may have given
            if place not in state or state[place].origin is not held.origin:
                state[place] = held
        self._remember_asked(state, here)
        return True

    def _conditional(self, node: tree.Conditional, state: dict[str, Held[Origin]]) -> bool:
        self.evaluate(node.test, state)
        self.branches += 1
        self.evaluate(node.body, self._where(node.test, True, state))
        self.evaluate(node.orelse, self._where(node.test, False, state))
        self.branches -= 1
        return True

    def _lambda(self, node: tree.Lambda, state: dict[str, Held[Origin]]) -> bool:
        has_left, self.branches = self.may_have_left, self.branches + 1
        self.block(node.function.body or [], {})
        self.may_have_left, self.branches = has_left, self.branches - 1
        return True

    def _call(self, node: tree.Call, state: dict[str, Held[Origin]]) -> bool:
        return isinstance(node.function, tree.Name) and node.function.id in UNEVALUATED

    def _named(self, node: tree.Named, state: dict[str, Held[Origin]]) -> bool:
        self.evaluate(node.value, state)
        self._give(node.target, None if node.op else node.value, state)
        return True

    def _declared(self, node: tree.Assign, state: dict[str, Held[Origin]]) -> bool:
        self._assign(node, state)
        return True

    def _unary(self, node: tree.Unary, state: dict[str, Held[Origin]]) -> bool:
        if node.op in ("++", "--"):
            self.evaluate(node.operand, state)
            place = place_of(node.operand)
            self._changed.append(place)
            forget(state, place)
        return node.op in ("++", "--")

    def _evaluate_below(self, node: tree.Node, state: dict[str, Held[Origin]]) -> None:
        for child in tree.children(node):
            if type(child) not in _LEAVES:
                self.evaluate(child, state)

    def _ask(self, test: tree.Node, state: dict[str, Held[Origin]]) -> None:
        """A comparison that may decide nothing yet: `bool there = p != nullptr`."""
        for place, told, at in self._weighed(test, True):
            held = state.get(place)
            if held is not None:
                self.told(held, told, at)
                state[place] = held._replace(asked=held.asked | {ASKED}, at=at)

    def _remember_asked(self, state: dict[str, Held[Origin]], told: dict[str, Held[Origin]]) -> None:
        for place, held in told.items():
            if ASKED in held.asked and place in state:
                known = state[place]
                state[place] = known._replace(asked=known.asked | {ASKED}, at=held.at)

    # ------------------------------------------------------------ tests

    def _where(self, test: tree.Node, holds: bool, state: dict[str, Held[Origin]]) -> dict[str, Held[Origin]]:
        """The state where a test holds, or where it does not."""
        if not state:
            return {}
        state = dict(state)
        for place, told, at in self._weighed(test, holds):
            state = self._note(state, place, told, at)
        return state

    def _vetted(self, call: tree.Call, arg: tree.Node, state: dict[str, Held[Origin]]) -> dict[str, Held[Origin]]:
        place = place_of(inside_casts(arg))
        told = self.bare(call) if place else SET
        return self._where(arg, True, state) if told == SET else self._note(dict(state), place, told, arg)

    def _weighed(self, test: tree.Node, holds: bool) -> Iterator[tuple[str, str, tree.Node]]:
        for place, told, at in told_by(test, holds):
            if told != ASKED or not isinstance(at, tree.Call) or self.weighs(at):
                yield place, told, at

    def held_at(self, place: str, state: dict[str, Held[Origin]]) -> Held[Origin] | None:
        """What is followed at a place, or at what it is a part of."""
        return (state.get(place) or self.part_of(place, state)) if place and state else None

    def _note(self, state: dict[str, Held[Origin]], place: str, told: str, at: tree.Node) -> dict[str, Held[Origin]]:
        held = self.held_at(place, state)
        if held is not None:
            self.told(held, told, at)
            state[place] = held
            for other in [known for known, value in state.items() if value.origin is held.origin]:
                asked = state[other].asked - {RULES_OUT.get(told, "")}
                state[other] = held._replace(asked=asked | {told, ASKED}, at=at)
        return state


_LEAVES = frozenset({tree.Name, tree.Literal, tree.TypeName})
_SPECIAL: dict[type[tree.Node], str] = {
    tree.Logic: "_logic",
    tree.Conditional: "_conditional",
    tree.Lambda: "_lambda",
    tree.Call: "_call",
    tree.Named: "_named",
    tree.Assign: "_declared",
    tree.Unary: "_unary",
}


# ---------------------------------------------------------------- joining


def joined(ends: Sequence[dict[str, Held[Origin]] | None]) -> dict[str, Held[Origin]] | None:
    """What may be held where ways meet: what only one holds too; what all of them were told."""
    reached = [end for end in ends if end is not None]
    if not reached:
        return None
    merged = dict(reached[0])
    for end in reached[1:]:
        for place in merged.keys() - end.keys():
            merged[place] = merged[place]._replace(sure=False)
        for place, held in end.items():
            known = merged.get(place)
            if known is None:
                merged[place] = held._replace(sure=False)
            elif known is not held:
                both = (known.asked & held.asked) | ((known.asked | held.asked) & {ASKED})
                sure = known.sure and held.sure and known.origin is held.origin
                merged[place] = Held(known.origin, both, held.at or known.at, sure)
    return merged


class LoopParts(NamedTuple):
    """What a loop does once, asks before a round, does behind one, and walks."""

    first: list[tree.Node]
    test: tree.Node | None
    update: list[tree.Node]
    walked: tree.Node | None


def parts_of_loop(node: tree.Loop) -> LoopParts:
    if node.kind == "count" and isinstance(node.iterable, tree.Collection):
        return LoopParts(*_parts_of_count(node.iterable.items), None)
    return LoopParts([], node.test, [], node.iterable)


def _parts_of_count(items: Sequence[tree.Node]) -> tuple[list[tree.Node], tree.Node | None, list[tree.Node]]:
    """The beginning, the test and the update of a C `for`, as far as they can be told apart."""
    for at, item in enumerate(items):
        if isinstance(item, tree.Compare | tree.Logic) or (at and isinstance(item, tree.Name | tree.Attribute)):
            return list(items[:at]), item, list(items[at + 1 :])
    first: list[tree.Node] = [item for item in items if isinstance(item, tree.Assign)]
    return first, None, [item for item in items if not isinstance(item, tree.Assign)]


def _declared_by(node: tree.Node) -> Iterator[str]:
    match node:
        case tree.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, tree.Name))
        case tree.Named(target=tree.Name(id=name)):
            yield name


def _names_in(node: tree.Node) -> Iterator[str]:
    return (inner.id for inner in tree.walk(node) if isinstance(inner, tree.Name))


def forget(state: dict[str, Held[Origin]], place: str) -> None:
    """The place has another value: nothing is known of it, nor of what is reached by it."""
    for known in [k for k in state if place in k and mentions(k, place)] if place and state else ():
        del state[known]
