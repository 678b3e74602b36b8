"""A function asks what is kept under a lock, lets the lock go, and acts on the answer when it has taken it anew."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unlocked_shared_state.accesses import locks_of
from llmlint.code.domain.lock_steps import Taking
from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import attribute_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import chain
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.findings import Report
from llmlint.phrases import last_name

_SAFE_TWICE = frozenset({"discard", "erase", "clear"})
_ONE_MORE = frozenset({"append", "appendleft", "add", "put", "push_back", "push", "insert"})


def acts_in_another_scope(program: Program, locks: Locks) -> Iterator[Report]:
    for cls in program.asked.classes:
        if not cls.functions or not locks_of(program, cls):
            continue
        for function in cls.functions:
            if len(function.effects) > 2 and function.name != "__init__":
                yield from _in_function(program, locks, function)


def _in_function(program: Program, locks: Locks, function: FunctionInfo) -> Iterator[Report]:
    asked = list(_asked(locks, function))
    for at, act in enumerate(function.effects) if asked else ():
        if not _acts(act):
            continue
        held = locks.before(function, at)
        for question, kept, taken in asked:
            if question.line >= act.line or not _is_about(question, kept, act):
                continue
            again = [taking for taking in held if taking.path == taken.path and taking != taken]
            if again and taken not in held and _depends(function, question, act):
                if not _asks_again(locks, function, kept, again[0], act):
                    yield _report(program, function, question, act, kept, taken)
                    return


def _asked(locks: Locks, function: FunctionInfo) -> Iterator[tuple[Effect, str, Taking]]:
    """What a local is told of a container or count of the object's while a lock is held."""
    for at, effect in enumerate(function.effects):
        if effect.op == "bind" and effect.path.isidentifier() and effect.value in ("other", "path", "new", "constant"):
            kept = next((f"self.{name}" for read in _reads(effect) if (name := attribute_of(read))), "")
            for taken in locks.before(function, at) if kept else ():
                if taken.path != kept:
                    yield effect, kept, taken


def _reads(effect: Effect) -> tuple[str, ...]:
    return (*effect.reads, effect.source)


def _acts(effect: Effect) -> bool:
    """Does it do harm a second time, or where there is nothing: takes out, counts, puts one more?"""
    if not attribute_of(effect.path):
        return False
    if effect.op == "remove":
        return effect.via not in _SAFE_TWICE and len(effect.args) < 2
    if effect.op == "assign":
        return effect.via in ("+=", "-=")
    return effect.op == "insert" and effect.via in _ONE_MORE


def _is_about(question: Effect, kept: str, act: Effect) -> bool:
    if f"self.{attribute_of(act.path)}" != kept:
        return False
    if act.op != "insert":
        return True
    lengths = ("len()", ".size()", ".empty()", ".qsize()")
    return any(read.endswith(lengths) for read in question.reads) or last_name(question.source) in (
        "len",
        "size",
        "empty",
    )


def _depends(function: FunctionInfo, question: Effect, act: Effect) -> bool:
    """Does a branch on the answer decide whether the act is come to, or is the answer what it acts on?"""
    if root_of(act.key) == question.path or any(root_of(read) == question.path for read in act.reads):
        return True
    tests = (r for r in function.regions if r.kind in ("if", "else") and question.line <= r.line <= act.line)
    return any(question.path in {root_of(read) for read in r.reads} for r in tests)


def _asks_again(locks: Locks, function: FunctionInfo, kept: str, taking: Taking, act: Effect) -> bool:
    """Is what is kept read once more while the lock is held for the act?"""
    inside = set(chain(function, act.region))
    for region in function.regions:
        if region.line >= taking.line and region.line <= act.line and region.kind in ("if", "else", "loop", "and"):
            if any(f"self.{attribute_of(read)}" == kept for read in region.reads):
                return True
    behind = (e for e in function.effects if taking.line <= e.line < act.line and e.op in ("bind", "call"))
    return any(
        kept in (*e.reads, e.callee.rpartition(".")[0]) and inside & set(chain(function, e.region)) for e in behind
    )


def _report(
    program: Program, function: FunctionInfo, question: Effect, act: Effect, kept: str, taken: Taking
) -> Report:
    name, lock = kept.removeprefix("self."), taken.path.removeprefix("self.")
    return Report(
        program.place(function, act),
        symbol_of(function),
        f"{function.name} asks {name} under {lock}, lets {lock} go, and acts on the answer when it has it again",
        (
            program.step(function, question, f"{question.path} is what {name} says here, under {lock}"),
            program.step(function, act, f"acted on here: {lock} was free meanwhile, and nobody asks again"),
        ),
        confidence="medium",
        reason="another thread may have changed it in between",
        subject=f"{name}:{question.path}",
        fix=f"ask again where {lock} is taken anew, or hold it all along",
    )
