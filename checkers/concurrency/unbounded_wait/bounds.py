"""What ends a wait for an answer on a socket or a pipe: a limit of its own, of whoever made it, or of all who call."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.facts.facts import Effect
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.exits import around
from llmlint.code.link.program import Call, FunctionInfo, Program

_ENDS = frozenset({"poll", "is_alive", "register", "settimeout", "wait_for", "timeout"})
_FILLS = frozenset({"assign", "insert"})
_LIMITED_BODY = re.compile(r"\b(?:timeout|timeout_at|fail_after|fail_at|move_on_after|move_on_at)\((?!None\b)")
"""docs.python.org/3/library/asyncio-task: timeout, timeout_at; anyio.readthedocs.io, cancellation: the others."""
_STEPS = 3


def is_bounded(program: Program, function: FunctionInfo, wait: Effect) -> bool:
    if any(e.callee.rpartition(".")[2] in _ENDS for e in function.effects):
        return True
    if wait.via == "await" and _is_awaited_within_limits(program, function, _STEPS):
        return True
    receiver = wait.callee.rpartition(".")[0]
    if is_pipe(program, function, wait):
        return _hears_of_its_end(program, function)  # a pipe has no time limit of its own
    return any(map(_speaks_of_time, makers(program, function, receiver))) or any(
        map(_limits_receiving, factories(program, function, receiver))
    )


def is_pipe(program: Program, function: FunctionInfo, wait: Effect) -> bool:
    return program.name_called(function, wait).startswith("multiprocessing.connection.Connection")


# ---------------------------------------------------------------- where a socket is made


def makers(program: Program, function: FunctionInfo, receiver: str) -> Iterator[FunctionInfo]:
    """Those that may make it, of the function and its class."""
    if function.owner is not None and receiver.startswith("self."):
        yield from function.owner.functions
        return
    yield function
    stores = {store for path in _taken_from(function, receiver) if (store := _attribute(path))}
    for written in function.owner.functions if function.owner is not None and stores else ():
        filler = whole(program, written)
        if any(e.op in _FILLS and e.path in stores for e in filler.effects):
            yield filler


def _taken_from(function: FunctionInfo, name: str) -> Iterator[str]:
    """The paths of which a local is a part: `self.sockets[]` after `lock, socket = self.sockets[peer]`."""
    for effect in function.effects:
        if effect.op == "bind" and effect.path == name:
            yield from (*effect.options, effect.source)


def _attribute(path: str) -> str:
    """`self.sockets` of `self.sockets[][1]` and `self.sockets.get`."""
    found = re.match(r"self\.\w+(?=[\[.])", path)
    return found[0] if found else ""


def _speaks_of_time(function: FunctionInfo) -> bool:
    mentioned = {path for e in function.effects for path in _mentioned(e)}
    return any("RCVTIMEO" in path or "rcvtimeo" in path or "timeout" in path.lower() for path in mentioned)


def _mentioned(effect: Effect) -> Iterator[str]:
    yield effect.path
    for argument in effect.args:
        yield argument.path
        yield argument.keyword
        yield from argument.reads


def factories(program: Program, function: FunctionInfo, receiver: str, steps: int = _STEPS) -> Iterator[FunctionInfo]:
    """The functions whose result it is, and those whose result they give."""
    for effect in function.effects if steps else ():
        if effect.op == "call" and receiver in (effect.result, f"{effect.callee}()"):
            for called in program.callees(function, effect):
                yield called
                given = {e.path for e in called.effects if e.op == "return"}
                for one in sorted(given - {""}):
                    yield from factories(program, called, one, steps - 1)
                yield from factories(program, called, "<return>", steps - 1)


def _limits_receiving(function: FunctionInfo) -> bool:
    return any(
        e.path.endswith(".rcvtimeo")
        or (any("RCVTIMEO" in a.path for a in e.args) and not any(a.literal == "-1" for a in e.args))
        for e in function.effects
    )


# ---------------------------------------------------------------- who awaits the coroutine


def _is_awaited_within_limits(program: Program, function: FunctionInfo, steps: int) -> bool:
    """Is each call of that name, whoever's method it may be, awaited with a limit, or by one that is itself?"""
    if not steps or not function.facts.is_async:
        return False
    calls = program.calls_named(function.name)
    return bool(calls) and all(
        _is_limited(call)
        or (call.effect.via == "await" and _is_awaited_within_limits(program, call.function, steps - 1))
        for call in calls
    )


def _is_limited(call: Call) -> bool:
    function, effect = call
    if effect.via == "await":
        return any(r.kind == "with" and _LIMITED_BODY.search(r.text) for r in around(function, effect))
    return any(_is_wait_for(e, effect) for e in function.effects if e.region == effect.region)


def _is_wait_for(outer: Effect, awaited: Effect) -> bool:
    """Is it `wait_for(call(), limit)` of this call?"""
    if outer.callee.rpartition(".")[2] != "wait_for" or len(outer.args) < 2 or awaited.result != "<expression>":
        return False
    first, limit = outer.args[:2]
    return first.path == f"{awaited.callee}()" and outer.line <= awaited.line and limit.literal != "None"


# ---------------------------------------------------------------- whom a pipe's other end belongs to


def _hears_of_its_end(program: Program, function: FunctionInfo) -> bool:
    """Is the other end of each pipe that it may be closed here once the process that got it runs?

    Only that process has it open then, and its death is an end of file. What is asked and answers is open both ways.
    """
    pipes = [call for call in program.calls_named("Pipe") if call.function.language == "python" and _is_duplex(call)]
    own = [call for call in pipes if call.function.path == function.path]
    return bool(pipes) and all(map(_closes_what_it_gave, own or pipes))


def _is_duplex(pipe: Call) -> bool:
    return not any(a.literal == "False" for a in pipe.effect.args)


def _closes_what_it_gave(pipe: Call) -> bool:
    effects = pipe.function.effects
    ends = {f"{name}.close" for name in pipe.effect.result.split(", ") if name.isidentifier()}
    started = next((at for at, e in enumerate(effects) if e.callee.endswith(".start")), None)
    return started is not None and any(e.callee in ends for e in effects[started:])
