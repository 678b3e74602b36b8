"""A C++ container next to a mutex, in one struct, that several functions fill and empty under no lock at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llmlint.checkers.concurrency.unlocked_shared_state.accesses import locks_of
from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import place_of, symbol_of
from llmlint.code.link.program import AttributeInfo, ClassInfo, FunctionInfo, Program, Touch
from llmlint.findings import Report

_CONTAINER = re.compile(r"\b(?:unordered_)?(?:multi)?(?:map|set)<|\b(?:vector|list|deque|queue)<")

_DEEPEST = 6


def forgotten_beside_a_mutex(program: Program, locks: Locks) -> Iterator[Report]:
    """Only what grows and shrinks in different functions, or is filled when something is not found in it: the rest may
    be made once, before there are threads."""
    for cls in program.asked.classes:
        own = locks_of(program, cls) if cls.language != "python" else []
        for attribute in cls.own_attributes.values() if own else ():
            if not _CONTAINER.search(attribute.annotation):
                continue
            touches = program.touches(cls, attribute.name)
            if touches and not any(_is_locked(touch, locks) for touch in touches):
                places = _growing_and_shrinking(program, touches) or _filled_when_needed(touches)
                if places:
                    yield _report(program, cls, attribute, own[0], places)


def _growing_and_shrinking(program: Program, touches: Sequence[Touch]) -> list[Touch]:
    """Not when one function calls all that do: that may well be the only thread that does."""
    growing = {touch.function: touch for touch in reversed(touches) if touch.effect.op == "insert"}
    shrinking = {touch.function: touch for touch in reversed(touches) if touch.effect.op in ("remove", "clear")}
    if not growing or not shrinking.keys() - growing.keys():
        return []
    entries = {_entry(program, function) for function in (*growing, *shrinking)}
    return [*growing.values(), *shrinking.values()] if len(entries) > 1 else []


def _filled_when_needed(touches: Sequence[Touch]) -> list[Touch]:
    return [
        touch
        for touch in touches
        if touch.effect.op == "insert" and touch.function.name != "start"
        if any(r.kind in ("if", "else") and touch.path in touch.function.reads_of(r) for r in touch.function.regions)
    ]


def _entry(program: Program, function: FunctionInfo) -> FunctionInfo:
    """Up from a function to the first that has not just one caller."""
    for _ in range(_DEEPEST):
        callers = {call.function for call in program.callers(function)} - {function}
        if len(callers) != 1:
            break
        function = callers.pop()
    return function


def _is_locked(touch: Touch, locks: Locks) -> bool:
    """What only runs while the object is made or torn down is as good as locked."""
    function, effect = touch.function, touch.effect
    return locks.is_single_threaded(function) or bool(locks.held(function, effect))


def _report(
    program: Program, cls: ClassInfo, attribute: AttributeInfo, lock: AttributeInfo, places: list[Touch]
) -> Report:
    first, *others = places
    is_handed_around = first.function.owner is None
    return Report(
        place_of(first.function, first.effect),
        symbol_of(first.function),
        f"{cls.name} has a {lock.name}, and {first.function.name} changes {attribute.name} without it, as others do",
        (
            program.step(first.function, first.effect, f"{first.function.name} changes {first.path}, no lock held"),
            *(program.step(t.function, t.effect, f"{t.function.name} changes it, no lock held") for t in others),
        ),
        confidence="high" if is_handed_around else "medium",
        reason="the struct was made for several threads, and no function locks this container",
        subject=f"{cls.name}.{attribute.name}",
        fix=f"hold {lock.name} wherever {attribute.name} is used",
    )
