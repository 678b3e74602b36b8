"""LLM103: something acquired that an early exit of the same function forgets.

What must come back is told by the vocabulary's pairs; an entry taken out of a map of the object's own is held as well
when the function gives a part of it back. A function that releases what it holds on its normal path, or hands it over
there, has to do so on its early exits too; the exit that follows from the acquisition itself having failed is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.lending import Held, gives_back, is_given, is_managed, lent, mentions, rebound, settles
from llmlint.code.domain.registered import Registration, forgets, registrations
from llmlint.code.domain.state import attribute_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import (
    BRANCHES,
    chain,
    exclude_each_other,
    is_in_handler_of,
    is_on_the_way,
    loops_around,
    own_regions,
    stands_in,
)
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.code.link.raising import is_caught, way_to_raise
from llmlint.findings import Report, Step
from llmlint.runtime.block import Block, Target
from llmlint.runtime.native.block import native_block

_EXITS = frozenset({"return", "raise"})


def check_program(program: Program) -> Iterator[Report]:
    for held in lent(program):
        if (held.is_local or held.pair.held == "receiver") and not held.pair.counted and not is_managed(held):
            yield from _early_exits(program, held)
    for cls in program.classes:
        if cls.language == "python":
            yield from _registered_then_refused(program, cls)
    told: set[tuple[int, int]] = set()
    for held in _taken_out(program):
        for report in _early_exits(program, held):
            if (id(held.effect), report.at.line) not in told:
                told.add((id(held.effect), report.at.line))
                yield report


def _taken_out(program: Program) -> Iterator[Held]:
    """`node, slots = self.pending.pop(key)`, where the function gives back `node` or `slots` later on."""
    for function, effect in program.calls_named("pop"):
        if effect.op != "remove" or not effect.args or not attribute_of(effect.path):
            continue
        at = function.effects.index(effect)
        for name in effect.result.split(", "):
            if name.isidentifier():
                yield from _given_back_by_pair(program, function, name, at)


def _given_back_by_pair(program: Program, function: FunctionInfo, name: str, at: int) -> Iterator[Held]:
    effect = function.effects[at]
    for later in function.effects[at + 1 :]:
        for pair in program.vocabulary.released_by(later.callee) if later.callee else ():
            held = Held(function, name, at, effect, pair)
            if gives_back(program, held, later):
                yield held
                return


# ---------------------------------------------------------------- registered, then refused


def _registered_then_refused(program: Program, cls: ClassInfo) -> Iterator[Report]:
    """A request's entry is made, and a check that may refuse the request comes after it."""
    told: set[tuple[FunctionInfo, str]] = set()
    for made in registrations(program, cls):
        function = made.function
        if (function, made.attribute) in told or not function.facts.is_async:
            continue
        found = _refusal_after(program, made, cls)
        if found is not None and not _callers_clean_up(program, made):
            told.add((function, made.attribute))
            yield _refused_report(program, made, *found)


def _refusal_after(program: Program, made: Registration, cls: ClassInfo) -> tuple[Effect, tuple[Call, ...]] | None:
    """The first call after the entry, on the same path, that says no to what it is given."""
    function = made.function
    branch = chain(function, made.effect.region)
    for later in function.effects:
        if later.line <= made.effect.line or not later.callee or is_caught(function, later):
            continue
        if stands_in(function, later, {"lambda", "finally", "else"}) or branch[0] not in chain(function, later.region):
            continue
        way = way_to_raise(program, function, later, 3) if later.callee.startswith("self.") else ()
        if way and not any(forgets(program, at, cls, made.attribute) for at, _ in way):
            return later, way
    return None


def _callers_clean_up(program: Program, made: Registration) -> bool:
    """Every caller ends the request in a handler of its own when this one raises."""
    callers = program.callers(made.function)
    return bool(callers) and all(_ends_in_handler(program, caller, call) for caller, call in callers)


def _ends_in_handler(program: Program, caller: FunctionInfo, call: Effect) -> bool:
    tried = chain(caller, call.region)
    handlers = {at for at, r in enumerate(caller.regions) if r.kind in ("except", "finally") and r.first in tried}
    ending = (e for e in caller.effects if program.vocabulary.is_terminal(e.callee.rpartition(".")[2]))
    return any(handlers.intersection(chain(caller, e.region)) for e in ending)


def _refused_report(program: Program, made: Registration, later: Effect, way: tuple[Call, ...]) -> Report:
    function, path = made.function, made.function.path
    steps = [Step(path, made.effect.line, f"{made.effect.callee or 'this'} enters the request in {made.attribute}")]
    if made.holder is not function:
        steps.append(Step(made.holder.path, made.insertion.line, f"{made.holder.name} makes the entry"))
    steps.append(Step(path, later.line, f"{later.callee} comes after it, outside of any try"))
    for at, effect in way:
        does = "raises" if effect.op == "raise" else "calls"
        steps.append(Step(at.path, effect.line, f"{at.facts.qualname} {does} {effect.callee or effect.path}"))
    return Report(
        program.place(function, made.effect),
        function.facts.qualname,
        f"{function.name} enters the request in {made.attribute} and may still refuse it: the entry stays",
        tuple(steps),
        confidence="medium",
        reason=f"{later.callee} ends in {way[-1].effect.path}, and nothing here takes the entry out again",
        subject=f"refused:{made.attribute}",
        fix="make the entry after the checks, or take it out when they raise",
        data={"runtime": Block((Target(function.facts.qualname, "scope", path),)).plain()},
    )


# ---------------------------------------------------------------- the exits


def _early_exits(program: Program, held: Held) -> Iterator[Report]:
    function = held.function
    settled = [e for e in held.after if settles(program, held, e)]
    released = [e for e in settled if gives_back(program, held, e)]
    if not released or any(stands_in(function, e, {"finally"}) for e in released) or rebound(held):
        return
    last = max(e.line for e in settled)
    for exit_ in held.after:
        if exit_.op in _EXITS and exit_.line < last and _forgets(held, exit_, settled):
            yield _report(program, held, exit_, released[0])
            return


def _forgets(held: Held, exit_: Effect, settled: list[Effect]) -> bool:
    function = held.function
    own = own_regions(function, exit_, held.effect)
    kinds = {function.regions[r].kind for r in own}
    if "lambda" in kinds or not kinds & BRANCHES:  # a lambda's return leaves the lambda alone
        return False
    if any(is_on_the_way(function, e, exit_) for e in settled) or exclude_each_other(function, held.effect, exit_):
        return False
    if _speaks_of(held, own, exit_) or _reports_failure(held, own, exit_):
        return False
    return not is_in_handler_of(function, own, held.effect) and not _is_guarded(function, exit_, settled)


def _is_guarded(function: FunctionInfo, exit_: Effect, settled: list[Effect]) -> bool:
    """A raise inside a `try` whose handler settles it is none."""
    if exit_.op != "raise":
        return False
    tried = {r for r in chain(function, exit_.region) if function.regions[r].kind == "try"}
    return any(
        function.regions[r].kind == "except" and function.regions[r].first in tried
        for e in settled
        for r in chain(function, e.region)
    )


def _speaks_of(held: Held, own: list[int], exit_: Effect) -> bool:
    """The exit is taken because the acquisition failed, or answers with what is held."""
    if mentions(held.name, exit_):
        return True
    conditions = [held.function.regions[r] for r in own]
    return any(held.name in c.text or held.name in (p.partition(".")[0] for p in c.reads) for c in conditions)


def _reports_failure(held: Held, own: list[int], exit_: Effect) -> bool:
    """The exit tests what the acquiring call wrote into an argument: `clCreateBuffer(…, &err); if (err) return;`"""
    answers = {a.written or a.path for a in held.effect.args}
    spoken = {word for r in own for word in re.findall(r"\w+", held.function.regions[r].text)}
    tested = {name for name in answers & spoken if name.isidentifier() and not name.isupper()}
    others = (e for e in held.after if e.op == "call" and e.line < exit_.line)
    overwritten = {name for e in others for name in tested if is_given(name, e) or e.result == name}
    return bool(tested - overwritten)


def _report(program: Program, held: Held, exit_: Effect, released: Effect) -> Report:
    function = held.function
    way = "raises" if exit_.op == "raise" else "returns"
    sure, why = _how_sure(program, held, exit_)
    return Report(
        program.place(function, exit_),
        function.facts.qualname,
        f"{function.name} {way} here without giving back {held.name} ({held.pair.what} from {held.effect.callee})",
        (
            Step(function.path, held.effect.line, f"{held.name} is acquired by {held.effect.callee}"),
            Step(function.path, exit_.line, f"this path {way} and leaves it"),
            Step(function.path, released.line, f"the normal path gives it back by {released.callee or released.op}"),
        ),
        confidence=sure,
        reason=f"the function itself gives it back on its normal path, and not on this one{why}",
        subject=f"{held.name}:{exit_.op}",
        fix=f"release {held.name} before leaving, or in a finally",
        data={"release": released.line, **_runtime(program, held, exit_, released)},
    )


def _how_sure(program: Program, held: Held, exit_: Effect) -> tuple[str, str]:
    if _ends_program(program, held.function, exit_):
        return "low", "; this way out ends the program, which gives everything back"
    if held.pair.collected:
        return "low", "; once nothing refers to it any more, it closes itself"
    return "high", ""


def _ends_program(program: Program, function: FunctionInfo, exit_: Effect) -> bool:
    """Is the exit main's own, or does it lead straight to its end: a step of main, a raise nobody catches?"""
    main = next((f for f in program.functions_in(function.path) if f.name == "main"), None)
    if main is None or function is main:
        return main is not None
    if exit_.op == "raise":
        handlers = (r.kind for f in program.functions_in(function.path) if f is not main for r in f.regions)
        return "except" not in handlers
    return all(f is main and not loops_around(f, e) for f, e in program.callers(function))


def _runtime(program: Program, held: Held, exit_: Effect, released: Effect) -> dict[str, object]:
    """The scope, and the functions that lend and take back: the program's own where they are known, or C's."""
    function = held.function
    scope = Target(function.facts.qualname, "scope")
    if function.language != "python":
        lost = not _ends_program(program, function, exit_)
        return native_block(scope, held.effect.callee, held.pair, held.effect.line) if lost else {}
    targets = [scope]
    if held.effect.op == "call":
        targets += [
            Target(f.facts.qualname, "acquire", f.path, "return") for f in program.callees(function, held.effect)[:1]
        ]
    for taker in program.callees(function, released)[:1]:
        given = [p.name for p, a in zip(taker.params, released.args, strict=False) if a.path == held.name]
        targets.append(Target(taker.facts.qualname, "release", taker.path, given[0] if given else "self"))
    return {"runtime": Block(tuple(targets)).plain()}
