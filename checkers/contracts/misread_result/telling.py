"""How a misread result is told, in one form for all that may be misread of it."""

from __future__ import annotations

from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.translated import why_translated
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step


def told(
    program: Program,
    function: FunctionInfo,
    effect: Effect,
    ran: tuple[FunctionInfo, ...],
    message: str,
    why: str,
    fix: str,
    mechanism: str,
    doubt: str = "",
) -> Report:
    """Of a call, where it holds for all that it may run."""
    reason = f"this holds for each of the {len(ran)} functions that the call may run"
    steps = tuple(program.step(f, f.facts.line, f"{f.facts.qualname} {why}") for f in ran[:3])
    return of_call(program, function, effect, message, steps, reason, fix, mechanism, doubt)


def of_call(
    program: Program,
    function: FunctionInfo,
    effect: Effect,
    message: str,
    steps: tuple[Step, ...],
    reason: str,
    fix: str,
    mechanism: str,
    doubt: str = "",
) -> Report:
    doubt = doubt or why_translated(program, function)
    return Report(
        program.place(function, effect),
        symbol_of(function),
        message,
        steps,
        confidence="low" if doubt else "high",
        reason=f"{reason}; but {doubt}" if doubt else reason,
        subject=effect.callee,
        origin=effect.callee,
        fix=fix,
        mechanism=f"misread_result.{mechanism}",
    )
