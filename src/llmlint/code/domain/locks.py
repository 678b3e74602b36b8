"""Which locks may be held where, solved over each function's graph from the steps that take locks and let them go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llmlint.code.domain.lock_steps import UNNAMED, LockReader, LockSteps, Taking
from llmlint.code.domain.state import is_setup
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.graph import Graph
from llmlint.code.flow.stays import held_before
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.exits import chain, stands_in
from llmlint.code.link.program import Call, Program

_BY_CONVENTION = re.compile(r"_(locked|unlocked|nolock|no_lock|unsafe|lock_held|under_lock|with_lock|impl_locked)_?$")
_PROMISED = re.compile(
    r"\b(lock|mutex)\w*\b.*\b(held|hold|holds)\b|\b(hold|holds|holding|under|with|owns?)\b.*(lock|mutex|cond)\w*\b",
    re.I,
)
_ENDING = frozenset({"__del__", "__getstate__", "__setstate__", "__repr__", "__str__"})
_DEPTH = 5


class Locks:
    """Which locks may be held at a place of a program: before an effect, or where a region's test is `asked`. Paths are
    as the function itself would write them."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._reader = LockReader(program)
        self._courses: dict[FunctionInfo, _Course | None] = {}
        self._by_callers: dict[FunctionInfo, frozenset[str]] = {}
        self._open: list[FunctionInfo] = []
        self._alone: dict[FunctionInfo, bool] = {}

    def held(self, function: FunctionInfo, effect: Effect | None = None, asked: int = 0) -> frozenset[str]:
        return self.taken(function, effect, asked) | self.held_by_callers(function)

    def taken(self, function: FunctionInfo, effect: Effect | None = None, asked: int = 0) -> frozenset[str]:
        """The locks that the function itself has taken there."""
        course = self._course(function)
        if course is None:
            return frozenset()
        held = course.before(function.effects.index(effect)) if effect is not None else course.where_asked(asked)
        return frozenset(taking.path for taking in held)

    def before(self, function: FunctionInfo, effect: int) -> frozenset[Taking]:
        """What the function itself has taken before an effect, given by its place."""
        course = self._course(function)
        return course.before(effect) if course is not None else frozenset()

    def takings(self, function: FunctionInfo) -> Iterator[tuple[Taking, frozenset[Taking]]]:
        """The locks that a function takes, each with those that it may hold by then."""
        course = self._course(function)
        return course.in_order() if course is not None else iter(())

    def _course(self, function: FunctionInfo) -> _Course | None:
        if function not in self._courses:
            steps = self._reader.steps_of(function)
            self._courses[function] = _Course(function, steps) if steps is not None else None
        return self._courses[function]

    # ------------------------------------------------------------ by callers

    def held_by_callers(self, function: FunctionInfo) -> frozenset[str]:
        """The locks that are held wherever the function is called, while its object is made aside."""
        if function in self._by_callers:
            return self._by_callers[function]
        if len(self._open) >= _DEPTH:
            return frozenset()
        self._open.append(function)
        promised = is_promised(self._program, function)
        found = frozenset({UNNAMED}) if promised else self._held_in_common(function)
        self._open.pop()
        if not self._open:
            self._by_callers[function] = found
        return found

    def _held_in_common(self, function: FunctionInfo) -> frozenset[str]:
        calls = [c for c in self._program.callers(function) if c.function not in self._open]
        held = [self._held_for(call) for call in calls if not self.is_single_threaded(call.function)]
        if not held or not all(held):
            return frozenset()
        return frozenset.intersection(*held) or frozenset({UNNAMED})

    def is_single_threaded(self, function: FunctionInfo) -> bool:
        """Does it only run while its object is made or torn down: a constructor, or what nobody else calls?"""
        if function not in self._alone:
            self._alone[function] = False  # while it is asked, for who calls himself
            self._alone[function] = is_making_or_ending(function) or self._serves_the_making(function)
        return self._alone[function]

    def _serves_the_making(self, function: FunctionInfo) -> bool:
        calls = [call for call in self._program.callers(function) if call.function is not function]
        return (
            bool(calls)
            and all(_is_of_the_same(function, call.function) and not _is_deferred(call) for call in calls)
            and all(self.is_single_threaded(call.function) for call in calls)
        )

    def _held_for(self, call: Call) -> frozenset[str]:
        """A caller's locks as the callee would write them: `pool.lock` around `pool.free()` is its `self.lock`."""
        receiver = call.effect.callee.rpartition(".")[0]
        found = set()
        for path in self.held(*call):
            base, _, attribute = path.rpartition(".")
            is_its_own = base in (receiver, receiver.replace("super()", "self")) and receiver
            found.add(f"self.{attribute}" if is_its_own else UNNAMED)
        return frozenset(found)


class _Course:
    """Where one function holds the locks that it takes. A lambda is a body of its own, which begins with what is held
    where it is written."""

    def __init__(self, function: FunctionInfo, steps: LockSteps) -> None:
        self._function = function
        self._steps = steps
        self._solved: dict[int, list[frozenset[Taking] | None]] = {}

    def before(self, step: int) -> frozenset[Taking]:
        region = self._function.regions[~step].parent if step < 0 else self._function.effects[step].region
        body = body_of(self._function, region)
        return self._meeting(body, _nodes_of(self._graph(body), step), region)

    def where_asked(self, region: int) -> frozenset[Taking]:
        around = self._function.regions[region]
        body = body_of(self._function, around.parent)
        asked = self._graph(body).asked
        return self._meeting(body, asked.get(region) or asked.get(around.first) or (), around.parent)

    def in_order(self) -> Iterator[tuple[Taking, frozenset[Taking]]]:
        """Python takes the locks of one `with` in their order; an object takes several without a deadlock."""
        for step, takings in self._steps.enters.items():
            before = self.before(step)
            for count, taking in enumerate(takings):
                yield taking, before.union(takings[:count] if step < 0 else ())

    def _meeting(self, body: int, nodes: Sequence[int], region: int) -> frozenset[Taking]:
        states = [held for node in nodes if (held := self._held(body)[node]) is not None]
        if not states:  # control never comes here: what stands around it is held
            inside = chain(self._function, region)
            every = (taking for takings in self._steps.enters.values() for taking in takings)
            return frozenset(taking for taking in every if taking.scope in inside and taking.scope != region)
        return frozenset.union(*states)

    def _held(self, body: int) -> list[frozenset[Taking] | None]:
        if body not in self._solved:
            graph, steps = self._graph(body), self._steps
            enters = {node: takings for step, takings in steps.enters.items() for node in _nodes_of(graph, step)}
            leaves = {node: takings for step, takings in steps.leaves.items() for node in _nodes_of(graph, step)}

            def lasts(taking: Taking, node: int) -> bool:
                region = graph.nodes[node].region
                if taking.scope == region and graph.nodes[node].what == "head":
                    return False  # a round of a loop ends what was made in it
                return taking.scope < 0 or taking.scope in chain(self._function, region)

            first = self._where_written(body) if body else frozenset()
            self._solved[body] = held_before(graph, enters, leaves, lasts, first)
        return self._solved[body]

    def _where_written(self, body: int) -> frozenset[Taking]:
        """What is held where a lambda is written: as before the first effect behind it in the same region."""
        function, region = self._function, self._function.regions[body]
        behind = (at for at, e in enumerate(function.effects) if at >= region.begin and e.region == region.parent)
        at = next(behind, None)
        if at is None:
            return self._meeting(body_of(function, region.parent), (), region.parent)
        return self.before(at)

    def _graph(self, body: int) -> Graph:
        return paths_of(self._function, body).graph


def _nodes_of(graph: Graph, step: int) -> Sequence[int]:
    return graph.nodes_of(step) if step >= 0 else graph.entered.get(~step, ())


def _is_of_the_same(function: FunctionInfo, caller: FunctionInfo) -> bool:
    """The same class, or outside of classes the same file."""
    return caller.owner is function.owner and (function.owner is not None or caller.path == function.path)


def _is_deferred(call: Call) -> bool:
    """Is it in a lambda, and so made whenever that is called?"""
    function, effect = call
    return stands_in(function, effect, {"lambda"})


def is_promised(program: Program, function: FunctionInfo) -> bool:
    """Does the function say by its name, a guard it is given, a decorator or its comment that a lock is held?"""
    facts = function.facts
    return bool(
        _BY_CONVENTION.search(facts.name)
        or any("_lock<" in param.annotation or "lock_guard" in param.annotation for param in facts.params)
        or any(program.vocabulary.is_lock(decorator) or "synchronized" in decorator for decorator in facts.decorators)
        or _PROMISED.search(facts.docstring)
    )


def is_making_or_ending(function: FunctionInfo) -> bool:
    name = function.name
    is_cpp_constructor = function.language != "python" and function.owner is not None and name == function.owner.name
    return is_setup(function) or is_cpp_constructor or name.startswith("~") or name in _ENDING
