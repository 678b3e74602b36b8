"""LLM801: a reset, restore, clear, flush or wake that leaves some of the object's state behind.

What a reset owes is told by its surroundings: `containers` and `values` look at what its own body clears beside what it
leaves, `overrides` at the base's reset, `twins` at methods that do the same job elsewhere, `bindings` at whether anyone
calls it at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.state.restore_leaves_state import bindings, containers, overrides, twins, values
from llmlint.code.domain.state import changes_of
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report

_HOLLOW = frozenset({"pass", "raise", "constant", "log"})
_ENDS_A_USE = frozenset({"release", "abort", "cancel", "preempt", "retract"})


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.classes:
        for method in cls.methods.values():
            owed = _owes(program, method)
            if owed is not None and method.facts.has_body and method.facts.shape not in _HOLLOW:
                yield from _resets(program, cls, method, owed)
        yield from twins.sibling_resets(program, cls)
        yield from twins.untold_owner(program, cls)
        yield from values.never_marked(program, cls)
        yield from bindings.never_undone(program, cls)
    yield from twins.entry_points(program)


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
    changes = changes_of(program, cls)
    yield from containers.left_behind(program, cls, method, owed, changes)
    yield from values.counters(program, cls, method, owed)
    yield from values.records(program, cls, method, owed, changes)
