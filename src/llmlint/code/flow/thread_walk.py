"""One pass through a function that the threads of a block run side by side: which of its places only some reach.

Statements are passed in the order of control; what differs between threads is followed through locals. Loops are
passed twice, so that a round meets what the one before left behind. Threads meet again behind an `if` and behind a
loop; they do not where some have gone on to the next round, have left the loop, or came back to the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from llmlint.code.facts.carried import UNEVALUATED, parts_of_loop
from llmlint.code.flow.thread_values import Threads, Why, calls_in
from llmlint.code.syntax import tree
from llmlint.phrases import last_name, words

_LONGEST = 300
"""Of what is kept as text."""
_GIVES = tree.Assign | tree.Named
_DEEPEST = 4
"""Loops in loops that are passed twice."""


class Apart(NamedTuple):
    """A test that holds for some threads of a block only, of the statement `around` what they reach alone; `how` it
    sends them elsewhere."""

    why: Why
    at: tree.Node
    around: tree.Node
    holds: bool = True
    how: str = "if"


@dataclass
class Here:
    """What differs by name, which threads a `continue`, `break` or `return` has sent elsewhere by now (by how many
    loops that left), and what a subclass keeps: where two ways meet the first stays, of text both."""

    differing: dict[str, Why] = field(default_factory=dict)
    gone: dict[int, Apart] = field(default_factory=dict)
    kept: dict[Any, Any] = field(default_factory=dict)

    def copy(self) -> Here:
        return Here(dict(self.differing), dict(self.gone), dict(self.kept))


@dataclass
class _Loop:
    """A loop or switch around: `depth` counts the tests around it, `left` says why some threads have left it."""

    depth: int
    node: tree.Node
    is_switch: bool = False
    left: Apart | None = None
    steps: list[tree.Node] = field(default_factory=list)
    breaks: list[Here] = field(default_factory=list)
    nexts: list[Here] = field(default_factory=list)


class ThreadWalk:
    def __init__(self, function: tree.Function, threads: Threads, is_kernel: bool) -> None:
        self.function = function
        self.threads = threads
        self.is_kernel = is_kernel
        self.apart: list[Apart] = []
        self.loops: list[_Loop] = []
        self.sent: list[tuple[int, Apart]] = []
        """The jumps so far that only some threads take, with the number of loops that stay around them."""
        self.jumped: dict[str, list[Here]] = {}
        """What is known at each `goto` so far, by its label."""
        self.ends: list[Here] = []
        """What is known at each `return` so far."""
        self.given: list[str] = []
        """Each local so far that got another value."""
        self.equal: list[str] = []
        """Each local so far that all threads have summed up from memory of the block."""
        self.groups = threads.groups_in(function)
        declared = [n for n in tree.walk_own(function) if isinstance(n, tree.Assign) and n.declares]
        self.shared = frozenset(name for n in declared if _is_shared(n) for name in _declared(n))
        """What all threads see: memory of the block, and what refers to anything."""
        self.own = {name: _type(n) for n in declared if not _is_shared(n) for name in _declared(n)}

    def run(self) -> None:
        self.block(self.function.body or [], Here())

    # ------------------------------------------------------------ what a subclass says

    def meets(self, call: tree.Call, kind: str, here: Here) -> None:
        """A barrier."""

    def called(self, call: tree.Call, here: Here) -> None:
        """Any other call."""

    def reads(self, node: tree.Node, here: Here) -> None:
        """A name, or an element of an array."""

    def writes(self, target: tree.Node, value: tree.Node | None, here: Here) -> None:
        """A place that gets a value; None where it is added to what is there."""

    def begins(self, node: tree.Loop, first: list[tree.Node], update: list[tree.Node], here: Here) -> None:
        """A loop, behind what it does once."""

    def may_be_passed(self, node: tree.Loop) -> bool:
        """May a loop have no round at all, as far as matters here?"""
        return True

    def missing(self, here: Here) -> list[Apart]:
        """Why some threads may not be here."""
        left = [loop.left for loop in self.loops if loop.left is not None]
        return [*self.apart, *here.gone.values(), *left]

    # ------------------------------------------------------------ statements

    def block(self, body: Iterable[tree.Node], here: Here | None) -> Here | None:
        declared: dict[str, Why | None] = {}
        body = list(body)
        for at, statement in enumerate(body):
            if isinstance(statement, tree.Label):
                here = joined([here, *self.jumped.pop(statement.name, ())])
            if here is None:
                continue
            if isinstance(statement, tree.If) and self._leaves_by_as_many(statement, body[at + 1 :]):
                return self._both_ways(statement, body[at + 1 :], here)
            for name in _declared(statement):
                declared.setdefault(name, here.differing.get(name))
            here = self._statement(statement, here)
        if here is not None:
            _restore(here, declared)
        return here

    def _statement(self, node: tree.Node, here: Here) -> Here | None:
        match node:
            case tree.Assign():
                self._assign(node, here)
            case tree.If(test=test, body=body, orelse=orelse):
                return self._if(node, test, body, orelse, here)
            case tree.Loop():
                return self._loop(node, here)
            case tree.Switch():
                return self._switch(node, here)
            case tree.Block(body=body) | tree.Broken(body=body) | tree.With(body=body) | tree.Try(body=body):
                return self.block(body, here)
            case tree.Return(value=value) | tree.Raise(value=value):
                self.evaluate(value, here)
                self.ends.append(here)
                if not self.is_kernel and self.apart:
                    self.sent.append((0, self.apart[-1]._replace(how="return")))
                return None
            case tree.Jump(kind=kind, label=label):
                if label:
                    self.jumped.setdefault(label, []).append(here)
                self._jump(kind, here)
                return None
            case tree.Expression(value=value):
                self.evaluate(value, here)
            case tree.Function() | tree.Class() | tree.Import() | tree.Label():
                pass
            case _:
                self.evaluate(node, here)
        return here

    def _assign(self, node: tree.Assign, here: Here) -> None:
        self.evaluate(node.value, here)
        for target in node.targets:
            self._below_target(target, here)
            if node.op:
                self.reads(target, here)
            self._give(target, node.value, here, bool(node.op), node.declares)

    def _give(
        self, target: tree.Node, value: tree.Node | None, here: Here, adds: bool = False, is_new: bool = False
    ) -> None:
        self.writes(target, None if adds else value, here)
        if not self._is_own(target):
            return
        why = self.threads.why(value, here.differing)
        place = tree.path_of(target)
        if isinstance(target, tree.Index):  # one element among others
            place, adds = place.partition("[")[0], True
        if not is_new and place:
            self.given.append(place)
        if adds and self._is_of_block(value):
            why = None  # what all threads add up is the same in all
            self.equal.append(place)
            here.differing.pop(place, None)
        if why is not None and place:
            here.differing[place] = why
        elif not adds:
            here.differing.pop(place, None)

    def _met_again(self, here: Here, given: Sequence[str], why: Why) -> None:
        """What only some threads were given differs where they meet the others."""
        for place in given:
            here.differing.setdefault(place, why)

    def _is_own(self, target: tree.Node) -> bool:
        """Does each thread have this place for itself: a local, a parameter, an element or field of one?"""
        of_type = self.own.get(tree.path_of(target).partition("[")[0].partition(".")[0], "auto")
        if isinstance(target, tree.Name):
            return target.id not in self.shared or target.id in self.own
        if isinstance(target, tree.Index):
            return "[]" in of_type and "*" not in of_type
        return "auto" not in of_type

    def _is_of_block(self, value: tree.Node | None) -> bool:
        return tree.path_of(value).partition("[")[0] in self.shared and isinstance(value, tree.Index)

    def _under(
        self, node: tree.Node, test: tree.Node, holds: bool, body: Sequence[tree.Node], here: Here
    ) -> Here | None:
        why = self._divides(test, here)
        self.apart += [Apart(why, test, node, holds)] if why is not None else []
        ends = self.block(body, here.copy())
        if why is not None:
            self.apart.pop()
        return ends

    def _if(
        self, node: tree.If, test: tree.Node, body: list[tree.Node], orelse: list[tree.Node], here: Here
    ) -> Here | None:
        self.evaluate(test, here)
        if self._meet_alike(body, orelse):
            return joined([self.block(body, here.copy()), self.block(orelse, here.copy())])
        why, before, given = self._divides(test, here), len(self.sent), len(self.given)
        ends = joined([self._under(node, test, True, body, here), self._under(node, test, False, orelse, here)])
        if ends is not None and why is not None:
            self._met_again(ends, self.given[given:], why)
            for loops, apart in self.sent[before:]:
                if loops <= len(self.loops):
                    ends.gone.setdefault(loops, apart)
        return ends

    def _leaves_by_as_many(self, node: tree.If, behind: list[tree.Node]) -> bool:
        """Does the branch end the function after as many barriers as stand behind it?"""
        is_last = bool(node.body) and not node.orelse and isinstance(node.body[-1], tree.Return)
        return is_last and self._meet_alike(node.body, behind)

    def _both_ways(self, node: tree.If, behind: list[tree.Node], here: Here) -> Here | None:
        self.evaluate(node.test, here)
        self.block(node.body, here.copy())
        return self.block(behind, here)

    def _meet_alike(self, body: list[tree.Node], orelse: list[tree.Node]) -> bool:
        """Do both branches come to as many barriers? The threads of each count for the other."""
        here, there = (self._barriers_in(branch) for branch in (body, orelse))
        return here == there and here > 0

    def _barriers_in(self, body: list[tree.Node]) -> int:
        return sum(bool(self.threads.barrier(call, self.groups)) for part in body for call in calls_in(part))

    def _switch(self, node: tree.Switch, here: Here) -> Here | None:
        self.evaluate(node.subject, here)
        self.loops.append(_Loop(len(self.apart), node, is_switch=True))
        ends = [self._under(node, node.subject, True, case.body, here) for case in node.cases]
        breaks = self.loops.pop().breaks
        return joined([here, *ends, *breaks])

    def _jump(self, kind: str, here: Here) -> None:
        loops = [loop for loop in self.loops if kind == "break" or not loop.is_switch]
        if not loops or kind not in ("break", "continue"):
            return
        loop = loops[-1]
        loop.breaks += [here] if kind == "break" else []
        loop.nexts += [here] if kind == "continue" else []
        inside = self.apart[loop.depth :]
        if inside and not loop.is_switch:
            self.sent.append((self.loops.index(loop) + 1, inside[-1]._replace(how=kind, around=loop.node)))
            if kind == "break":
                loop.left = loop.left or self.sent[-1][1]

    def _loop(self, node: tree.Loop, here: Here) -> Here | None:
        first, test, update, walked = parts_of_loop(node)
        self.evaluate(walked, here)
        declared = {name: here.differing.get(name) for part in first for name in _declared(part)}
        for part in first:
            self._statement(part, here)
        self.begins(node, first, update, here)
        after = self._rounds(node, test, update, here)
        if after is not None:
            _restore(after, declared)
        return after

    def _rounds(self, node: tree.Loop, test: tree.Node | None, update: list[tree.Node], here: Here) -> Here | None:
        steps = [part.value for part in update if isinstance(part, _GIVES) and part.op and part.value is not None]
        loop = _Loop(len(self.apart), node, steps=steps)
        self.loops.append(loop)
        before, given = len(self.equal), len(self.given)
        ends: list[Here | None] = [here] if node.kind != "do" and self.may_be_passed(node) else []
        begin = here
        for _ in range(2 if len(self.loops) <= _DEEPEST else 1):
            loop.nexts = []
            end = self._round(node, test, update, begin.copy())
            ends += [end]
            if end is None:
                break
            begin = joined([begin, end]) or begin
        self.loops.pop()
        after = joined([*ends, *loop.breaks])
        left = self._divides(test, begin) or (loop.left.why if loop.left is not None else None)
        if after is not None and left is not None:
            self._met_again(after, self.given[given:], left)
        if after is not None:
            after.gone = {loops: apart for loops, apart in after.gone.items() if loops <= len(self.loops)}
            after.differing = {name: why for name, why in after.differing.items() if name not in self.equal[before:]}
        return after

    def _round(self, node: tree.Loop, test: tree.Node | None, update: list[tree.Node], here: Here) -> Here | None:
        if node.kind != "do":
            self.evaluate(test, here)
        why = None if self._is_strided(node, test, here) else self._divides(test, here)
        before, given = len(self.apart), len(self.given)
        if node.kind == "do":
            self._stays(node, test, here)
        elif why is not None:
            self.apart.append(Apart(why, test or node, node, True, "loop"))
        end = joined([self.block(node.body, here), *self.loops[-1].nexts])
        gone = end.gone.pop(len(self.loops), None) if end is not None else None
        if end is not None and gone is not None:
            self._met_again(end, self.given[given:], gone.why)
        for part in update if end is not None else ():
            end = self._statement(part, end) if end is not None else None
        if node.kind == "do" and end is not None:
            self.evaluate(test, end)
        del self.apart[before:]
        return end

    def _is_strided(self, node: tree.Loop, test: tree.Node | None, here: Here) -> bool:
        """Do the threads walk to one end in steps, each from its place: `for (i = tid; i < n; i += blockDim.x)`? Such
        loops are launched with as many threads as go into `n`."""
        sides = test.operands if isinstance(test, tree.Compare) else []
        differing = [side for side in sides if self.threads.why(side, here.differing) is not None]
        stepped = {tree.path_of(t) for n in tree.walk(node) if isinstance(n, tree.Assign) and n.op for t in n.targets}
        stepped |= {tree.path_of(n.target) for n in tree.walk(node) if isinstance(n, tree.Named) and n.op}
        return len(differing) == 1 and any(
            isinstance(n, tree.Name) and n.id in stepped for n in tree.walk(differing[0])
        )

    def _divides(self, test: tree.Node | None, here: Here) -> Why | None:
        """What makes a test hold for some threads and not for others, as far as is known."""
        match test:
            case tree.Logic(operands=operands):
                return next((why for one in operands if (why := self._divides(one, here)) is not None), None)
            case tree.Unary(op="not", operand=operand):
                return self._divides(operand, here)
            case tree.Compare(operands=sides) if self._is_alike(sides, here):
                return None
        return self.threads.why(test, here.differing)

    def _is_alike(self, sides: list[tree.Node], here: Here) -> bool:
        """May a comparison come out the same in each thread? The other side moves along with the thread
        (`t < to + tid`), is rounded up to whole blocks, or is how far a loop's rounds are apart."""
        apart = [self.threads.why(side, here.differing) is not None for side in sides]
        steps = {tree.path_of(step) for loop in self.loops for step in loop.steps} - {""}
        return all(apart) or any(self._is_rounded(side) or tree.path_of(side) in steps for side in sides)

    def _is_rounded(self, end: tree.Node) -> bool:
        named = {node.id for node in tree.walk(end) if isinstance(node, tree.Name)}
        given = [
            n.value
            for n in tree.walk_own(self.function)
            if isinstance(n, tree.Assign) and not named.isdisjoint(_declared(n))
        ]
        return any(_rounds_up(node) for value in (end, *given) if value is not None for node in tree.walk(value))

    def _stays(self, node: tree.Loop, test: tree.Node | None, here: Here) -> None:
        """From the second round of a `do` on only those are there for whom its test held."""
        why = self._divides(test, here)
        if why is not None and test is not None:
            self.loops[-1].left = self.loops[-1].left or Apart(why, test, node, True, "loop")

    # ------------------------------------------------------------ expressions

    def evaluate(self, node: tree.Node | None, here: Here) -> None:
        match node:
            case None | tree.Literal() | tree.TypeName() | tree.Lambda():
                return
            case tree.Assign():
                self._assign(node, here)
            case tree.Named(target=target, value=value, op=op):
                self.evaluate(value, here)
                self._below_target(target, here)
                self._give(target, value, here, bool(op))
            case tree.Unary(op="++" | "--", operand=operand):
                self._below_target(operand, here)
                self.reads(operand, here)
                self._give(operand, operand, here, True)
            case tree.Logic(operands=operands):
                self._in_turn(operands, here)
            case tree.Conditional(test=test, body=body, orelse=orelse):
                self.evaluate(test, here)
                self._only_where(test, body, here)
                self._only_where(test, orelse, here)
            case tree.Call(function=function) if tree.path_of(function) in UNEVALUATED:
                return
            case tree.Call(function=function, args=args):
                for part in (function, *args) if not isinstance(function, tree.Name) else args:
                    self.evaluate(part, here)
                kind = self.threads.barrier(node, self.groups)
                if kind:
                    self.meets(node, kind, here)
                else:
                    self.called(node, here)
            case _:
                for child in tree.children(node):
                    self.evaluate(child, here)
                self.reads(node, here)

    def _in_turn(self, operands: list[tree.Node], here: Here) -> None:
        for at, operand in enumerate(operands):
            if at:
                self._only_where(operands[at - 1], operand, here)
            else:
                self.evaluate(operand, here)

    def _only_where(self, test: tree.Node, node: tree.Node, here: Here) -> None:
        why = self._divides(test, here)
        self.apart += [Apart(why, test, node)] if why is not None else []
        self.evaluate(node, here)
        if why is not None:
            self.apart.pop()

    def _below_target(self, target: tree.Node, here: Here) -> None:
        if not isinstance(target, tree.Name):
            for child in tree.children(target):
                if not isinstance(child, tree.Name) or not isinstance(target, tree.Index) or child is not target.value:
                    self.evaluate(child, here)


_ROUNDED = frozenset("round rounded ceil align aligned pad padded div up".split())


def _rounds_up(node: tree.Node) -> bool:
    """`round_up(n, 32)`, `n_padded`, `(n + 31) / 32 * 32`."""
    match node:
        case tree.Name() | tree.Attribute():
            return not _ROUNDED.isdisjoint(words(last_name(tree.path_of(node))))
        case tree.Binary(op="*", left=left):
            return any(isinstance(inner, tree.Binary) and inner.op == "/" for inner in tree.walk(left))
    return False


def _is_shared(node: tree.Assign) -> bool:
    return "__shared__" in node.specifiers or "static" in node.specifiers or _type(node).endswith(("&", "*"))


def _type(node: tree.Assign) -> str:
    return node.annotation.text.rstrip() if isinstance(node.annotation, tree.TypeName) else ""


def _declared(statement: tree.Node) -> list[str]:
    if not isinstance(statement, tree.Assign) or not statement.declares:
        return []
    return [target.id for target in statement.targets if isinstance(target, tree.Name)]


def _restore(here: Here, declared: dict[str, Why | None]) -> None:
    """What a name meant outside of the block in which it was declared anew."""
    for name, why in declared.items():
        here.differing.pop(name, None)
        if why is not None:
            here.differing[name] = why


def joined(ends: Sequence[Here | None]) -> Here | None:
    reached = [end for end in ends if end is not None]
    if not reached:
        return None
    merged = reached[0].copy()
    for end in reached[1:]:
        for loops, apart in end.gone.items():
            merged.gone.setdefault(loops, apart)
        for name, why in end.differing.items():
            merged.differing.setdefault(name, why)
        for key, kept in end.kept.items():
            known = merged.kept.setdefault(key, kept)
            if known != kept and isinstance(kept, str):
                merged.kept[key] = f"({known}|{kept})"[:_LONGEST]
    return merged
