"""State that nearly all places use under a lock of its object or its file, and one place uses without any.

What is reported by default can go wrong in two threads: a change of a container or a count, a walk over what others
change meanwhile, a test outside of the lock for what is then done under it. Plain flags are read and set at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from llmlint.checkers.concurrency.unlocked_shared_state.accesses import Access, Holder, accesses_of, holders
from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import place_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.conditions import implied
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.exits import BRANCHES, chain, stands_in
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Place, Report, Step
from llmlint.phrases import words
from llmlint.runtime.block import Block, Target

_SHOWN = 4
_LEVELS = 2


class Guarded(msgspec.Struct, frozen=True):
    """State with the lock that guards it, and its places with a lock and without."""

    holder: Holder
    state: str
    lock: str
    held: list[Access]
    bare: list[Access]
    is_thin: bool = False
    """One function changes it without the lock, and no more than one changes it under it."""

    @property
    def name(self) -> str:
        cls = self.holder.cls
        return f"{cls.name}.{self.state.removeprefix('self.')}" if cls is not None else self.state

    @property
    def changes_size(self) -> bool:
        return any(a.effect is not None and a.effect.op in ("insert", "remove", "clear") for a in self.held)

    @property
    def needs_several_steps(self) -> bool:
        """Does some place under the lock walk over it, test it, or use it twice? One step of Python needs no lock."""
        if not self.holder.is_python or any(a.kind in ("loop", "test") for a in self.held):
            return True
        return len(self.held) > len(_functions(self.held))


def unguarded_places(program: Program, locks: Locks) -> Iterator[Report]:
    for holder in holders(program):
        for state, accesses in accesses_of(holder, locks).items():
            guarded = _guarded(holder, state, accesses)
            if guarded is not None:
                yield from _breaches(program, guarded)


def _guarded(holder: Holder, state: str, accesses: list[Access]) -> Guarded | None:
    """None where the places don't agree: a lock must be held in most functions, and in most that change it."""
    held = [access for access in accesses if access.held]
    bare = [access for access in accesses if not access.held]
    with_lock, without = _functions(held), _functions(bare)
    written, written_bare = _functions(_writes(held)), _functions(_writes(bare))
    locks = Counter(lock for access in held for lock in holder.locks if lock in access.held)
    if not bare or not locks or len(with_lock) < 2 or len(with_lock) < 2 * len(without - with_lock):
        return None
    is_thin = len(written) <= len(written_bare - written)
    if is_thin and (len(without) > 1 or without & with_lock or not any(_is_lost_by_another(access) for access in bare)):
        return None
    return Guarded(holder, state, locks.most_common(1)[0][0], held, bare, is_thin) if written or is_thin else None


def _is_lost_by_another(access: Access) -> bool:
    """Is it a change of several steps, or of a container that others may be in the middle of? Sizing is set-up, and
    what stands in for others in a test is called by one thread."""
    effect = access.effect
    if effect is None or effect.via in ("resize", "reserve") or "test" in words(access.function.path):
        return False
    return effect.op in ("insert", "remove") or (effect.op == "assign" and effect.via != "")


def _writes(accesses: list[Access]) -> list[Access]:
    return [access for access in accesses if access.kind == "write"]


def _functions(accesses: list[Access]) -> set[FunctionInfo]:
    return {access.function for access in accesses}


def _breaches(program: Program, guarded: Guarded) -> Iterator[Report]:
    """One for each function, at the worst that it does."""
    by_function: dict[FunctionInfo, list[Access]] = {}
    for access in guarded.bare:
        if _may_meet_others(program, access) and not _is_set_before(program, guarded, access):
            by_function.setdefault(access.function, []).append(access)
    for accesses in by_function.values():
        judged = [(access, *_harm(program, guarded, access)) for access in accesses]
        access, confidence, harm = max(judged, key=lambda one: ("", "low", "medium", "high").index(one[1]))
        if confidence:
            yield _report(guarded, access, confidence, harm)


def _may_meet_others(program: Program, access: Access) -> bool:
    """Not where threads are still to be started, and not in what nobody calls."""
    function = access.function
    starting = program.vocabulary.starts_threads
    if function.name in starting or _starts_threads(function, access.line, starting):
        return False
    if function.language != "python":
        return True
    calls = program.calls_named(function.name)
    if not calls:
        return bool(function.facts.decorators) or _is_handed_on(program, function)
    return not all(_starts_threads(call.function, call.effect.line, starting) for call in calls)


def _is_set_before(program: Program, guarded: Guarded, access: Access) -> bool:
    """Is it read behind a call of the one function that sets it, under the lock and where it is not set yet? Then the
    lock has ordered the two, and nothing sets it again."""
    writes = _writes([*guarded.held, *guarded.bare])
    if access.effect is not None or not all(write.held for write in writes):
        return False
    setters = {_set_where_unset(program, write.function, write.region, guarded.state) for write in writes}
    setter = setters.pop() if len(setters) == 1 else None

    def calls_it(function: FunctionInfo, effect: Effect) -> bool:
        return setter in program.callees(function, effect) and not stands_in(function, effect, BRANCHES)

    around = chain(access.function, access.region)
    before = (e for e in access.function.effects if e.op == "call" and e.line < access.line and e.region in around)
    return setter is not None and any(
        callee is setter or program.reaches(callee, calls_it, _LEVELS)
        for effect in before
        for callee in program.callees(access.function, effect)
    )


def _set_where_unset(program: Program, function: FunctionInfo, region: int, state: str) -> FunctionInfo | None:
    """The function that sets the state in this region, itself or by a helper of its own, only where it is unset."""
    if _is_where_unset(function, region, state):
        return function
    callers = program.callers(function)
    if len(callers) != 1:
        return None
    caller, call = callers[0]
    return caller if caller is not function and _is_where_unset(caller, call.region, state) else None


def _is_where_unset(function: FunctionInfo, region: int, state: str) -> bool:
    regions = (function.regions[at] for at in chain(function, region))
    tests = (function.settled_test(region.test) for region in regions if region.kind == "if")
    unset = {(("true", state), False), (("none", state), True)}
    return any(not unset.isdisjoint(implied(test, True)) for test in tests if test is not None)


def _starts_threads(function: FunctionInfo, after: int, starting: frozenset[str]) -> bool:
    return any(
        effect.op == "call"
        and effect.line > after
        and effect.path.rpartition(".")[2] in starting
        and not stands_in(function, effect, BRANCHES)
        for effect in function.effects
    )


def _is_handed_on(program: Program, function: FunctionInfo) -> bool:
    """Is it given away as a value: the target of a thread, a callback?"""
    cls = function.owner
    path = f"self.{function.name}" if function.is_method else function.name
    return cls is not None and any(
        path in (argument.path, argument.written) for f in cls.functions for e in f.effects for argument in e.args
    )


def _harm(program: Program, guarded: Guarded, access: Access) -> tuple[str, str]:
    """How sure we are that two threads can go wrong here, and how; nothing for what is read at once."""
    effect = access.effect
    if guarded.is_thin:
        is_looked_at = not guarded.holder.is_python or any(a.kind in ("loop", "test") for a in guarded.held)
        takes_steps = effect is not None and (effect.op == "assign" or is_looked_at)
        return ("low", "changes it") if takes_steps and _is_lost_by_another(access) else ("", "")
    if effect is not None:
        if effect.op in ("insert", "remove", "clear") and effect.via != "=":
            return ("medium" if guarded.needs_several_steps else "low"), "changes it"
        if effect.op == "assign" and effect.via:
            return "medium", "reads it, adds and writes it back"
        return "low", "sets it"
    if not access.is_direct:
        return "", ""
    if access.kind == "loop" and guarded.changes_size and not _is_copied(access):
        return "medium", "walks over it"
    if access.kind == "test" and _acts_later(program, guarded, access):
        return "medium", "decides by it what to do"
    return ("", "") if guarded.holder.is_python else ("low", "reads it")


def _is_copied(access: Access) -> bool:
    """Python makes a list or a tuple of a container in one step that no other thread gets into."""
    texts = (r.text for r in access.function.regions if r.kind == "loop" and r.line == access.line)
    return any(f"{maker}(" in text for text in texts for maker in ("list", "tuple", "sorted", "set", "dict", "copy"))


def _acts_later(program: Program, guarded: Guarded, test: Access) -> bool:
    """Does the function, after its test, change the attribute under the lock without asking again there?"""
    function = test.function
    if any(access.function is function and access.kind == "test" for access in guarded.held):
        return False
    acting = [a for a in guarded.held if a.effect is not None and not _does_no_harm_twice(a.effect)]
    if any(a.function is function and a.line >= test.line for a in acting):
        return True
    asking = {a.function for a in guarded.held if a.kind == "test"}
    writers = {a.function for a in acting} - asking
    return any(
        effect.op == "call" and effect.line >= test.line and not writers.isdisjoint(program.callees(function, effect))
        for effect in (*function.effects, *whole(program, function).effects)
    )


def _does_no_harm_twice(effect: Effect) -> bool:
    """What is emptied or taken out `if it is there` may have been so by another thread meanwhile."""
    return effect.op == "clear" or effect.via in ("discard", "erase") or (effect.via == "pop" and len(effect.args) > 1)


def _report(guarded: Guarded, access: Access, confidence: str, harm: str) -> Report:
    function, lock = access.function, guarded.lock.removeprefix("self.")
    count, all_ = len(guarded.held), len(guarded.held) + len(guarded.bare)
    return Report(
        place_of(function, access.effect) if access.effect else Place(function.path, access.line),
        symbol_of(function),
        f"{guarded.name} is used under {lock} at {count} of {all_} places, and {function.name} {harm} without it",
        (Step(function.path, access.line, f"{function.facts.qualname} {harm}, no lock held"), *_evidence(guarded)),
        confidence=confidence,
        reason=f"{len(_functions(guarded.held))} functions hold {lock} for it",
        subject=guarded.name,
        fix=f"hold {lock} in {function.name}",
        data=_data(guarded, function),
    )


def _evidence(guarded: Guarded) -> Iterator[Step]:
    shown = dict.fromkeys(access.function for access in (*_writes(guarded.held), *guarded.held))
    for function in list(shown)[:_SHOWN]:
        access = min((a for a in guarded.held if a.function is function), key=lambda a: (a.kind != "write", a.line))
        does = "changes" if access.kind == "write" else "uses"
        lock = guarded.lock.removeprefix("self.")
        yield Step(function.path, access.line, f"{function.facts.qualname} {does} it under {lock}")


def _data(guarded: Guarded, function: FunctionInfo) -> dict[str, object]:
    """All who use an attribute are watched, and each lock of the object is asked who holds it."""
    cls = guarded.holder.cls
    if cls is None or not guarded.holder.is_python or not function.is_method:
        return {}
    functions = dict.fromkeys(a.function for a in (*guarded.held, *guarded.bare) if a.function.is_method)
    block = Block(
        targets=tuple(Target(f.facts.qualname, "scope", path=f.path) for f in functions),
        options={
            "owner": cls.facts.qualname,
            "accesses": [guarded.state.removeprefix("self.")],
            "locks": [lock.removeprefix("self.") for lock in guarded.holder.locks],
        },
    )
    return {"runtime": block.plain()}
