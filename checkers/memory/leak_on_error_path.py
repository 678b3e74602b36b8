"""LLM103: something acquired that an early exit of the same function forgets.

What must come back is told by the protocols. A function that releases what it holds on its normal path, or hands it
over there, has to do so on its early exits too; the exit that follows from a failed acquisition is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.memory import lent_by_structure, task_not_done
from llmlint.code.domain.answers import is_route
from llmlint.code.domain.duties import Forgotten, forgotten, owed
from llmlint.code.domain.kept_over_rounds import kept_over_rounds
from llmlint.code.domain.lending import Held, Lending
from llmlint.code.domain.registered import Registration, forgets, registrations
from llmlint.code.domain.state import attribute_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import RAISED
from llmlint.code.link.exits import chain, loops_around, stands_in
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.code.link.raising import is_caught, way_to_raise
from llmlint.findings import Report, Step
from llmlint.runtime.block import Block, Target
from llmlint.runtime.native.native_block import native_block

_NEXT_ROUND = "next_round"


def check_program(program: Program) -> Iterator[Report]:
    if program.hears("leak_on_error_path._early_exits"):
        yield from _early_exits(program)
    if program.hears(f"leak_on_error_path.{_NEXT_ROUND}"):
        yield from _kept_over_rounds(program)
    if program.hears("task_not_done.check"):
        yield from task_not_done.check(program)
    yield from lent_by_structure.check(program)
    for cls in program.asked.classes:
        if cls.language == "python":
            yield from _registered_then_refused(program, cls)


def _early_exits(program: Program) -> Iterator[Report]:
    lending = once(program, Lending)
    told: set[tuple[int, str, int]] = set()
    for held in owed(lending):
        found = forgotten(lending, held)
        name = held.name if held.effect.op == "call" else ""  # the parts of one entry are told once
        if found is not None and (key := (id(held.effect), name, found.left_by.line)) not in told:
            told.add(key)
            yield _report(program, held, found)


def _kept_over_rounds(program: Program) -> Iterator[Report]:
    """Locks and permits that a `continue` or a `break` keeps."""
    lending = once(program, Lending)
    told: set[int] = set()
    for held in owed(lending):
        for found in kept_over_rounds(lending, held):
            if id(found.left_by) not in told:
                told.add(id(found.left_by))
                yield _report(program, held, found, _NEXT_ROUND)


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
        if way and not any(forgets(program, at, cls, made.attribute) for at, _ in way) and _stays(program, made, later):
            return later, way
    return None


def _stays(program: Program, made: Registration, later: Effect) -> bool:
    """Does the exception leave the function without passing what takes the entry out again, in a finally or handler?"""
    function, paths = made.function, paths_of(made.function)
    cls = function.owner
    removing = {
        node
        for at, effect in enumerate(function.effects)
        if (effect.op in ("remove", "clear") and attribute_of(effect.path) == made.attribute)
        or any(cls is not None and forgets(program, f, cls, made.attribute) for f in program.callees(function, effect))
        for node in paths.graph.nodes_of(at)
    }
    starts = paths.graph.nodes_of(function.effects.index(made.effect))

    def throws(node: int) -> bool:
        return paths.graph.effect(node) is later

    return paths.find(starts, {RAISED}, removing.__contains__, throws=throws) is not None


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


_WAYS = {
    "raise": "raises",
    "return": "returns",
    "throw": "may raise",
    "cancel": "may be cancelled",
    "continue": "goes on to the next round",
    "break": "leaves the loop",
}
_JUMPS = frozenset({"continue", "break"})


def _report(program: Program, held: Held, found: Forgotten, mechanism: str = "_early_exits") -> Report:
    function, exit_, way, released = held.function, found.left_by, _WAYS[found.leak.how], found.released
    sure, why = _how_sure(program, held, found)
    does = "hands it over" if found.is_handed_over else "gives it back"
    release = {} if found.is_handed_over else {"release": released.line}
    return Report(
        program.place(function, exit_),
        function.facts.qualname,
        f"{function.name} {way} here without giving back {held.name} ({held.protocol.name} from {held.lender})",
        (
            Step(function.path, held.effect.line, f"{held.name} is acquired by {held.lender}"),
            Step(function.path, exit_.line, f"this path {way} and leaves it"),
            Step(function.path, released.line, f"the normal path {does} by {released.callee or released.op}"),
        ),
        confidence=sure,
        reason=f"the function itself {does} on its normal path, and not on this one{why}",
        subject=f"{held.name}:{exit_.op}",
        fix=f"release {held.name} before leaving, or in a finally",
        data={**release, **_runtime(program, held, exit_, released)},
        mechanism=f"leak_on_error_path.{mechanism}",
    )


def _how_sure(program: Program, held: Held, found: Forgotten) -> tuple[str, str]:
    if found.leak.how in _JUMPS:
        return "low", "; few findings of this kind have been read so far"
    if found.leak.how == "throw" and is_route(held.function.facts.decorators):
        return "medium", "; each request that fails here takes it along"
    if found.leak.how == "throw":
        return "low", f"; {found.left_by.callee} raises only when something is wrong"
    if _ends_program(program, held.function, found.left_by):
        return "low", "; this way out ends the program, which gives everything back"
    if held.protocol.collected or _gives_itself_back(program, held):
        return "low", "; once nothing refers to it any more, it closes itself"
    return ("medium", "; the await may be the last") if found.leak.how == "cancel" else ("high", "")


def _gives_itself_back(program: Program, held: Held) -> bool:
    """Has its class, one above or one below, a `__del__`? Then it goes when the last name for it does."""
    cls = program.class_of(held.function, held.name) if held.is_local and held.function.language == "python" else None
    return cls is not None and any("__del__" in kin.methods for kin in (*cls.mro, *cls.subclasses))


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
        return native_block(scope, held.effect.callee, held.protocol, held.effect.line) if lost else {}
    targets = [scope]
    if held.effect.op == "call":
        targets += [
            Target(f.facts.qualname, "acquire", f.path, "return") for f in program.callees(function, held.effect)[:1]
        ]
    for taker in program.callees(function, released)[:1]:
        given = [p.name for p, a in zip(taker.params, released.args, strict=False) if a.path == held.name]
        targets.append(Target(taker.facts.qualname, "release", taker.path, given[0] if given else "self"))
    return {"runtime": Block(tuple(targets)).plain()}
