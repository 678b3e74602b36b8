"""Which values each rank has of its own: what its clock, queues, files and its device's memory tell, and what is worked
out of that, as long as no collective has made it the same for all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from llmlint.code.domain.collectives import Meets, collective_at, meets
from llmlint.code.facts.facts import Effect, Region, Test
from llmlint.code.link.exits import BRANCHES, around
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.findings import Step
from llmlint.phrases import last_name, words

_DEEPEST = 3
_NEAR = 2
_TESTS = ("if", "else")
_EMPTINESS = re.compile(r"(not )?\w+|(not )?len\(\w+\)( [=<>!]+ \d+)?")
"""A question whether there are any."""


class Own(NamedTuple):
    """Where it comes from, in which words, and who gives it back. `callee` is what each rank answers for itself."""

    function: FunctionInfo
    line: int
    callee: str
    what: str
    way: tuple[Step, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        return (Step(self.function.path, self.line, self.what), *self.way)


class OwnValues:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._meet = Meets(program, _NEAR)
        self._given: dict[tuple[FunctionInfo, bool], Own | None] = {}

    def meet(self, function: FunctionInfo) -> bool:
        """Does it, or what it calls, meet the other ranks?"""
        return function in self._meet

    def is_agreed_by_callers(self, function: FunctionInfo) -> bool:
        """Does a caller meet the others behind the call, with what came of it?"""
        for caller, call in self._program.callers(function):
            bound = (e for e in caller.effects if e.op == "bind" and e.line == call.line)
            names = {e.path for e in bound if f"{call.callee}()" in e.reads or e.path in call.result}
            if self._is_made_equal(caller, names, call.line):
                return True
        return False

    def in_test(self, function: FunctionInfo, region: Region, of_rank: bool = False) -> Own | None:
        """What of the rank's own the test of a branch, the left side of an `and` or the header of a loop asks."""
        counted = {effect.path for effect in function.effects if effect.op == "bind" and _only_holds_answers(effect)}
        asked = (*region.reads, *_names(region.test), *_walked(region))
        if _EMPTINESS.fullmatch(region.text):
            asked = tuple(path for path in asked if path not in counted)
        return self.in_reads(function, asked, region.line + 1, of_rank=of_rank)

    def in_reads(
        self, function: FunctionInfo, reads: Iterable[str], line: int, depth: int = _DEEPEST, of_rank: bool = False
    ) -> Own | None:
        """What of these paths, as they are read on a line of the function, is the rank's own; `of_rank`: what is worked
        out of its number counts too."""
        return next(
            (own for path in reads if (own := self._of(function, path, line, depth, of_rank)) is not None), None
        )

    def _of(self, function: FunctionInfo, path: str, line: int, depth: int, of_rank: bool) -> Own | None:
        callee, called, _ = path.partition("()")
        if of_rank and words(last_name(path))[-1:] == ("rank",) and self._program.vocabulary.is_rank(path):
            return Own(function, line - 1, path, f"{path} is another on each rank")
        if called:
            return self._answered(function, callee.lstrip("~"), line, depth, of_rank)
        name = root_of(path)
        return self._bound(function, name, line, depth, of_rank) if name == path.partition("[")[0] else None

    def _answered(self, function: FunctionInfo, callee: str, line: int, depth: int, of_rank: bool) -> Own | None:
        for call in function.effects:
            if call.callee.lstrip("~") == callee and call.line <= line:
                if self._is_own_answer(function, call):
                    return Own(function, call.line, call.callee, f"{call.callee} has its own answer on each rank")
                return self._given_by_all(self._program.callees(function, call), depth - 1, of_rank) if depth else None
        return None

    def _given_by_all(self, callees: Iterable[FunctionInfo], depth: int, of_rank: bool) -> Own | None:
        """Where it is not known which of several runs, all have to give a value of the rank's own."""
        first: Own | None = None
        for callee in callees:
            own = self.given(callee, depth, of_rank)
            if own is None:
                return None
            first = first or own
        return first

    def _is_own_answer(self, function: FunctionInfo, call: Effect) -> bool:
        """A clock, a file; memory that is there or not; a lock that is got at once or not."""
        vocabulary, name = self._program.vocabulary, last_name(call.callee)
        return (
            vocabulary.is_local_answer(call.callee)
            or vocabulary.is_local_answer(self._program.resolve(function, call.callee))
            or vocabulary.gives_gpu_memory(name)
            or (name == "acquire" and any(a.keyword == "timeout" or a.literal == "False" for a in call.args))
        )

    def _bound(self, function: FunctionInfo, name: str, line: int, depth: int, of_rank: bool) -> Own | None:
        """By the last binding before the line that control cannot pass by, or one behind it."""
        for effect in reversed(function.effects):
            if effect.op != "bind" or effect.path != name or effect.line >= line:
                continue
            reads = (*effect.options, *effect.reads, *((f"{effect.source}()",) if effect.value == "new" else ()))
            reads = (*reads, effect.source) if effect.value == "path" else reads
            reads = tuple(read for read in reads if root_of(read) != name or "()" in read)
            own = self.in_reads(function, reads, effect.line, depth, of_rank)
            if own is not None and not self._is_made_equal(function, {name}, effect.line, line):
                return own
            if not effect.via and not any(region.kind in BRANCHES for region in around(function, effect)):
                return None
        return None

    def _is_made_equal(self, function: FunctionInfo, names: set[str], since: int, until: int = 0) -> bool:
        """Is one of them given, or what was made of it, to a call that meets the other ranks?"""
        for effect in function.effects:
            if effect.line < since or (until and effect.line > until):
                continue
            if effect.op == "bind" and names & {root_of(read) for read in (*effect.reads, effect.source)}:
                names = {*names, effect.path}
            if names & {root_of(r) for a in effect.args for r in (a.path, *a.reads)} and self.is_meeting(
                function, effect
            ):
                return True
        return False

    def is_meeting(self, function: FunctionInfo, effect: Effect) -> bool:
        """Does the call meet the other ranks, itself or in what it runs?"""
        if not effect.callee:
            return False
        if collective_at(self._program, function, effect) is not None:
            return meets(self._program, function, effect)
        return any(callee in self._meet for callee in self._program.callees(function, effect))

    def given(self, function: FunctionInfo, depth: int = _DEEPEST, of_rank: bool = False) -> Own | None:
        """What a function gives back of the rank's own, where it does not ask the other ranks as well."""
        key = (function, of_rank)
        if key not in self._given:
            self._given[key] = None  # while it is asked, for who calls himself
            self._given[key] = None if self.meet(function) else self._returned(function, depth, of_rank)
        return self._given[key]

    def _returned(self, function: FunctionInfo, depth: int, of_rank: bool) -> Own | None:
        for effect in function.effects:
            if effect.op != "return":
                continue
            own = self.in_reads(function, (*effect.reads, effect.path), effect.line + 1, depth, of_rank)
            own = own or self._by_branch(function, effect, depth)
            if own is not None:
                gives = Step(function.path, effect.line, f"{function.name} gives back what comes of it")
                return own._replace(way=(*own.way, gives))
        return None

    def _by_branch(self, function: FunctionInfo, effect: Effect, depth: int) -> Own | None:
        """What decides that this is given back: an answer of the rank's own, or that something failed there."""
        for region in around(function, effect):
            if region.kind == "except":
                return Own(function, region.line, "", f"what fails in {function.name} may fail on this rank alone")
            own = self.in_test(function, region) if region.kind in _TESTS and depth else None
            if own is not None:
                return own
        return None


def _names(test: Test | None) -> Iterator[str]:
    """What a test names, calls with their brackets."""
    if test is None:
        return
    if test.op in ("call", "path"):
        yield f"{test.path}()" if test.op == "call" else test.path
    for part in test.args:
        yield from _names(part)


def _walked(region: Region) -> list[str]:
    """What a loop goes over, by the names that stand there."""
    return re.findall(r"[A-Za-z_]\w*", region.text.partition(" in ")[2]) if region.kind == "loop" else []


def _only_holds_answers(effect: Effect) -> bool:
    """A list of answers to each of several: how long it is, or whether there are any, no answer decides."""
    return effect.value == "container" and any("()" in held for held in effect.holds)
