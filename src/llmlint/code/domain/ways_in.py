"""From where a C or C++ function is reached: from `main` and the start of the program alone, by nobody, or by ways that
nobody sees, among which there may be other threads.

A function whose name stands anywhere but in a call is handed to somebody (a thread, a server, a table of functions), as
is a lambda; one that nobody calls may be for users of a library.
"""

from __future__ import annotations

from collections.abc import Callable

from llmlint.code.link.exits import stands_in
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.phrases import last_name

NOBODY, START, ANYWHERE = "nobody", "start", "anywhere"
_MOST = 300
"""Who is reached by more functions is reached from anywhere."""


def ways_into(program: Program, function: FunctionInfo, is_guarded: Callable[[Call], bool]) -> str:
    """`is_guarded`: a call behind which only one at a time goes on, so that it does not matter who makes it."""
    handed = once(program, _handed_over)
    seen, waiting = {function}, [function]
    while waiting:
        reached = waiting.pop()
        if reached.name in handed or len(seen) > _MOST:
            return ANYWHERE
        calls = [call for call in program.callers(reached) if call.function is not reached]
        if not calls and reached.name not in ("main", "<module>"):
            is_called = reached is not function or program.calls_named(reached.name)
            return ANYWHERE if is_called else NOBODY
        for call in calls:
            if is_guarded(call):
                continue
            if stands_in(*call, {"lambda"}):
                return ANYWHERE
            if call.function not in seen:
                seen.add(call.function)
                waiting.append(call.function)
    return START


def _handed_over(program: Program) -> frozenset[str]:
    """The last parts of what is read anywhere but by a call of it."""
    native = (function for function in program.functions if function.language != "python")
    read = {path for function in native for effect in function.facts.effects for path in effect.reads}
    return frozenset(last_name(path).lstrip("~") for path in read if not path.endswith(")"))
