"""LLM109: an abort or a test for idleness that leaves out a container whose elements go on to one it looks into.

What an object takes out of one container and puts into another of its own waits there for its turn. Who looks for
something in the second, and not in the first, does not find what comes back a moment later.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.entries import entered
from llmlint.code.domain.holders import functions_through, is_own, through
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import does, mentions
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Place, Report, Step
from llmlint.vocabulary import words

_ENDS = frozenset({"abort", "cancel"})
_FREE = frozenset("free available spare unused recycled".split())
_ASKS = frozenset("idle empty quiet busy unfinished drained pending".split())


def missed_sources(program: Program, cls: ClassInfo) -> Iterator[tuple[FunctionInfo, Report]]:
    functions = functions_through(program, cls)
    looking = [function for function in functions if function.is_method and _looks_for_all(function)]
    if not looking:
        return
    moves = {(source, to): step for f in functions for source, to, step in _moves(program, f)}
    indexes = {source: _indexes_of(functions, source) for source, _ in moves}
    for function in looking if moves else ():
        looks = _looked_at(program, cls, function)
        for (source, to), step in moves.items():
            if to in looks and source not in looks and not _is_of_free(source) and looks.isdisjoint(indexes[source]):
                yield function, _report(program, function, source, to, step)
                break


def _looks_for_all(function: FunctionInfo) -> bool:
    """Does it end one thing wherever it is, or ask whether anything is left?"""
    name = words(function.name)
    ends_one = bool(name) and name[0] in _ENDS and bool(function.params)
    return ends_one or (not _ASKS.isdisjoint(name) and not function.params)


def _moves(program: Program, function: FunctionInfo) -> Iterator[tuple[str, str, Step]]:
    """An element is taken out of one container and put into another."""
    taken = {effect.path for effect in function.effects if effect.op == "remove" and is_own(effect.path)}
    for effect in function.effects if taken else ():
        if effect.op == "insert" and is_own(effect.path):
            for source in sorted(taken - {effect.path}):
                if _is_whole_element(effect, f"{source}[]"):
                    yield source, effect.path, program.step(function, effect, f"what waits in {source} comes here")


def _is_whole_element(put: Effect, element: str) -> bool:
    return element in put.reads or any(argument.path == element for argument in put.args)


def _looked_at(program: Program, cls: ClassInfo, function: FunctionInfo) -> frozenset[str]:
    return through((*mentions(program, function, cls), *(done.path for done in does(program, function, cls))))


def _indexes_of(functions: list[FunctionInfo], source: str) -> frozenset[str]:
    """The maps that get an entry where something is put into the container: what they have is found in them."""
    filling = (f for f in functions if any(e.op == "insert" and e.path == source for e in f.effects))
    return frozenset(f"self.{name}" for f in filling for e in f.effects if (name := entered(e))) - {source}


def _is_of_free(source: str) -> bool:
    """A container of free things: nobody looks for one of them."""
    return not _FREE.isdisjoint(words(source))


def _report(program: Program, function: FunctionInfo, source: str, to: str, step: Step) -> Report:
    line = next((line for path, line in function.reads if to in through((path,))), function.facts.line)
    return Report(
        Place(function.path, line, 1, line, 1),
        symbol_of(function),
        f"{function.name} looks into {to} and not into {source}, from where things go on to {to}",
        (program.step(function, line, f"{function.name} looks here"), step),
        confidence="low",
        reason="what waits there is not found now, and is there again later; it may be meant to be left alone",
        subject=source,
        fix=f"look into {source} too",
    )
