"""A C++ local that is static: one variable for all threads, filled or changed by calls without a lock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import place_of, symbol_of
from llmlint.code.domain.ways_in import NOBODY, PYTHON, START, ways_into
from llmlint.code.facts.facts import Effect
from llmlint.code.facts.gists import CHANGING
from llmlint.code.link.exits import around
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report

_HOW = {
    "filled": "is filled when it is first needed",
    "anew": "is made anew by each call",
    "swung": "is set and set back by its calls",
}
_CONTAINER = re.compile(r"\b(?:unordered_)?(?:multi)?(?:map|set)\b|\b(?:vector|list|deque|queue|string|stringstream)\b")


def changed_statics(program: Program, locks: Locks) -> Iterator[Report]:
    """Not in the files of a `main`: what stands there is mostly run by one thread."""
    with_main = {function.path for function in program.functions if function.name == "main"}
    for function in program.asked.functions:
        if function.facts.statics and function.name != "<module>" and function.path not in with_main:
            for name in dict.fromkeys(function.facts.statics):
                yield from _judged(program, function, name, locks)


def _judged(program: Program, function: FunctionInfo, name: str, locks: Locks) -> Iterator[Report]:
    bound = [effect for effect in function.effects if effect.op == "bind" and effect.path == name]
    declared, later = bound[0], bound[1:]
    if any(effect.annotation or effect.via == "declare" for effect in later):
        return  # the name stands for other variables as well
    changes = [e for e in function.effects if e.op in CHANGING and e.path == name] + later
    bare = [e for e in changes if not (locks.taken(function, e) or _is_done_once(function, e))]
    if not bare or _is_called_under_one_lock(program, function, locks):
        return
    kind, doubts = "", ""
    if _CONTAINER.search(declared.annotation or declared.source):
        if _is_filled_when_needed(function, name):
            kind, doubts = "filled", _why_the_same(function, declared, bare)
        elif _is_made_anew(function, bare):
            kind, doubts = "anew", "each call may be the only one at its time"
    elif _goes_back_and_forth(declared, bare):
        kind = "swung"
    if kind:
        doubts = doubts or _why_alone(program, function, locks)
        yield _report(program, function, name, declared, bare, kind, doubts)


def _why_alone(program: Program, function: FunctionInfo, locks: Locks) -> str:
    ways = ways_into(program, function, lambda call: bool(locks.taken(*call)))
    if ways == NOBODY:
        return "nothing in this tree calls it"
    if ways == START:
        return "all ways to it lead from main or the start of the program, and none over a thread without a lock"
    if ways == PYTHON:
        return "only Python leads to it, and nothing on the way lets go of Python's lock"
    return ""


def _why_the_same(function: FunctionInfo, declared: Effect, changes: list[Effect]) -> str:
    """What is put there as a whole, and does not depend on the call, is the same whoever comes first."""
    if any(effect.op not in ("bind", "assign") or (effect.value == "new" and not effect.source) for effect in changes):
        return ""
    if declared.value in ("new", "path", "other"):
        return "it has its first value from its initialiser, which all threads wait for"
    given = {param.name for param in function.facts.params} | {"self"}
    for effect in function.effects:
        if effect.op == "bind" and any(path.partition(".")[0] in given for path in effect.reads):
            given.add(effect.path)
    if any(path.partition(".")[0] in given for effect in changes for path in effect.reads):
        return ""
    return "nothing of the call is in what it is filled with: it is the same whoever comes first"


def _is_called_under_one_lock(program: Program, function: FunctionInfo, locks: Locks) -> bool:
    """Does whoever calls it hold the same lock? That of an object serves only this, a local one only its function."""
    calls = program.callers(function)
    callers = {call.function for call in calls}
    common = frozenset.intersection(*(locks.taken(*call) for call in calls)) if calls else frozenset()
    own = {e.path for caller in callers for e in caller.effects if e.op == "bind"} if len(callers) > 1 else set()
    return any(not path.startswith("self.") and path not in own for path in common)


def _is_done_once(function: FunctionInfo, change: Effect) -> bool:
    """`std::call_once(once, [&] { … })`: all others wait for it."""
    lines = {e.line for e in function.doing("call") if e.callee.rpartition(".")[2] == "call_once"}
    return any(r.kind == "lambda" and not lines.isdisjoint((r.line, r.line - 1)) for r in around(function, change))


def _is_filled_when_needed(function: FunctionInfo, name: str) -> bool:
    return any(name in region.reads for region in function.regions if region.kind == "if")


def _is_made_anew(function: FunctionInfo, changes: list[Effect]) -> bool:
    return any(e.op in ("clear", "bind") and not any(r.kind == "if" for r in around(function, e)) for e in changes)


def _goes_back_and_forth(declared: Effect, changes: list[Effect]) -> bool:
    """A flag that is only ever raised serves to do a thing once; one that is lowered again belongs to one call."""
    values = {effect.source for effect in changes if effect.value == "constant" and not effect.via}
    return len(values) > 1 and declared.value == "constant" and declared.source in values


def _report(
    program: Program,
    function: FunctionInfo,
    name: str,
    declared: Effect,
    changes: list[Effect],
    kind: str,
    doubts: str,
) -> Report:
    return Report(
        place_of(function, declared),
        symbol_of(function),
        f"{name} is static, so all threads in {function.name} share it, and it {_HOW[kind]} without a lock",
        (
            program.step(function, declared, f"one {name} for all calls"),
            *(program.step(function, effect, "changed here") for effect in changes[:4]),
        ),
        confidence="low" if doubts else "medium",
        reason=doubts or f"changed at {len(changes)} places under no lock",
        subject=name,
        mechanism=f"unlocked_shared_state.statics.{kind}",
        fix=f"fill {name} in its initialiser and make it const, or make it a local, a member or thread_local",
    )
