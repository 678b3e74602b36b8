"""LLM206, where a future or promise is set that may have been set already: on one way through a function, or by another
function that leaves it where this one finds it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmlint.code.domain.futures import is_future
from llmlint.code.domain.state import attribute_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.link.exits import chain, loops_around, regions_around
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program, root_of
from llmlint.findings import Report
from llmlint.phrases import last_name

SETS = ("set_result", "set_exception", "set_value")
_ASKS = frozenset({"done", "cancelled", "set_running_or_notify_cancel"})


def set_twice(program: Program) -> Iterator[Report]:
    setting: dict[FunctionInfo, list[Effect]] = {}
    for name in SETS:
        for function, effect in program.calls_named(name):
            if "." in effect.callee and is_future(program, function, effect.callee):
                setting.setdefault(function, []).append(effect)
    by_owner: dict[ClassInfo, list[FunctionInfo]] = {}
    for function, effects in setting.items():
        yield from _on_one_way(program, function, effects)
        if function.owner is not None:
            by_owner.setdefault(function.owner, []).append(function)
    for functions in by_owner.values():
        for function in functions:
            yield from _found_again(program, function, functions, setting)


def _future(effect: Effect) -> str:
    return effect.callee.rpartition(".")[0]


def _is_one(first: Effect, second: Effect) -> bool:
    """Two elements under different keys are two futures; a name for one may stand for either."""
    return _future(first) == _future(second) and (not first.key or not second.key or first.key == second.key)


# ---------------------------------------------------------------- on one way


def _on_one_way(program: Program, function: FunctionInfo, effects: list[Effect]) -> Iterator[Report]:
    paths = paths_of(function)
    places = {id(effect): paths.graph.nodes_of(function.effects.index(effect)) for effect in effects}
    for first in effects:
        for second in effects:
            if first is second or not _is_one(first, second) or first.line >= second.line:
                continue
            if not _is_come_to_anyway(function, first, second):
                continue
            way = paths.find(places[id(first)], set(places[id(second)]), _lets_go(function, _future(first)))
            if way is not None and not _asks(function, second) and not _is_caught(function, second):
                yield _report(
                    program, function, first, second, "and set again here: the second time is an error", "on one way"
                )
                return


def _is_come_to_anyway(function: FunctionInfo, first: Effect, second: Effect) -> bool:
    """Does no test of its own stand before the second, which may well exclude the first?"""
    around_first = chain(function, first.region)
    own = (function.regions[at].kind for at in chain(function, second.region) if at not in around_first)
    return not any(kind in ("if", "else", "case", "except", "finally") for kind in own)


def _lets_go(function: FunctionInfo, future: str) -> Callable[[int], bool]:
    """Where the name comes to stand for another future."""
    graph = paths_of(function).graph

    def is_another(node: int) -> bool:
        effect = graph.effect(node)
        if effect is None:
            return graph.nodes[node].what == "head"
        return effect.op in ("bind", "assign") and root_of(effect.path) == root_of(future)

    return is_another


# ---------------------------------------------------------------- found again


def _found_again(
    program: Program, function: FunctionInfo, functions: list[FunctionInfo], setting: dict[FunctionInfo, list[Effect]]
) -> Iterator[Report]:
    """A walk over all entries sets the future of each, and what another function has set is still among them."""
    for effect in setting[function]:
        kept = f"self.{attribute_of(_future(effect))}"
        if not _future(effect).startswith(f"{kept}[") or not loops_around(function, effect):
            continue
        if _asks(function, effect) or _is_caught(function, effect):
            continue
        for other in functions:
            if other is function or _takes_out(other, kept):
                continue
            before = next((e for e in setting[other] if _future(e) == _future(effect)), None)
            if before is not None:
                how = f"{last_name(function.name)} finds it among the others, and sets it once more"
                yield _report(program, other, before, effect, how, "found again", function)
                return


def _takes_out(function: FunctionInfo, kept: str) -> bool:
    return any(e.op in ("remove", "clear") and e.path == kept for e in function.effects)


def _asks(function: FunctionInfo, effect: Effect) -> bool:
    """Is it asked on the way, under whatever name?"""
    name = last_name(_future(effect))
    return any(
        last_name(e.callee) in _ASKS and e.line <= effect.line and last_name(_future(e)) == name
        for e in function.effects
    )


def _is_caught(function: FunctionInfo, effect: Effect) -> bool:
    tried = regions_around(function, effect, "try")
    return any(r.kind == "except" and r.first in tried for r in function.regions)


def _report(
    program: Program,
    function: FunctionInfo,
    first: Effect,
    second: Effect,
    how: str,
    form: str,
    where: FunctionInfo | None = None,
) -> Report:
    here = where or function
    return Report(
        program.place(here, second),
        symbol_of(here),
        f"{_future(second)} may be set already: {last_name(function.name)} sets it, and leaves it to be set again",
        (
            program.step(function, first, f"{last_name(first.callee)} sets it here"),
            program.step(here, second, how),
        ),
        confidence="medium",
        reason="a future that is set twice raises in whoever sets it, and what comes behind is not done",
        subject=_future(second),
        fix="ask whether it is done, or take it out where it is set",
        mechanism=f"future_set_twice.{form.replace(' ', '_')}",
    )
