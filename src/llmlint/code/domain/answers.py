"""Who answers for an error: a handler around it, here or in a caller, or nobody on the way up to the route."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator

from llmlint.code.facts.facts import Effect, Region
from llmlint.code.link.entities import root_of
from llmlint.code.link.exits import chain, regions_around
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, FunctionInfo, Program

_ROUTES = (".get(", ".post(", ".put(", ".delete(", ".patch(", ".route(", ".websocket(", ".api_route(")
_HANDLER = re.compile(r"\.(?:exception_handler|errorhandler)\(([\w.]+)\)")
_HIGHEST = 4
_ASKS_FOR_IT = ("exc_info", "format_exc", "print_exc", "exception")
_OUTSIDE = {"JSONDecodeError": "ValueError", "binascii.Error": "ValueError", "UnicodeDecodeError": "ValueError"}


def is_route(decorators: tuple[str, ...]) -> bool:
    """Does the framework call the function for each request?"""
    return any(mark in decorator for decorator in decorators for mark in _ROUTES)


def takes(caught: str, raised: str) -> bool:
    """Does a handler for `caught`, by its last name, take an error of this kind?"""
    if caught in ("", raised.rpartition(".")[2], "Exception", "BaseException"):
        return True
    wider = getattr(builtins, caught, None)
    narrow = getattr(builtins, _OUTSIDE.get(raised, raised), None)
    return isinstance(wider, type) and isinstance(narrow, type) and issubclass(narrow, wider)


def is_answered(function: FunctionInfo, effect: Effect, raised: str, below: int = 0) -> bool:
    """Does a `try` of the function, or of this region of it, take the error, and not pass it on?"""
    around = chain(function, effect.region)
    tries = [at for at in around[: around.index(below)] if function.regions[at].kind == "try"]
    return any(_takes(function, at, raised) for at in tries)


def is_answered_at(function: FunctionInfo, line: int, raised: str) -> bool:
    """The same for what is raised somewhere on a line."""
    regions = enumerate(function.regions)
    tries = [at for at, region in regions if region.kind == "try" and region.line <= line <= region.end_line]
    return any(_takes(function, at, raised) for at in tries)


def is_answered_for_all(program: Program, raised: str) -> bool:
    """Has the application registered a handler for this kind of error? One for whatever is raised is not meant: that is
    how an internal error is told."""
    return any(takes(one, raised) for one in once(program, _registered) - {"Exception", "BaseException", "500"})


def _registered(program: Program) -> frozenset[str]:
    decorated = (m[1] for f in program.functions for d in f.facts.decorators if (m := _HANDLER.search(d)))
    called = (e.args[0].path for _, e in program.calls_named("add_exception_handler") if e.args and e.args[0].path)
    return frozenset(name.rpartition(".")[2] for name in (*decorated, *called))


def is_raised_again(function: FunctionInfo, effect: Effect, raised: str) -> bool:
    """Does a handler around it take the error and raise it again: has somebody chosen that it goes up?"""
    tries = regions_around(function, effect, "try")
    handlers = ((at, region) for at, region in enumerate(function.regions) if region.kind == "except")
    return any(region.first in tries and _names(region, raised) and _passes_on(function, at) for at, region in handlers)


def other_way(program: Program, function: FunctionInfo, effect: Effect, raised: str) -> int:
    """The line of the handler that takes the error without a look at it, and does something else instead; 0 where there
    is none, where it does nothing, and where it raises."""
    tries = regions_around(function, effect, "try")
    for region in function.regions:
        if region.kind == "except" and region.first in tries and _names(region, raised):
            done = [e for e in function.effects if region.line <= e.line <= region.end_line and e is not effect]
            is_done = any(e.op == "call" for e in done) and not any(e.op == "raise" for e in done)
            return region.line if is_done and not any(_looks_at_it(program, function, e) for e in done) else 0
    return 0


def _looks_at_it(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Does it say the name of the error, which is bound nowhere else, or ask Python for the error?"""
    paths = (effect.callee, *effect.reads, *(path for a in effect.args for path in (a.path, *a.reads)))
    names = {root_of(path) for path in paths if path}
    if any(word in said for said in (*paths, *(a.keyword for a in effect.args)) for word in _ASKS_FOR_IT):
        return True
    known = program.names.names_of(function.path)
    return any(n not in known and not hasattr(builtins, n) and program.resolve(function, n) == n for n in names)


def _takes(function: FunctionInfo, tried: int, raised: str) -> bool:
    for at, region in enumerate(function.regions):
        if region.kind == "except" and region.first == tried and _names(region, raised):
            return not _passes_on(function, at)
    return False


def _names(handler: Region, raised: str) -> bool:
    names = handler.text.strip("()").split(",")
    return any(takes(name.strip().rpartition(".")[2], raised) for name in names)


def _passes_on(function: FunctionInfo, handler: int) -> bool:
    return any(e.op == "raise" and not e.path and e.region == handler for e in function.effects)


def way_to_client(
    program: Program, function: FunctionInfo, effect: Effect, raised: str, above: frozenset[FunctionInfo] = frozenset()
) -> tuple[Call, ...]:
    """From where an error is raised up to a route, call by call, where nobody answers for it; () when somebody does."""
    if function in above or len(above) > _HIGHEST or is_answered(function, effect, raised):
        return ()
    if is_route(function.facts.decorators):
        return (Call(function, effect),)
    ways = _ways(program, function, raised, above | {function})
    return next(((Call(function, effect), *way) for way in ways if way), ())


def _ways(
    program: Program, function: FunctionInfo, raised: str, above: frozenset[FunctionInfo]
) -> Iterator[tuple[Call, ...]]:
    for caller, call in program.callers(function):
        yield way_to_client(program, caller, call, raised, above)
