"""LLM112: what was taken out of an object is the only copy, and one way out of the function does not look at it.

The object was emptied by a function of it that gives what was there, or in this function itself. A way on which a test
has found nothing in it loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.domain.drains import Drain, drains_in, given
from llmlint.code.domain.state import only_looks, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.conditions import implied
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import EXIT, Edge
from llmlint.code.flow.paths import Paths
from llmlint.code.link.exits import chain
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.code.syntax.written import mentions
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_REDUCES = frozenset("len sum any all min max bool int float str std.accumulate std.size std.move std.ssize".split())
_ASKS = frozenset("size empty begin end cbegin cend length numel".split())
_COMPARES = frozenset({"<", "<=", ">", ">="})
_OVER = frozenset("enabled disabled closed closing shutdown shutting stopped stopping exiting".split())


class Taken(msgspec.Struct, frozen=True):
    """The local that holds what was taken out, at which effect that was, and how it came about; `place` is the other
    name by which a copy may go on, where it was taken out in the same function."""

    local: str
    place: str
    effect: Effect
    steps: tuple[Step, ...]


def check_program(program: Program) -> Iterator[Report]:
    called = program.asked.call_names
    drains = (f for f in program.functions if f.name in called and program.asked.speaks(f.language))
    giving = {f: parts for f in drains if (parts := given(f))}
    callers = {call.function for drain in giving for call in program.callers(drain)}
    for function in program.asked.functions:
        handed = _handed_over(program, function, giving) if function in callers else ()
        for taken in (*_emptied_here(program, function), *handed):
            report = _dropped(program, function, taken)
            if report is not None:
                yield report


def _emptied_here(program: Program, function: FunctionInfo) -> Iterator[Taken]:
    for drain in drains_in(function):
        step = program.step(function, drain.emptied, f"{drain.place} is emptied, and {drain.local} has what was in it")
        yield Taken(drain.local, drain.place, drain.emptied, (step,))


def _handed_over(
    program: Program, function: FunctionInfo, giving: dict[FunctionInfo, dict[int, Drain]]
) -> Iterator[Taken]:
    for effect in function.effects:
        if effect.op != "call" or not effect.result:
            continue
        called = program.callees(function, effect)
        if len(called) != 1 or called[0] not in giving or called[0] is function:
            continue
        names = [name.strip() for name in effect.result.split(",")]
        for at, drain in giving[called[0]].items():
            name = names[max(at, 0)] if at < len(names) and (at >= 0) == (len(names) > 1) else ""
            if name.isidentifier():
                inner = program.step(called[0], drain.emptied, f"{called[0].name} empties {drain.place}")
                outer = program.step(function, effect, f"{name} has what was in it, and nobody else has")
                yield Taken(name, "", effect, (outer, inner))


# ---------------------------------------------------------------- a way that does not look at it


def _dropped(program: Program, function: FunctionInfo, taken: Taken) -> Report | None:
    if any(function.regions[at].kind == "lambda" for at in chain(function, taken.effect.region)):
        return None
    paths = paths_of(function)
    starts = paths.graph.nodes_of(function.effects.index(taken.effect))
    derived = _derived(function, taken)
    using = {node for node in range(len(paths.graph.nodes)) if _uses(program, function, paths, node, taken, derived)}
    if using.isdisjoint(paths.reached(starts, lambda node: False)):
        return None  # a local that only holds it until the end: what is in it ends there on purpose
    way = paths.find(starts, {EXIT, *starts}, using.__contains__, refuses=lambda e: _finds_nothing(e, taken, derived))
    return _report(program, function, taken, _last(paths, way.nodes)) if way is not None else None


def _derived(function: FunctionInfo, taken: Taken) -> frozenset[str]:
    """The local, and those that hold a number made of it."""
    found = {taken.local}
    for effect in function.effects:
        if effect.op == "bind" and effect.source in _REDUCES and any(root_of(path) in found for path in effect.reads):
            found.add(effect.path)
    return frozenset(found)


def _uses(
    program: Program, function: FunctionInfo, paths: Paths, node: int, taken: Taken, derived: frozenset[str]
) -> bool:
    effect = paths.graph.effect(node)
    if effect is None:
        region = function.regions[paths.graph.nodes[node].region]
        is_loop = paths.graph.nodes[node].what == "head" and region.text.startswith("for")
        return is_loop and (taken.local in map(root_of, region.reads) or mentions(region.text, taken.local))
    if effect is taken.effect or (effect.line == taken.effect.line and effect.op in ("bind", "clear")):
        return False
    if effect.op == "call" and (only_looks(program, effect) or _only_reduces(effect)):
        return False
    if effect.op == "bind" and effect.path in derived:
        return effect.path == taken.local
    told = (effect.path, effect.source, *effect.reads, *effect.maybe, *effect.options, *effect.holds)
    given_to = (path for a in effect.args for path in (a.path, a.written, a.literal, *a.reads))
    return any(_is_it(path, taken, derived) for path in (*told, *given_to) if path)


def _is_it(path: str, taken: Taken, derived: frozenset[str]) -> bool:
    if path[:1] in "[{(":
        return mentions(path, taken.local)
    is_copy = bool(taken.place) and f"{path}[".startswith(f"{taken.place}[")  # as what the local copied reads
    return is_copy or root_of(path) in derived


def _only_reduces(call: Effect) -> bool:
    """Is it asked how much it is, and nothing of it handed on?"""
    return call.path in _REDUCES or call.path.rpartition(".")[2] in _ASKS


def _finds_nothing(edge: Edge, taken: Taken, derived: frozenset[str]) -> bool:
    """Does the branch tell that there is nothing in it, or something of it that is not understood?"""
    if edge.test is None:
        return False
    facts = [fact for fact in implied(edge.test, edge.holds) if _is_about(fact[0], derived)]
    return any(not _leaves_something(atom, holds, taken) for atom, holds in facts)


def _is_about(atom: tuple[str, ...], derived: frozenset[str]) -> bool:
    return any(mentions(text, name) for text in atom for name in derived)


def _leaves_something(atom: tuple[str, ...], holds: bool, taken: Taken) -> bool:
    if atom[0] == "true":
        says_empty = atom[1].endswith(".empty()")
        is_understood = (
            says_empty or atom[1].isidentifier() or atom[1].endswith(".size()") or atom[1].startswith("len(")
        )
        return is_understood and holds is not says_empty
    if atom[0] == "none" or (atom[0] == "==" and atom[-1] == "0"):
        return not holds
    return atom[0] in _COMPARES and not any(side.lstrip("-").isdigit() for side in atom[1:])


def _last(paths: Paths, nodes: tuple[int, ...]) -> Effect | None:
    """What the way does last, where that is its way out."""
    done = [effect for node in nodes if (effect := paths.graph.effect(node)) is not None]
    return done[-1] if done and done[-1].op in ("return", "continue", "break") else None


def _report(program: Program, function: FunctionInfo, taken: Taken, leaving: Effect | None) -> Report:
    line = leaving.line if leaving is not None else function.facts.end_line
    is_over = leaving is not None and not _OVER.isdisjoint(words(function.regions[leaving.region].text))
    return Report(
        program.place(function, taken.effect),
        symbol_of(function),
        f"{taken.local} was taken out of where it was gathered, and is dropped on the way out in line {line}",
        (*taken.steps, program.step(function, line, f"this way does not look at {taken.local}")),
        confidence="low" if is_over else "medium",
        reason="the object was emptied, so nobody else has it, and no test on this way has found it empty"
        + ("; but nobody may want it any more when it is turned off" if is_over else ""),
        subject=taken.local,
        fix=f"take it out behind the early exit, or put {taken.local} back there",
    )
