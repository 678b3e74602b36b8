"""LLM103, by structure: what is taken from a pool, or counted up, and an exit of the function forgets.

Which container is a pool, which functions answer what they take from it, and which two functions count up and down is
known by what they do. A slot has to be recorded or put back on every way out; a count that the function itself lowers
on one way, on the others too.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.domain.counting import LOWER, RAISE, counted_by, counts_asked, counts_of, stepped_by
from llmlint.code.domain.giving import Giving
from llmlint.code.domain.pools import Pool, takes_next, told_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.conditions import written
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import EXIT
from llmlint.code.flow.leaks import Leak, Question, leak
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.exits import chain, stands_in
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.code.link.raising import may_raise
from llmlint.findings import Report
from llmlint.runtime.block import Block, Target

_LEVELS = 2
_WAYS = {"raise": "raises", "return": "returns"}


class Slot(msgspec.Struct, frozen=True):
    """What a function has taken from a pool: effect `at` does it, and `name` holds it."""

    pool: Pool
    function: FunctionInfo
    at: int
    name: str

    @property
    def effect(self) -> Effect:
        return self.function.effects[self.at]


def check(program: Program) -> Iterator[Report]:
    giving = once(program, Giving)
    if program.hears("lent_by_structure._raised_report"):
        yield from _counted_up(program, giving)
    if not program.hears("lent_by_structure.check"):
        return
    told: set[tuple[FunctionInfo, int]] = set()
    for pool in giving.pools:
        for slot in (slot for slot in _taken_from(program, pool) if slot.function in program.asked):
            found = _forgotten(program, giving, slot)
            if found is not None and (slot.function, slot.at) not in told:
                told.add((slot.function, slot.at))
                yield _report(program, slot, found)


# ---------------------------------------------------------------- a count that one way out leaves raised


def _counted_up(program: Program, giving: Giving) -> Iterator[Report]:
    counts = counts_asked(program)
    for raising in sorted(counts.raising, key=lambda f: f.order):
        for function, call in (caller for caller in program.callers(raising) if caller.function in program.asked):
            if function in counts.raising or function in counts.lowering or stands_in(function, call, {"lambda"}):
                continue
            thing = counted_by(program, counts, function, call, RAISE)
            is_one = bool(thing) and "[" not in thing  # of the elements of a list each has a way of its own
            found = _left_raised(program, giving, function, call, thing) if is_one else None
            if found is not None and found[0].left_by is not None:
                yield _raised_report(program, function, call, thing, found[0].left_by, found[1])


def _left_raised(
    program: Program, giving: Giving, function: FunctionInfo, call: Effect, thing: str
) -> tuple[Leak, Effect] | None:
    """A way out on which the count stays raised, and where another way lowers it."""
    effects, at = function.effects, function.effects.index(call)
    lowered = {n for n in range(at + 1, len(effects)) if _counts_down(program, giving, function, effects[n], thing)}
    normal = {n for n in lowered if not stands_in(function, effects[n], {"except"})}
    if not normal or _only_takes_back(function, normal) or _begins_anew(program, function, at, thing):
        return None
    kept = {n for n, e in enumerate(effects) if n != at and _records(program, function, e, thing)}
    status = frozenset({call.result} - {"", thing}) | _asked_at_once(function, call)
    asked = Question(function, at, frozenset({thing}), status, lowered | kept, lowered)
    found = leak(asked) or leak(asked._replace(throws=lambda effect: may_raise(program, function, effect)))
    return (found, effects[min(normal)]) if found is not None else None


def _begins_anew(program: Program, function: FunctionInfo, at: int, thing: str) -> bool:
    """Does the function begin the count at nothing whenever it is called? Then no call finds what another left."""
    counts = {f"{thing}.{name}" for name in stepped_by(program, function, function.effects[at])}
    around, before = chain(function, function.effects[at].region), function.effects[:at]
    return any(e.op == "assign" and e.region in around and e.source == "0" and e.path in counts for e in before)


def _asked_at_once(function: FunctionInfo, call: Effect) -> frozenset[str]:
    """The call as a test on it writes it: `if (!push(stack, node)) return false;`"""
    tests = (function.settled_test(r.test) for r in function.regions if r.kind == "if" and r.line == call.line)
    return frozenset(
        written(part)
        for test in tests
        if test is not None
        for part in (test, *test.args)
        if part.op == "call" and part.path == call.callee
    )


def _only_takes_back(function: FunctionInfo, lowered: set[int]) -> bool:
    """Is the count lowered only where the function fails, so that it stays raised for the caller when all goes well?"""
    paths = paths_of(function)
    starts = [node for at in lowered for node in paths.graph.nodes_of(at)]
    return EXIT not in paths.reached(starts, lambda node: _says_no(paths.graph.effect(node)))


def _says_no(effect: Effect | None) -> bool:
    if effect is None or effect.op != "return":
        return False
    return effect.value == "none" or effect.source in ("False", "false")


def _counts_down(program: Program, giving: Giving, function: FunctionInfo, effect: Effect, thing: str) -> bool:
    return counted_by(program, counts_of(program, function.language == "python"), function, effect, LOWER) == thing


def _records(program: Program, function: FunctionInfo, effect: Effect, thing: str) -> bool:
    """Is it put where its end will find it, or given to what may do so?"""
    if effect.op in ("insert", "assign", "return", "yield"):
        return thing in (effect.key, *told_of(effect))
    if not effect.callee or not any(thing in (a.path, *a.reads) for a in effect.args):
        return False
    return any(_keeps(program, callee, effect, root_of(thing)) for callee in program.callees(function, effect))


def _raised_report(
    program: Program, function: FunctionInfo, call: Effect, thing: str, left: Effect, lowered: Effect
) -> Report:
    way = _WAYS.get(left.op, "may raise")
    return Report(
        program.place(function, left),
        function.facts.qualname,
        f"{function.name} {way} here and leaves the count of {thing} raised",
        (
            program.step(function, call, f"{call.callee} raises the count of {thing}"),
            program.step(function, left, f"this path {way} and leaves it"),
            program.step(function, lowered, f"another path lowers it by {lowered.callee or lowered.path}"),
        ),
        confidence="medium" if left.op in _WAYS else "low",
        reason="the function itself lowers the count on another way, and records the thing nowhere on this one",
        subject=f"{thing}:{left.op}",
        fix="raise the count after the last check, or lower it before leaving or in a finally",
        data={"runtime": Block((Target(function.facts.qualname, "scope", function.path),)).plain()},
    )


# ---------------------------------------------------------------- a slot that one way out loses


def _taken_from(program: Program, pool: Pool) -> Iterator[Slot]:
    answering: list[tuple[FunctionInfo, int]] = []
    for taker in sorted(pool.takers, key=lambda f: f.order):
        for at, effect in enumerate(taker.effects):
            if effect.path == pool.path and takes_next(effect) and effect.result.isidentifier():
                yield Slot(pool, taker, at, effect.result)
        if _answers(taker, {f"{pool.path}[]"}):
            answering.append((taker, _LEVELS))
    while answering:
        taker, hands = answering.pop()
        for caller, call in program.callers(taker) if hands else ():
            if not call.result.isidentifier():
                if call.result == "<return>":
                    answering.append((caller, hands - 1))
                continue
            yield Slot(pool, caller, caller.effects.index(call), call.result)
            if _answers(caller, {call.result}):
                answering.append((caller, hands - 1))


def _answers(function: FunctionInfo, names: set[str]) -> bool:
    bound = {e.path for e in function.effects if e.op == "bind" and e.value == "path" and e.source in names}
    answers = (e for e in function.effects if e.op == "return")
    return any(not {e.path, e.source}.isdisjoint(names | bound) for e in answers)


def _forgotten(program: Program, giving: Giving, slot: Slot) -> Leak | None:
    function = slot.function
    if stands_in(function, slot.effect, {"lambda", "except", "finally"}):
        return None
    if program.vocabulary.entered_by(slot.effect.callee) and slot.effect.op == "call":
        return None  # a protocol knows it
    held = next((at for at, e in enumerate(function.effects) if at > slot.at and e.path == slot.name), slot.at)
    settled = {
        at for at in range(slot.at + 1, len(function.effects)) if at != held and _settles(program, giving, slot, at)
    }
    if not settled:
        return None
    names = frozenset({slot.name})
    asked = Question(function, slot.at, names, frozenset(), settled, settled)
    return leak(asked) or leak(asked._replace(throws=lambda effect: may_raise(program, function, effect)))


def _settles(program: Program, giving: Giving, slot: Slot, at: int) -> bool:
    """Is it put back, recorded, handed out, or given to somebody who may do so?"""
    function, effect = slot.function, slot.function.effects[at]
    if effect.op in ("insert", "assign", "return", "yield"):
        return _tells(effect, slot.name)
    if effect.op == "bind":
        return effect.path == slot.name or (
            effect.value in ("container", "path", "other") and _tells(effect, slot.name)
        )
    if not effect.callee or not _tells(effect, slot.name):
        return False
    if giving.back(function, effect, slot.name):
        return True
    callees = program.callees(function, effect)
    return not callees or any(_keeps(program, callee, effect, slot.name) for callee in callees)


def _tells(effect: Effect, name: str) -> bool:
    return any(root_of(path) == name for path in (effect.key, *told_of(effect)))


def _keeps(program: Program, callee: FunctionInfo, call: Effect, name: str) -> bool:
    """May the callee do more with it than look at it?"""
    given = arguments_by_parameter(callee, call).items()
    params = {p for p, a in given if any(root_of(path) == name for path in (a.path, *a.reads))}
    return not params or any(
        effect.op != "bind" and (effect.op != "call" or bool(effect.args)) and any(_tells(effect, p) for p in params)
        for effect in callee.effects
    )


def _report(program: Program, slot: Slot, found: Leak) -> Report:
    function = slot.function
    left = found.left_by or slot.effect
    way = _WAYS.get(left.op, "may raise")
    return Report(
        program.place(function, left),
        function.facts.qualname,
        f"{function.name} {way} here without putting back {slot.name}, which was taken from {slot.pool.path}",
        (
            program.step(
                function, slot.effect, f"{slot.name} is taken from {slot.pool.cls.name}'s {slot.pool.attribute}"
            ),
            program.step(function, left, f"this path {way}; it is recorded nowhere and not put back"),
        ),
        confidence="medium" if left.op in _WAYS else "low",
        reason=f"{slot.pool.path} is full when it is made: what does not come back to it is lost",
        subject=f"{slot.name}:{slot.pool.attribute}",
        fix=f"take {slot.name} after the last check, or put it back before leaving",
        data={"runtime": Block((Target(function.facts.qualname, "scope", function.path),)).plain()},
    )
