"""LLM904: a method that hands its work on to one of the same name, and does not hand on the result.

By the habit of a program: nearly all definitions of the name return a value, and some caller uses it. Or by its own
word: it is declared to give something, and no way through it gives anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmlint.code.domain.results import breaks_its_word, gives_no_value, gives_value, run_by
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.findings import Report

_FEWEST = 6
_SHARE = 0.75


def check_program(program: Program) -> Iterator[Report]:
    for name in dict.fromkeys(function.name for function in program.asked.functions):
        functions = [function for function in program.functions_named(name) if function.language == "python"]
        silent = [function for function in program.asked.among(functions) if _should_give(function)]
        if len(functions) < _FEWEST or name.startswith("__") or not silent:
            continue
        giving = [function for function in functions if gives_value(function)]
        used = [call for call in program.calls_named(name) if call.effect.result not in ("", "<return>")]
        if used and len(giving) >= _SHARE * len(functions):
            for function in silent:
                found = _dropped(program, function)
                dropped = next((call for call in found if not _may_be_filled(program, function, call)), None)
                if dropped is not None:
                    yield _report(program, function, dropped, giving, len(functions), used)
    for function in program.asked.functions:
        if function.is_method and not function.name.startswith("__") and breaks_its_word(function):
            dropped = next(_dropped(program, function), None)
            if dropped is not None:
                yield _of_its_word(program, function, dropped)


def _should_give(function: FunctionInfo) -> bool:
    """One that says nothing of what it gives; whoever writes `-> None` means it."""
    return function.is_method and gives_no_value(function) and not function.facts.returns


def _dropped(program: Program, function: FunctionInfo) -> Iterator[Effect]:
    """The calls of its own name on another object, whose results go nowhere."""
    for effect in whole(program, function).effects:
        if effect.op == "call" and not effect.result and effect.callee.endswith(f".{function.name}"):
            if all(map(gives_value, run_by(program, function, effect))):
                yield effect


def _of_its_word(program: Program, function: FunctionInfo, dropped: Effect) -> Report:
    return Report(
        program.place(function, dropped),
        symbol_of(function),
        f"{function.name} drops what {dropped.callee} returns, and is declared to give {function.facts.returns}",
        (program.step(function, function.facts.line, f"it is declared to give {function.facts.returns}"),),
        confidence="medium",
        reason="no way through it gives a value",
        subject=f"{function.name}:{dropped.callee}",
        fix="return the result",
        data={"give_back": True},
    )


def _may_be_filled(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Is a call that cannot be followed handed what the function was handed, and that alone? It may write into it."""
    if run_by(program, function, effect):
        return False
    given = {argument.path for argument in effect.args}
    return len(given) > 1 and given <= {param.name for param in function.params} | {"", "self"}


def _is_of_their_kind(
    program: Program, function: FunctionInfo, dropped: Effect, giving: list[FunctionInfo], used: Sequence[Call]
) -> bool:
    """Does it hand on to one of them, share a base with one, or run where a value is used?"""
    if not set(giving).isdisjoint(run_by(program, function, dropped)):
        return True
    bases = _bases(program, function)
    return any(bases & _bases(program, other) for other in giving) or any(
        function in program.callees(*call, overrides=True) for call in used
    )


def _bases(program: Program, function: FunctionInfo) -> set[str]:
    """The names of its class's ancestors, those outside of the program too."""
    found: set[str] = set()
    left = [function.owner] if function.owner is not None else []
    while left:
        known, others = program.bases_of(left.pop())
        left += [cls for cls in known if cls.full_name not in found]
        found.update((*(cls.full_name for cls in known), *others))
    return found - {"object", "ABC", "abc.ABC"}


def _report(
    program: Program,
    function: FunctionInfo,
    dropped: Effect,
    giving: list[FunctionInfo],
    total: int,
    used: Sequence[Call],
) -> Report:
    name = function.name
    reader = used[0]
    kin = _is_of_their_kind(program, function, dropped, giving, used)
    return Report(
        program.place(function, dropped),
        symbol_of(function),
        f"{name} drops what {dropped.callee} returns, and gives None to its callers",
        (
            program.step(
                giving[0], giving[0].facts.line, f"{len(giving)} of {total} definitions of {name} return a value"
            ),
            program.step(reader.function, reader.effect, f"the value of {name} is used here"),
        ),
        confidence="medium" if kin else "low",
        reason=f"{len(giving)} of {total} definitions of {name} return a value, and {len(used)} calls use it"
        if kin
        else f"other definitions of {name} return a value, and none of them is known to be of one kind with this",
        subject=f"{name}:{dropped.callee}",
        fix="return the result",
        data={"give_back": True},
    )
