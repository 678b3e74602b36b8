"""LLM501: a grammar's or parser's state machine is advanced, and nobody looks whether it accepted.

`matcher.accept_token(token)` says by its result whether the token fits. A call whose result goes nowhere is told when
the method is one of the program's own that can answer no, when the program looks at the same method's answer
elsewhere, or when the machine is a library's whose method of that name answers no and raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step

_SHOWN = 2


def check_program(program: Program) -> Iterator[Report]:
    for name in sorted(program.vocabulary.advances):
        calls = [(f, e) for f, e in program.calls_named(name) if e.op == "call" and "." in e.path]
        heeded = [(f, e) for f, e in calls if e.result]
        for function, effect in calls:
            if not effect.result and not _is_made_here(function, effect.path.rpartition(".")[0]):
                yield from _ignored(program, function, effect, heeded)


def _ignored(
    program: Program, function: FunctionInfo, effect: Effect, heeded: list[tuple[FunctionInfo, Effect]]
) -> Iterator[Report]:
    callees = [callee for callee in program.callees(function, effect) if callee.facts.has_body]
    answering = [callee for callee in callees if _can_say_no(callee)]
    if callees and not answering:
        return
    if not answering and not _is_of_library(program, function, effect) and not _looked_at_elsewhere(effect, heeded):
        return
    evidence = [Step(function.path, effect.line, f"the result of {effect.path} goes nowhere")]
    for callee in answering[:_SHOWN]:
        evidence.append(Step(callee.path, _no_of(callee), f"{callee.facts.qualname} says here that it did not accept"))
    for other, its in [(f, e) for f, e in heeded if f is not function][:_SHOWN]:
        evidence.append(Step(other.path, its.line, f"{other.facts.qualname} looks at the result"))
    receiver = effect.path.rpartition(".")[0]
    yield Report(
        program.place(function, effect),
        symbol_of(function),
        f"{effect.path} may refuse, and its answer is dropped: {receiver} stays behind what is put out",
        tuple(evidence),
        confidence="high" if answering and heeded else "medium",
        reason=_why(answering, _looked_at_elsewhere(effect, heeded)),
        subject=effect.path,
        fix="end the request, or take the token back, when it is not accepted",
        data={"runtime": _runtime(function, answering)},
    )


def _why(answering: list[FunctionInfo], elsewhere: bool) -> str:
    if answering:
        return f"{answering[0].facts.qualname} can answer no"
    return (
        "others look at the answer" if elsewhere else "the libraries' methods of that name return whether they accepted"
    )


def _is_of_library(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """A method known to answer no, where the program has none of that name but the caller that wraps it."""
    name = effect.callee.rpartition(".")[2]
    own = [f for f in program.functions_named(name) if f is not function]
    return name in program.vocabulary.refuses_by_answer and not own


def _is_made_here(function: FunctionInfo, receiver: str) -> bool:
    """A machine made in this very function is fed again what one like it has accepted before."""
    return any(e.op == "bind" and e.path == receiver and e.value == "new" for e in function.effects)


def _can_say_no(callee: FunctionInfo) -> bool:
    return _no_of(callee) > 0


def _no_of(callee: FunctionInfo) -> int:
    """Where a method answers that it did not accept; 0 when it never does."""
    said = (e.line for e in callee.effects if e.op == "return" and e.source in ("False", "false"))
    return next(said, 0)


def _looked_at_elsewhere(effect: Effect, heeded: list[tuple[FunctionInfo, Effect]]) -> bool:
    """On the same kind of object, as far as its name tells."""
    kind = effect.path.split(".")[-2:]
    return any(other.path.split(".")[-2:] == kind for _, other in heeded)


def _runtime(function: FunctionInfo, answering: list[FunctionInfo]) -> dict[str, object]:
    targets: list[dict[str, str]] = [{"qualname": function.facts.qualname, "role": "scope"}]
    targets += [{"qualname": callee.facts.qualname, "role": "advance", "path": callee.path} for callee in answering]
    return {"targets": targets}
