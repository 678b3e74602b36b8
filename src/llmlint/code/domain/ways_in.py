"""From where a C or C++ function is reached: from `main` and the start of the program alone, from Python with its lock,
by nobody, or by ways that nobody sees, among which there may be other threads.

A function whose name stands anywhere but in a call is handed to somebody (a thread, a server, a table of functions), as
is a lambda; one that nobody calls may be for users of a library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import stands_in
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.phrases import last_name

NOBODY, START, PYTHON, ANYWHERE = "nobody", "start", "python", "anywhere"
_MOST = 300
"""Who is reached by more functions is reached from anywhere."""


def ways_into(program: Program, function: FunctionInfo, is_guarded: Callable[[Call], bool]) -> str:
    """`is_guarded`: a call behind which only one at a time goes on, so that it does not matter who makes it."""
    handed = once(program, _handed_over)
    seen, waiting = {function}, [function]
    binders: set[FunctionInfo] = set()
    while waiting:
        reached = waiting.pop()
        taken = handed.get(reached.name, ())
        if not all(_is_bound(program, call) for call in taken) or len(seen) > _MOST:
            return ANYWHERE
        binders |= {call.function for call in taken}
        calls = [call for call in program.callers(reached) if call.function is not reached]
        if not calls and not taken and reached.name not in ("main", "<module>"):
            is_called = reached is not function or program.calls_named(reached.name)
            return ANYWHERE if is_called else NOBODY
        for call in calls:
            if is_guarded(call):
                continue
            if stands_in(*call, {"lambda"}):
                if not _makes_known(program, call.function):
                    return ANYWHERE
                binders.add(call.function)
            elif call.function not in seen:
                seen.add(call.function)
                waiting.append(call.function)
    if binders and _lets_go(program, [*seen, *binders]):
        return ANYWHERE
    return PYTHON if binders else START


def _handed_over(program: Program) -> dict[str, list[Call]]:
    """By the last part of a name: where it is read other than by a call of it."""
    native = [function for function in program.functions if function.language != "python"]
    names = {function.name for function in native}
    found: dict[str, list[Call]] = {}
    for function in native:
        for effect in function.facts.effects:
            for path in effect.reads:
                name = path.rpartition(".")[2].lstrip("~")
                if name in names:
                    found.setdefault(name, []).append(Call(function, effect))
    return found


# ---------------------------------------------------------------- Python


def _is_bound(program: Program, call: Call) -> bool:
    """`m.def("run", &run)` in a function that is given a module of Python's."""
    is_def = call.effect.op == "call" and last_name(call.effect.callee).startswith("def")
    return is_def and _makes_known(program, call.function)


def _makes_known(program: Program, function: FunctionInfo) -> bool:
    types = {param.annotation.removeprefix("const ").rstrip("& ") for param in function.facts.params}
    return not program.vocabulary.python_modules.isdisjoint({function.name, *types})


def _lets_go(program: Program, functions: Iterable[FunctionInfo]) -> bool:
    words = program.vocabulary.frees_python
    return any(not words.isdisjoint(_names_in(effect)) for f in functions for effect in f.facts.effects)


def _names_in(effect: Effect) -> set[str]:
    return {last_name(text).lstrip("~") for text in (effect.callee, effect.source, effect.annotation, *effect.reads)}
