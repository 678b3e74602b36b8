"""LLM112: what was taken out for good is dropped on a way that leaves early.

A queue, map or pending set is emptied into a local, and before the local is looked at some unrelated test leaves: what
was taken is nowhere any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.conditions import implied, is_about
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import EXIT, Edge
from llmlint.code.flow.paths import Way
from llmlint.code.link.exits import own_regions
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report

_TAKES = frozenset({"pop", "popleft", "get_nowait", "popitem"})
_NEAR = 3


def check_program(program: Program) -> Iterator[Report]:
    drains = {f for f in program.functions if f.language == "python" and _drains(f)}
    others = {f.name for f in program.functions if f not in drains}
    names = {f.name for f in drains}
    always = names - others
    for function in program.functions:
        if function.language != "python":
            continue
        said: set[int] = set()
        for at, effect in enumerate(function.effects):
            if effect.op != "bind" or not effect.path.isidentifier():
                continue
            what = _taken(program, function, at, effect, drains, names, always)
            if not what or effect.line in said or (way := _dropping(function, at, effect.path, what)) is None:
                continue
            left = _left_by(function, way)
            if not _is_popped(function, effect) or (left is not None and own_regions(function, left, effect)):
                said.add(effect.line)
                yield _report(program, function, effect, what, left or effect)


def _taken(
    program: Program,
    function: FunctionInfo,
    at: int,
    effect: Effect,
    drains: set[FunctionInfo],
    names: set[str],
    always: set[str],
) -> str:
    """Where the value was taken from, when it is there no more."""
    if effect.value == "path" and effect.source.startswith("self."):
        return effect.source if _is_emptied_near(function, at, effect.source) else ""
    made = next((e for e in function.effects[at::-1] if e.op == "remove" and e.line == effect.line), None)
    if made is not None and made.via in _TAKES and made.path.startswith("self."):
        if effect.path in made.result.replace(" ", "").split(","):
            return made.path
    if effect.value != "new" or at == 0:
        return ""
    if effect.source.rpartition(".")[2] in names:
        call = next((e for e in function.effects[:at][::-1] if e.callee == effect.source), None)
        known = program.callees(function, call) if call is not None else ()
        if drains.intersection(known) if known else effect.source.rpartition(".")[2] in always:
            return effect.source
    return ""


def _is_emptied_near(function: FunctionInfo, at: int, path: str) -> bool:
    """`taken = self.pending` and, beside it, `self.pending = []`: what was there has one owner now."""
    near = function.effects[max(0, at - _NEAR) : at + 1 + _NEAR]
    return any(e.path == path and e.op == "clear" and e.via == "=" for e in near)


def _drains(function: FunctionInfo) -> bool:
    """Hands out what it has just emptied."""
    for at, effect in enumerate(function.effects):
        if effect.op == "bind" and effect.value == "path" and _is_emptied_near(function, at, effect.source):
            if any(e.op == "return" and effect.path in (e.path, *e.reads) for e in function.effects[at:]):
                return True
    return False


def _dropping(function: FunctionInfo, at: int, name: str, what: str) -> Way | None:
    """A plain way out on which the local is never looked at, where others do look at it."""
    graph = paths_of(function).graph
    value = function.effects[at].value
    names = (name, f"{what}[]") if value == "new" else (name, what) if value == "path" else (name,)
    uses = {n for place in _uses(function, at, names) for n in graph.nodes_of(place)}
    if not uses:
        return None
    heads = (n for n, node in enumerate(graph.nodes) if node.what == "head")
    uses |= {n for n in heads if name in re.findall(r"\w+", function.regions[graph.nodes[n].region].text)}

    def refuses(edge: Edge) -> bool:
        return edge.test is not None and any(is_about(atom, name) for atom, _ in implied(edge.test, edge.holds))

    return paths_of(function).find(graph.nodes_of(at), {EXIT}, uses.__contains__, refuses=refuses)


def _uses(function: FunctionInfo, at: int, names: tuple[str, ...]) -> Iterator[int]:
    for place, effect in enumerate(function.effects):
        if place == at or (effect.op == "clear" and effect.via == "="):
            continue
        texts = (effect.callee, effect.path, effect.key, effect.source, *effect.reads)
        written = (a.written or a.path for a in effect.args)
        rebinds = effect.op == "bind" and effect.path == names[0]
        if not rebinds and any(_roots(text, name) for text in (*texts, *written) for name in names):
            yield place


def _roots(text: str, name: str) -> bool:
    return text == name or text.startswith((f"{name}.", f"{name}[", f"{name}("))


def _is_popped(function: FunctionInfo, effect: Effect) -> bool:
    """One thing of many: what is done with it later in some case only need not be done in the others."""
    return any(e.op == "remove" and e.line == effect.line for e in function.effects)


def _left_by(function: FunctionInfo, way: Way) -> Effect | None:
    """The return or the like by which the way leaves, where one is written."""
    graph = paths_of(function).graph
    passed = (effect for node in reversed(way.nodes) if (effect := graph.effect(node)) is not None)
    return next((effect for effect in passed if effect.op in ("return", "continue", "break")), None)


def _report(program: Program, function: FunctionInfo, effect: Effect, what: str, left: Effect) -> Report:
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{function.name} takes {effect.path} out of {what} and may leave without looking at it",
        (
            program.step(function, effect, f"{what} gives it away"),
            program.step(function, left, "a way leaves from here, and it is in nobody's hands"),
        ),
        confidence="medium",
        reason="the test that leaves does not ask about it",
        subject=f"{effect.path},{what}",
        fix="take it out only when it is certain to be used, or put it back",
    )
