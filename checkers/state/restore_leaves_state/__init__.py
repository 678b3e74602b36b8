"""LLM801: a reset, restore, clear, flush or wake that leaves some of the object's state behind.

What a reset owes is told by its surroundings: `containers` and `left` look at what it sets back beside what it leaves,
`overrides` at the base's reset, `twins` at resets of one kind that are called together.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.state.restore_leaves_state import containers, left, overrides, twins
from llmlint.code.domain.state import changes_of
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report

_HOLLOW = frozenset({"pass", "raise", "constant", "log"})
_FEWEST_METHODS = 3
"""A class with fewer has nobody to move, to set back and to ask."""
_ENDS_A_USE = frozenset({"release", "abort", "cancel", "preempt", "retract"})


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        for method in cls.methods.values():
            owed = _owes(program, method)
            if owed is not None and method.facts.has_body and method.facts.shape not in _HOLLOW:
                yield from _resets(program, cls, method, owed)
        if len(cls.methods) >= _FEWEST_METHODS:
            yield from left.left(program, cls)
        yield from twins.sibling_resets(program, cls)


def _owes(program: Program, method: FunctionInfo) -> tuple[str, ...] | None:
    """What a reset owes (see `Vocabulary.is_reset`). A `release()` of an object that lives on owes as much."""
    if method.name in _ENDS_A_USE and not method.params:
        return ()
    return program.vocabulary.is_reset(method.name)


def _resets(program: Program, cls: ClassInfo, method: FunctionInfo, owed: tuple[str, ...]) -> Iterator[Report]:
    without_super = overrides.omitted_super(program, cls, method)
    if without_super is not None:
        yield without_super
        return
    yield from containers.left_behind(program, cls, method, owed, changes_of(program, cls))
