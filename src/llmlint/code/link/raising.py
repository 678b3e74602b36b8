"""Which calls end in an exception that somebody wrote down: a `raise` in the called function or a step below it.

What a library raises is seen where the vocabulary says that it does so about what comes from outside (`may_raise`). A
raise in a handler passes on what was raised before, and one that says that something is not written yet, or never
happens, is no answer to a request.
"""

from __future__ import annotations

from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around, regions_around
from llmlint.code.link.objects import unbound
from llmlint.code.link.program import Call, FunctionInfo, Program

_NOT_AN_ANSWER = frozenset(
    {"", "NotImplementedError", "AssertionError", "StopIteration", "StopAsyncIteration", "SystemExit"}
    | {"bad_alloc", "MemoryError"}
)


_LEVELS = 3
_HANDED_OVER = {"to_thread": 0, "run_in_executor": 1}
"""Which argument is the work."""


def refuses(function: FunctionInfo, effect: Effect) -> bool:
    """Is this a raise that leaves the function to say that it cannot do what it was asked?"""
    if effect.op != "raise" or effect.path.rpartition(".")[2] in _NOT_AN_ANSWER:
        return False
    regions = around(function, effect)
    kinds = {region.kind for region in regions}
    return "except" not in kinds and "lambda" not in kinds and not is_caught(function, effect)


def is_caught(function: FunctionInfo, effect: Effect) -> bool:
    """Does the effect stand in a `try` of the function with a handler?"""
    handled = {region.first for region in function.regions if region.kind == "except"}
    return any(at in handled for at in regions_around(function, effect, "try"))


def way_to_raise(program: Program, function: FunctionInfo, effect: Effect, levels: int) -> tuple[Call, ...]:
    """From a call in a function on to the raise it may end in, that raise last; () when none is known."""
    for callee in (*program.callees(function, effect), *_awaited_work(program, function, effect)):
        runs_here = effect.via == "await" or not callee.facts.is_async
        if callee is not function and runs_here:
            found = program.reaches(callee, refuses, levels)
            if found and all(not is_caught(f, e) for f, e in found):
                return found
    return ()


def _awaited_work(program: Program, function: FunctionInfo, effect: Effect) -> tuple[FunctionInfo, ...]:
    """`await asyncio.to_thread(self.run, batch)`: who waits for the work of a thread gets its exception."""
    at = _HANDED_OVER.get(effect.callee.rpartition(".")[2]) if effect.via == "await" else None
    if at is None or at >= len(effect.args) or not effect.args[at].path:
        return ()
    found = program.meanings(function, effect.args[at].path)
    work = map(unbound, found)
    return tuple(one for one in work if isinstance(one, FunctionInfo) and not one.facts.is_async)


def may_raise(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Does a call end in a raise of the program's own, or in a library's about what comes from outside?"""
    is_known = function.language == "python" and bool(effect.callee) and program.vocabulary.may_raise(effect.callee)
    return is_known or bool(way_to_raise(program, function, effect, _LEVELS))
