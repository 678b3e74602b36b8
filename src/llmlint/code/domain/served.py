"""Which functions run for a request: a route leads there, call by call."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from llmlint.code.domain.answers import is_route
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.objects import Method
from llmlint.code.link.once import once
from llmlint.code.link.program import Program

_REGISTERING = (
    "add_api_route add_api_websocket_route add_websocket_route add_route add_get add_post add_put add_delete"
).split()
"""How FastAPI, Starlette and aiohttp are handed a handler; their documentation lists them."""
_LONGEST = 12


def route_to(program: Program, function: FunctionInfo) -> FunctionInfo | None:
    """The nearest function that a web framework calls for a request and that this one runs below."""
    known = once(program, _known_routes)
    if function not in known:
        known[function] = _nearest(program, function)
    return known[function]


def _known_routes(program: Program) -> dict[FunctionInfo, FunctionInfo | None]:
    """Filled as they are asked for: several calls of one function are looked at, and each more than once."""
    return {}


def _nearest(program: Program, function: FunctionInfo) -> FunctionInfo | None:
    handed = once(program, _handed_to_a_router)
    met = {function}
    waiting = deque([(function, 0)])
    while waiting:
        at, depth = waiting.popleft()
        if is_route(at.facts.decorators) or at in handed:
            return at
        for caller, _ in program.callers(at) if depth < _LONGEST else ():
            if caller not in met:
                met.add(caller)
                waiting.append((caller, depth + 1))
    return None


def _handed_to_a_router(program: Program) -> frozenset[FunctionInfo]:
    return frozenset(_handlers(program))


def _handlers(program: Program) -> Iterator[FunctionInfo]:
    for name in _REGISTERING:
        for function, effect in program.calls_named(name):
            for argument in effect.args if function.language == "python" else ():
                for meaning in program.meanings(function, argument.path) if argument.path else ():
                    if isinstance(meaning, Method):
                        yield meaning.function
                    elif isinstance(meaning, FunctionInfo):
                        yield meaning
