"""When code runs in the life of a service: again and again, or once, before it serves.

A function runs once when whoever calls it does, outside of loops, up to a start of the program: its main, its module's
own code, a constructor or what is named as set-up. What stands before a function's endless loop runs once as well.
What nobody is seen to call may run at any time; that tests call it says nothing of a service.
"""

from __future__ import annotations

from llmlint.code.domain.roots import roots_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around, loops_around
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.vocabulary import words

_STARTS = frozenset(
    "startup start lifespan warmup init initialize setup main launch bootstrap prepare install download build "
    "create load loader configure register".split()
)
_SERVES = (".get(", ".post(", ".put(", ".delete(", ".route(", ".websocket(", ".api_route(", "tool(")
_DEEPEST = 5


def runs_once(program: Program, function: FunctionInfo, effect: Effect | None = None) -> bool:
    """Does it run only while the service starts? With an effect: does that, within the function?"""
    if effect is not None and _before_endless_loop(function, effect):
        return True
    return _only_at_start(program, function, frozenset())


def _only_at_start(program: Program, function: FunctionInfo, above: frozenset[FunctionInfo]) -> bool:
    if function in above or len(above) > _DEEPEST or any(m in d for d in function.facts.decorators for m in _SERVES):
        return False
    if function.name in ("<module>", "main", "__main__"):
        return True
    verb = words(function.name)
    if verb and verb[0] in _STARTS and function.is_method is False:
        return True
    kind, calls = roots_of(program).kind, program.callers(function)
    if function.name != "__init__":  # who makes an object in a test makes it as users do
        calls = tuple(call for call in calls if kind(call.function.path) != "test")
    if not calls:
        return bool(verb) and verb[0] in _STARTS
    return all(
        not loops_around(caller, call) and _only_at_start(program, caller, above | {function}) for caller, call in calls
    )


def _before_endless_loop(function: FunctionInfo, effect: Effect) -> bool:
    loops = [r for r in function.regions if r.kind == "loop" and r.parent == 0 and _is_endless(r.text)]
    return any(effect.line < loop.line for loop in loops) and not any(
        region.kind == "loop" for region in around(function, effect)
    )


def _is_endless(text: str) -> bool:
    return text.removeprefix("while").strip(" ()") in ("True", "true", "1")


def is_client(function: FunctionInfo) -> bool:
    """A library for those who call a service: whoever uses it waits for himself."""
    stem = words(function.path.rpartition("/")[2].rpartition(".")[0])
    owner = words(function.owner.name) if function.owner is not None else ()
    return bool(stem and stem[-1] == "client") or bool(owner and owner[-1] == "client")
