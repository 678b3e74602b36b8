"""A C++ container next to a mutex, in one struct, that several functions fill and empty under no lock at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.concurrency.unlocked_shared_state.accesses import locks_of
from llmlint.code.locks import Locks
from llmlint.code.program import AttributeInfo, ClassInfo, Program, Touch
from llmlint.code.state import place_of, symbol_of
from llmlint.findings import Report

_CONTAINER = re.compile(r"\b(?:unordered_)?(?:multi)?(?:map|set)<|\b(?:vector|list|deque|queue)<")


def forgotten_beside_a_mutex(program: Program, locks: Locks) -> Iterator[Report]:
    """Only what grows and shrinks in different functions: the rest may be made once, before there are threads."""
    for cls in program.classes:
        own = locks_of(cls) if cls.language != "python" else []
        for attribute in cls.own_attributes.values() if own else ():
            if not _CONTAINER.search(attribute.annotation):
                continue
            touches = program.touches(cls, attribute.name)
            bare = [touch for touch in touches if not _is_locked(touch, locks)]
            growing = {touch.function: touch for touch in reversed(bare) if touch.effect.op == "insert"}
            shrinking = {touch.function: touch for touch in reversed(bare) if touch.effect.op in ("remove", "clear")}
            if len(bare) == len(touches) and growing and shrinking.keys() - growing.keys():
                yield _report(program, cls, attribute, own[0], [*growing.values(), *shrinking.values()])


def _is_locked(touch: Touch, locks: Locks) -> bool:
    """What only runs while the object is made or torn down is as good as locked."""
    function, effect = touch.function, touch.effect
    return locks.is_single_threaded(function) or bool(locks.held(function, effect.region, effect.line))


def _report(
    program: Program, cls: ClassInfo, attribute: AttributeInfo, lock: AttributeInfo, places: list[Touch]
) -> Report:
    first, *others = places
    return Report(
        place_of(first.function, first.effect),
        symbol_of(first.function),
        f"{cls.name} has a {lock.name}, and {attribute.name} grows in {first.function.name} and shrinks in "
        f"{others[-1].function.name} without it",
        (
            program.step(first.function, first.effect, f"{first.function.name} changes {first.path}, no lock held"),
            *(program.step(t.function, t.effect, f"{t.function.name} changes it, no lock held") for t in others),
        ),
        confidence="medium",
        reason="the struct was made for several threads, and no function locks this container",
        subject=f"{cls.name}.{attribute.name}",
        fix=f"hold {lock.name} wherever {attribute.name} is used",
    )
