"""Answers that nobody gives any more: who hands them out has ended, and left those waiting that it knows by their ids.

A class keeps a future, an event or a queue for each request and waits for it without a limit. One of its functions
receives the answers in a loop and completes them one by one. That loop ends, with an error or at a word that it
receives, and nobody ever goes over all that wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.checkers.concurrency.unbounded_wait.telling import report
from llmlint.code.domain.state import attribute_of, is_setup
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import chain
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program, root_of
from llmlint.findings import Report, Step

_MAKES = frozenset({"Future", "create_future", "Event", "Queue", "SimpleQueue"})
_ANSWERS = ("set_result", "set", "put", "put_nowait")
_WAITS = frozenset({"result", "wait", "get"})
_LOOKS = frozenset({"pop", "get", "setdefault", "__contains__", "__len__"})
"""What is asked of a map by one key."""


def abandoned(program: Program) -> Iterator[Report]:
    told: set[tuple[ClassInfo, str]] = set()
    asked = {function.owner for function in program.asked.functions}
    for name in _ANSWERS:
        answering = (function for function in program.functions_calling(name) if function.owner in asked)
        for function, effect in program.calls_inside(answering, name):
            attribute, owner = attribute_of(effect.callee), function.owner
            if owner is None or effect.callee != f"self.{attribute}[].{name}" or (owner, attribute) in told:
                continue
            ended, waits = _end(function, effect), _waits(owner, attribute)
            if ended is None or waits is None or _are_told_together(program, owner, attribute):
                continue
            told.add((owner, attribute))
            yield _report(program, function, ended, attribute, effect, *waits)


class _End(NamedTuple):
    """Where the loop of answers is left, and whether by an error."""

    line: int
    is_error: bool


def _end(function: FunctionInfo, answer: Effect) -> _End | None:
    """By an exit in a handler, by a handler around the whole loop, or because of what the loop has received."""
    loop = next((at for at in chain(function, answer.region) if function.regions[at].kind == "loop"), None)
    if loop is None:
        return None
    left = [e for e in function.effects if _leaves(function, e, loop)]
    by_error = [e.line for e in left if function.regions[e.region].kind == "except"]
    tried = {at for at in chain(function, loop) if function.regions[at].kind == "try"}
    by_error += [r.line for r in function.regions if r.kind == "except" and r.first in tried]
    if by_error:
        return _End(by_error[0], is_error=True)
    received = {e.path for e in function.effects if e.op == "bind" and loop in chain(function, e.region)}
    by_word = (e.line for e in left if received.intersection(root_of(r) for r in function.regions[e.region].reads))
    return next((_End(line, is_error=False) for line in by_word), None)


def _leaves(function: FunctionInfo, exit_: Effect, loop: int) -> bool:
    around = chain(function, exit_.region)
    if exit_.op not in ("break", "return") or loop not in around:
        return False
    return exit_.op == "return" or next(r for r in around if function.regions[r].kind == "loop") == loop


def _waits(owner: ClassInfo, attribute: str) -> tuple[FunctionInfo, Effect] | None:
    """Where the class enters what it has just made, and waits for it with no limit."""
    for function in owner.functions:
        for entered in function.effects:
            if entered.op != "insert" or entered.path != f"self.{attribute}" or entered.via != "[]=":
                continue
            names = _names_of(function, entered, attribute)
            wait = next((e for e in function.effects if names and _waits_for(e, names)), None)
            if wait is not None:
                return function, wait
    return None


def _names_of(function: FunctionInfo, entered: Effect, attribute: str) -> set[str]:
    made = {
        e.path
        for e in function.effects
        if e.op == "bind" and e.value == "new" and e.source.rpartition(".")[2] in _MAKES
    }
    is_made = entered.source in made or entered.source.rpartition(".")[2] in _MAKES
    return made | {f"self.{attribute}[]"} if is_made else set()


def _waits_for(effect: Effect, names: set[str]) -> bool:
    receiver, _, name = effect.callee.rpartition(".")
    is_call = effect.op == "call" and name in _WAITS and receiver in names and not effect.args
    return is_call or (effect.op == "await" and effect.path in names)


def _are_told_together(program: Program, owner: ClassInfo, attribute: str) -> bool:
    """Does anybody take the map as a whole: go over it, empty it, hand it to somebody?"""
    whole = f"self.{attribute}"
    for function in (f for cls in (*owner.mro, *owner.subclasses) for f in program.functions_of(cls)):
        if any(region.kind == "loop" and whole in region.text for region in function.regions):
            return True
        if any(_takes_whole(e, whole) and not is_setup(function) for e in function.effects):
            return True
    outside = (e for name in ("values", "items", "clear") for _, e in program.calls_named(name))
    return any(e.callee.endswith((f".{attribute}.values", f".{attribute}.items")) for e in outside)


def _takes_whole(effect: Effect, whole: str) -> bool:
    receiver, _, name = effect.callee.rpartition(".")
    if receiver == whole:
        return name not in _LOOKS
    is_handed = effect.op == "call" and effect.callee != "len" and any(a.path == whole for a in effect.args)
    return is_handed or whole == effect.source or (effect.op in ("assign", "clear") and effect.path == whole)


def _report(
    program: Program,
    function: FunctionInfo,
    ended: _End,
    attribute: str,
    answer: Effect,
    waiting: FunctionInfo,
    wait: Effect,
) -> Report:
    return report(
        program,
        waiting,
        wait,
        f"{waiting.name} waits without a limit for what {function.name} answers; once that has ended, "
        f"nobody completes what is left in self.{attribute}",
        [
            Step(function.path, answer.line, f"{function.name} completes them one by one"),
            Step(function.path, ended.line, "here it ends, and leaves the others as they are"),
        ],
        ("medium" if ended.is_error else "low", f"no function of the class goes over self.{attribute} or empties it"),
        f"fail everything in self.{attribute} when {function.name} ends, or wait with a time limit",
    )
