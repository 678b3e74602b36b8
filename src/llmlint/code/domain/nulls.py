"""Which C and C++ functions give null on some way, and which reach through a parameter without asking."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import takewhile

from llmlint.code.facts.facts import Effect, PointerUse, Reach
from llmlint.code.flow.conditions import Fact, Facts, implied
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.graph import ENTRY
from llmlint.code.link.exits import around
from llmlint.code.link.program import FunctionInfo, Program, arguments_by_parameter
from llmlint.findings import Step

_DEEPEST = 3
_DIRECTLY = ("->", "*")


class Nulls:
    """Answers by the last name of what is called: where a program has several functions of it, all must agree."""

    def __init__(self, program: Program) -> None:
        self.words = program.vocabulary
        self.named: dict[str, list[FunctionInfo]] = {}
        self._gives: dict[tuple[str, int], bool] = {}
        self._through: dict[tuple[str, int], bool] = {}
        for function in program.functions:
            if function.language != "python" and function.facts.has_body:
                self.named.setdefault(function.name, []).append(function)

    def may_give_null(self, name: str, depth: int = 0) -> bool:
        if (name, depth) not in self._gives:
            self._gives[name, depth] = self._may_give(name, depth)
        return self._gives[name, depth]

    def _may_give(self, name: str, depth: int) -> bool:
        functions = self.named.get(name)
        if not functions:
            return name in self.words.nullable
        return all(next(self._nulls_of(function, depth), None) for function in functions)

    def _nulls_of(self, function: FunctionInfo, depth: int) -> Iterator[Effect]:
        """Where it returns null, or what a call that may give null gives; not behind what never returns."""
        for at, effect in enumerate(function.facts.effects):
            if effect.op == "return":
                called = effect.source.rpartition(".")[2] if effect.value == "new" else ""
                is_null = effect.value == "none" or (
                    called and depth < _DEEPEST and self.may_give_null(called, depth + 1)
                )
                if is_null and _is_reached(function, at):
                    yield effect

    def why_null(self, callee: str) -> Iterator[Step]:
        for function in self.named.get(callee.rpartition(".")[2], ())[:1]:
            for effect in self._nulls_of(function, 0):
                yield Step(function.path, effect.line, f"{function.name}() gives null here")
                return

    def is_for_want_of_memory(self, name: str, allocating: Collection[str], depth: int = 0) -> bool:
        """Is null only given where an allocation gave it: `if (!p) return nullptr;` behind `p = malloc(n)`?"""
        functions = self.named.get(name, ())
        if not functions or depth > _DEEPEST:
            return name in allocating
        nulls = [(function, effect) for function in functions for effect in self._nulls_of(function, 0)]
        return bool(nulls) and all(self._comes_of_memory(*null, allocating, depth) for null in nulls)

    def _comes_of_memory(self, function: FunctionInfo, effect: Effect, allocating: Collection[str], depth: int) -> bool:
        if effect.value != "none":
            return self.is_for_want_of_memory(effect.source.rpartition(".")[2], allocating, depth + 1)
        tests = [function.settled_test(r.test) for r in around(function, effect) if r.kind == "if"]
        asked = {text for test in tests if test is not None for (_, *texts), _ in implied(test, True) for text in texts}
        made = (e for e in function.effects if e.op == "call" and e.result in asked)
        return any(self.is_for_want_of_memory(e.callee.rpartition(".")[2], allocating, depth + 1) for e in made)

    def first_reach(self, use: PointerUse, depth: int = 0) -> Reach | None:
        """Where the pointer is first dereferenced, here or in what it is given to."""
        reaches = self._until_it_may_be_set(use)
        return next((r for r in reaches if r.how in _DIRECTLY or self._goes_through(r, depth)), None)

    def first_sure_reach(self, use: PointerUse, depth: int = 0) -> Reach | None:
        """Where the pointer is first dereferenced whatever way control takes in what it is given to."""
        reaches = self._until_it_may_be_set(use)
        return next((r for r in reaches if r.how in _DIRECTLY or self._surely_goes_through(r, depth)), None)

    def _until_it_may_be_set(self, use: PointerUse) -> Iterator[Reach]:
        return takewhile(lambda reach: not self._may_be_set(reach), use.reaches)

    def _may_be_set(self, reach: Reach) -> bool:
        """Is it given by reference to what may put something else there?"""
        name, _, at = reach.how.partition("#")
        taken = (f.facts.params[int(at)].annotation for f in self.named.get(name, ()) if int(at) < len(f.facts.params))
        return any(said.endswith("&") and ("*" in said or not said.startswith("const ")) for said in taken)

    def _surely_goes_through(self, reach: Reach, depth: int) -> bool:
        name, _, at = reach.how.partition("#")
        functions = self.named.get(name)
        if not functions:
            return name in self.words.reaches_through
        return depth <= _DEEPEST and all(self._always_reaches(function, int(at), depth) for function in functions)

    def _always_reaches(self, function: FunctionInfo, at: int, depth: int) -> bool:
        use = self._use_of_parameter(function, at)
        always = [] if use is None else [reach for reach in use.reaches if reach.always]
        return any(reach.how in _DIRECTLY or self._surely_goes_through(reach, depth + 1) for reach in always)

    def way_through(self, reach: Reach) -> Iterator[Step]:
        if reach.how not in _DIRECTLY:
            function = next(iter(self.named.get(reach.how.partition("#")[0], ())), None)
            if function is None:
                return
            inner = self._through_parameter(function, int(reach.how.partition("#")[2]), 0)
            if inner is not None:
                yield Step(function.path, inner.line, f"{function.name}() dereferences it without asking")

    def _goes_through(self, reach: Reach, depth: int) -> bool:
        if (reach.how, depth) not in self._through:
            self._through[reach.how, depth] = self._may_go_through(reach.how, depth)
        return self._through[reach.how, depth]

    def _may_go_through(self, how: str, depth: int) -> bool:
        name, _, at = how.partition("#")
        functions = self.named.get(name)
        if not functions:
            return name in self.words.reaches_through
        if depth > _DEEPEST:
            return False
        return all(self._through_parameter(function, int(at), depth) is not None for function in functions)

    def _through_parameter(self, function: FunctionInfo, at: int, depth: int) -> Reach | None:
        use = self._use_of_parameter(function, at)
        return self.first_reach(use, depth + 1) if use is not None else None

    def _use_of_parameter(self, function: FunctionInfo, at: int) -> PointerUse | None:
        if at >= len(function.facts.params):
            return None
        name = function.facts.params[at].name
        return next((use for use in function.facts.pointers if not use.callee and use.place == name), None)

    # ------------------------------------------------------------ where null is ruled out

    def is_ruled_out(self, program: Program, function: FunctionInfo, use: PointerUse) -> bool:
        """Is null only given where a test does not hold that has been passed on every way to the call?"""
        at = next((n for n, e in enumerate(function.effects) if (e.callee, e.line) == (use.callee, use.line)), -1)
        if at < 0:
            return False
        call, paths = function.effects[at], paths_of(function, body_of(function, function.effects[at].region))
        goal = set(paths.graph.nodes_of(at))
        callees = program.callees(function, call)
        for callee in callees:
            given = {name: argument.path for name, argument in arguments_by_parameter(callee, call).items()}
            for effect in self._nulls_of(callee, 0):
                known = _asked_for(callee, effect, given)
                if not known or paths.find([ENTRY], goal, lambda node: False, known) is not None:
                    return False
        return bool(callees)


def _asked_for(function: FunctionInfo, effect: Effect, given: Mapping[str, str]) -> Facts:
    """What the branches around an effect ask of the parameters, in the names of who calls the function."""
    found: set[Fact] = set()
    for region in around(function, effect):
        test = function.settled_test(region.test) if region.kind == "if" else None
        for atom, holds in implied(test, True) if test is not None else ():
            texts = [_renamed(text, given) for text in atom[1:]]
            if texts and all(texts):
                found.add(((atom[0], *texts), holds))
    return frozenset(found)


def _renamed(text: str, given: Mapping[str, str]) -> str:
    """A path of a parameter as the caller writes it, a number as it is; "" for anything else."""
    root, dot, rest = text.partition(".")
    if text.isdecimal():
        return text
    return f"{given[root]}{dot}{rest}" if given.get(root) and not re.search(r"[^\w.]", rest) else ""


def _is_reached(function: FunctionInfo, at: int) -> bool:
    body = body_of(function, function.effects[at].region)
    return bool(paths_of(function, body).graph.nodes_of(at))
