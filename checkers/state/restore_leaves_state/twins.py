"""Resets of one kind that are called together, all but one."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.state.restore_leaves_state.owing import cleared_by, listed, runtime
from llmlint.code.domain.state import place_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_FEWEST_SIBLINGS = 3


def sibling_resets(program: Program, cls: ClassInfo) -> Iterator[Report]:
    """`pause(clear_cache=True)` calls reset_prefix_cache and reset_mm_cache, and not reset_encoder_cache."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for name, method in cls.methods.items():
        split = words(name)
        if len(split) >= 3 and program.vocabulary.is_reset(name) and method.facts.shape in ("", "delegate"):
            kinds.setdefault((split[0], split[-1]), []).append(name)
    for names in kinds.values():
        if len(names) < _FEWEST_SIBLINGS:
            continue
        for method in cls.methods.values():
            called = {e.path.removeprefix("self."): e for e in method.effects if e.op == "call"}
            here = [name for name in names if name in called]
            missing = [name for name in names if name not in called and name != method.name]
            if len(here) >= 2 and len(missing) == 1 and method.name not in names:
                yield _left_out(program, cls, method, here, missing[0], called)


def _left_out(
    program: Program, cls: ClassInfo, method: FunctionInfo, here: list[str], missing: str, called: dict[str, Effect]
) -> Report:
    first, sibling = called[here[0]], cls.methods[missing]
    return Report(
        place_of(method, first),
        symbol_of(method),
        f"{method.name} calls {listed(here)} but not {missing}",
        (
            *(Step(method.path, called[name].line, f"{method.name} calls {name}") for name in here),
            Step(sibling.path, sibling.facts.line, f"{missing} is of the same kind and is not called"),
        ),
        confidence="medium",
        reason=f"{len(here)} of {len(here) + 1} sibling resets are called together",
        subject=missing,
        fix=f"call self.{missing}() too",
        data={"runtime": runtime(cls, method, sorted(cleared_by(program, sibling, cls)))},
    )
