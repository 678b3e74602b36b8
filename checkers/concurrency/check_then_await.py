"""LLM209: shared state is asked, something is awaited, and then what the answer allowed is done.

While a coroutine waits, others run: one that asks the same meanwhile gets the same answer. The finding
needs a change after the await that makes the answer another, on a way that asks no second time and that the other
answer does not take; a change before the await (a place that is taken first), a lock around both and code that runs
once keep it silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.asked_state import (
    ABSENT,
    COMPARED,
    PRESENT,
    Asked,
    Change,
    ChangedNames,
    State,
    asked,
    changes,
    name_of,
    read_by,
    state_of,
    takes_away,
)
from llmlint.code.domain.course import runs_once
from llmlint.code.domain.state import CONSTRUCTORS, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import Edge, Graph
from llmlint.code.flow.paths import PLAIN
from llmlint.code.link.exits import chain, loops_around
from llmlint.code.link.program import FunctionInfo, Program, arguments_by_parameter, root_of
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_LOCK_TYPES = re.compile(r"Lock|Semaphore|Condition|mutex")
_MEMOS = frozenset({"cache", "cached", "caches", "memo"})
_SETTING_UP = frozenset(
    "start startup init initialize setup connect close stop shutdown lifespan warmup main launch aenter aexit "
    "disconnect teardown cleanup".split()
)


class _Question(NamedTuple):
    """`line` is where the state is asked, `node` after which the answer is known, `onward` where it leads."""

    answer: Asked
    state: State
    line: int
    node: int
    onward: int
    otherwise: tuple[int, ...]


def check_program(program: Program) -> Iterator[Report]:
    sieve = ChangedNames(program)
    for function in program.asked.functions:
        if function.language == "python" and function.facts.is_async and _awaits(function):
            yield from _in_function(program, function, sieve)


def _awaits(function: FunctionInfo) -> list[int]:
    return [at for at, e in enumerate(function.effects) if e.via == "await" or e.op == "await"]


def _in_function(program: Program, function: FunctionInfo, sieve: ChangedNames) -> Iterator[Report]:
    awaits = _awaits(function)
    questions = list(_questions(program, function, sieve.of(function)))
    names = {name_of(state.rpartition(":")[2]) for _, state in (q.state for q in questions)}
    changing = list(changes(program, function, names, sieve)) if questions else []
    told: set[State] = set()
    for question in questions:
        for change in changing:
            if change.state != question.state or change.state in told or not takes_away(change, question.answer):
                continue
            if change.at.line < function.effects[awaits[0]].line:
                continue
            if question.answer.how == PRESENT and _is_own(function, change):
                continue
            if _is_latch(program, change):
                continue
            waits = _waits_between(program, function, question, questions, change, changing)
            if waits is not None and not _is_kept_apart(program, function, question, change):
                told.add(change.state)
                yield _report(program, function, question, waits, change)


def _is_own(function: FunctionInfo, change: Change) -> bool:
    """A key of the function's own making is taken away by nobody else."""
    return change.done.op == "assign" and root_of(change.at.path) != "self"


def _is_latch(program: Program, change: Change) -> bool:
    """A flag that is only ever raised is raised by the second call as by the first."""
    done = change.done
    cls = program.class_named(change.state[0]) if change.state[0] else None
    if cls is None or done.op != "assign" or done.via or done.value != "constant":
        return False
    touches = program.touches(cls, change.state[1])
    values = {t.effect.source or t.effect.value for t in touches if t.function.name not in CONSTRUCTORS}
    return len(values) < 2


# ---------------------------------------------------------------- questions


def _questions(program: Program, function: FunctionInfo, changed: set[str]) -> Iterator[_Question]:
    """Only about state of the names that are changed."""
    graph = paths_of(function).graph
    for region, nodes in graph.asked.items():
        for node in nodes:
            edges = [edge for edge in graph.out[node] if edge.test is not None]
            for edge in edges:
                found = _on_edge(program, function, region, node, edge, edges, changed)
                yield from (q for q in found if name_of(q.state[1].rpartition(":")[2]) in changed)
    for at, effect in enumerate(function.effects):
        if effect.op == "call" and effect.via != "await" and _may_refuse(program, effect.path):
            raising = _by_raising(program, function, at, effect, graph)
            yield from (q for q in raising if name_of(q.state[1]) in changed)


def _may_refuse(program: Program, callee: str) -> bool:
    """Could a function of that name raise by a test? A sieve before calls are resolved."""
    named = program.functions_named(callee.rpartition(".")[2])
    return any(f.is_method and not f.facts.is_async and any(e.op == "raise" for e in f.effects) for f in named)


def _on_edge(
    program: Program, function: FunctionInfo, region: int, node: int, edge: Edge, edges: list[Edge], changed: set[str]
) -> Iterator[_Question]:
    if edge.test is None:
        return
    line = function.regions[region].line
    others = tuple(other.to for other in edges if other is not edge)
    for answer in asked(program, function, edge.test, edge.holds, line):
        if not _may_concern(program, answer.path, changed):
            continue
        if _is_shared(program, function, answer.path):
            for path in _with_properties(program, function, answer.path):
                said = answer if path == answer.path else Asked(answer.path, COMPARED)
                yield _Question(said, state_of(program, function, path), line, node, edge.to, others)


def _by_raising(program: Program, function: FunctionInfo, at: int, effect: Effect, graph: Graph) -> Iterator[_Question]:
    """A function that raises where the state does not allow it has asked when it comes back."""
    for callee in program.callees(function, effect):
        if callee.facts.is_async or not callee.is_method:
            continue
        for path in sorted(_refused_for(callee)):
            for inner in _with_properties(program, callee, path):
                for node in graph.nodes_of(at):
                    state = state_of(program, callee, inner)
                    yield _Question(Asked(path, COMPARED), state, effect.line, node, node, ())


def _refused_for(callee: FunctionInfo) -> set[str]:
    """What the tests read under which a function raises, also by way of its locals."""
    branches = {at for e in callee.effects if e.op == "raise" for at in chain(callee, e.region) if at}
    read = {
        path
        for at in branches
        if callee.regions[at].kind in ("if", "else")
        for path in callee.reads_of(callee.regions[at])
    }
    for effect in callee.effects:
        if effect.op == "bind" and effect.path in read and effect.via != "for":
            read = read | set(effect.reads)
    return {path for path in read if path.startswith("self.") and not path.endswith("()")}


def _with_properties(program: Program, function: FunctionInfo, path: str) -> Iterator[str]:
    """A property is what it reads."""
    base, _, attribute = path.rpartition(".")
    cls = function.owner if base == "self" else program.class_of(function, base) if base else None
    getter = cls.method(attribute) if cls is not None else None
    if getter is not None and getter.is_property:
        yield from read_by(program, getter, base)
    else:
        yield path


def _may_concern(program: Program, path: str, changed: set[str]) -> bool:
    name = name_of(path.rpartition(":")[2]) or path
    return name in changed or any(f.is_property for f in program.functions_named(name))


def _is_shared(program: Program, function: FunctionInfo, path: str) -> bool:
    """Of the object, the file, or what the object gave out; what a parameter has is the call's own."""
    root = root_of(path)
    if root == "self":
        return True
    if any(param.name == root for param in function.params):
        return "." in path and _is_handed_around(program, function, root)
    bound = [e for e in function.effects if e.op == "bind" and e.path == root]
    if not bound:
        return "." not in path or root.isidentifier()
    return all(_is_given_out(program, function, effect) for effect in bound)


def _is_handed_around(program: Program, function: FunctionInfo, name: str) -> bool:
    """An object of the program's own that no caller has just made for this call."""
    calls = program.callers(function)
    if program.class_of(function, name) is None or not calls:
        return False
    for _, effect in calls:
        given = arguments_by_parameter(function, effect).get(name)
        if given is None or not given.path.startswith("self."):
            return False
    return True


def _is_given_out(program: Program, function: FunctionInfo, bound: Effect) -> bool:
    if bound.value != "new":
        return bound.value == "path" and bound.source.startswith("self.")
    if not bound.source.startswith("self."):
        return False
    call = next((e for e in function.effects if e.callee == bound.source and e.line == bound.line), None)
    callees = program.callees(function, call) if call is not None and call.via != "await" else ()
    return any(
        "self" in map(root_of, (e.path, *e.maybe, *e.reads)) for c in callees for e in c.effects if e.op == "return"
    )


# ---------------------------------------------------------------- ways


def _waits_between(
    program: Program,
    function: FunctionInfo,
    question: _Question,
    questions: list[_Question],
    change: Change,
    changes_of_it: list[Change],
) -> Effect | None:
    """The await on a way from the answer to the change on which the state is neither changed before nor asked again."""
    paths = paths_of(function)
    graph = paths.graph
    goal = set(graph.nodes_of(function.effects.index(change.at)))
    is_compared = question.answer.how == COMPARED
    asking = {q.node for q in questions if q.state == question.state and (q.answer.how == COMPARED) == is_compared}
    looked = {
        node
        for at, e in enumerate(function.effects)
        if e.op == "bind"
        and e.value != "path"
        and any(
            name_of(p) == name_of(question.answer.path) and state_of(program, function, p) == question.state
            for p in e.reads
        )
        for node in graph.nodes_of(at)
    }
    if any(goal & ({other} | paths.reached([other], asking.__contains__)) for other in question.otherwise):
        return None
    changing = {
        node
        for c in changes_of_it
        if c.state == question.state
        for node in graph.nodes_of(function.effects.index(c.at))
    }
    before = {question.onward} | paths.reached([question.onward], (asking | (changing - goal)).__contains__)
    for at in _awaits(function):
        for node in graph.nodes_of(at):
            if node not in before:
                continue
            again = asking | looked | (changing - goal)
            if goal & paths.reached([node], again.__contains__, PLAIN):
                return function.effects[at]
            if node in goal and change.waits is not None:
                return change.at
    return None


def _is_kept_apart(program: Program, function: FunctionInfo, question: _Question, change: Change) -> bool:
    """A lock around both, one that is taken by hand, or callers that hold one; or only one such call can run."""
    graph = paths_of(function).graph
    asked_in = chain(function, graph.nodes[question.node].region)
    shared = [at for at in chain(function, change.at.region) if at in asked_in]
    if any(_is_locked(program, function, at) for at in shared):
        return True
    if any(e.callee.endswith(".acquire") and e.line <= question.line for e in function.effects):
        return True
    return runs_once(program, function) or _callers_keep_apart(program, function, frozenset())


def _is_locked(program: Program, function: FunctionInfo, at: int) -> bool:
    region = function.regions[at]
    if region.kind != "with":
        return False
    for path in re.findall(r"[\w.]+", region.text):
        known = function.owner.attributes.get(path[5:]) if function.owner and path.startswith("self.") else None
        if program.vocabulary.is_lock(path) or {"sem", "semaphore", "gate", "guard"} & set(words(path)):
            return True
        if known is not None and _LOCK_TYPES.search(f"{known.source} {known.annotation}"):
            return True
    return False


def _callers_keep_apart(program: Program, function: FunctionInfo, above: frozenset[FunctionInfo]) -> bool:
    """Does every call stand under a lock, or in the endless loop of one task?"""
    calls = [call for call in program.callers(function) if call.function not in above]
    if not calls or len(above) > 3:
        return False
    return all(
        any(_is_locked(program, caller, at) for at in chain(caller, effect.region))
        or (effect.via == "await" and _is_endless(caller, effect))
        or _callers_keep_apart(program, caller, above | {function})
        for caller, effect in calls
    )


def _is_endless(function: FunctionInfo, effect: Effect) -> bool:
    """A loop that is given nothing is started once, and does one thing after the other."""
    loops = (function.regions[at].text for at in loops_around(function, effect))
    return not _own_params(function) and any(text.startswith("while") for text in loops)


def _own_params(function: FunctionInfo) -> list[str]:
    return [param.name for param in function.params if param.name not in ("self", "cls") and not param.default]


# ---------------------------------------------------------------- what is said


def _report(program: Program, function: FunctionInfo, question: _Question, waits: Effect, change: Change) -> Report:
    what = question.answer.path.removesuffix("[]")
    confidence, reason = _how_sure(program, function, question, change)
    steps = [
        Step(function.path, question.line, f"{function.name} asks {what} here"),
        program.step(function, waits, "others run while this is awaited, and may be given the same answer"),
        program.step(function, change.at, "what the answer allowed is done without asking again"),
    ]
    if change.done is not change.at:
        steps[-1] = program.step(function, change.at, f"{change.at.callee} does what the answer allowed")
    return Report(
        program.place(function, change.at),
        symbol_of(function),
        f"{function.name} asks {what}, awaits {waits.callee or waits.path}, and then acts on the old answer: two calls "
        "at once are both allowed",
        tuple(steps),
        confidence=confidence,
        reason=reason,
        subject=".".join(part for part in change.state if part),
        fix="take the place before the await and give it back on failure, ask again after it, or hold an asyncio.Lock "
        "around both",
    )


def _how_sure(program: Program, function: FunctionInfo, question: _Question, change: Change) -> tuple[str, str]:
    if _SETTING_UP & set(words(function.name)):
        return "low", f"{function.name} may be called by one task only"
    if question.answer.how == ABSENT and _MEMOS & set(words(change.at.path)):
        return "low", "it is a memo, into which the second call puts what the first did"
    if not _own_params(function):
        return "low", "nothing tells two of its calls apart, so there may be only one"
    return "medium", "it is called for one thing after another, and no lock is held"
