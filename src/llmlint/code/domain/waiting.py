"""Calls that do not come back for a while, told apart by whose methods they are.

`thread.join()` waits and `", ".join(names)` does not: what counts is what made the object. `origins` follows it to the
calls and types it may come from; `blocking_at` asks the vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.calls import is_call
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around, chain
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.code.link.typetext import names_in
from llmlint.vocabulary import Blocking, words

_NAMES = re.compile(r"[A-Za-z_][\w.]*")
_OF_A_LOOP = ("asyncio.", "anyio.", "trio.", "uvloop.", "janus.")
"""Libraries whose objects have the same methods, and let the loop go on while one waits."""


def blocking_at(program: Program, function: FunctionInfo, effect: Effect) -> Blocking | None:
    """The vocabulary's row for a call that waits, None for any other, and for one that is awaited or asked not to.

    A function of the program's own is judged by what it calls, not by its name.
    """
    callee = effect.callee
    if not callee or effect.via == "await" or not program.vocabulary.may_block(callee.rpartition(".")[2]):
        return None
    rows = program.vocabulary.blocking_calls(program.resolve(function, callee))
    if not rows or does_not_wait(function, effect) or program.callees(function, effect):
        return None
    receiver = callee.rpartition(".")[0]
    came_from = {*origins(program, function, receiver), _type_of(program, function, effect)} if receiver else set()
    if any(origin.startswith(_OF_A_LOOP) for origin in came_from):
        return None
    fitting = (row for row in rows if not row.made_by or any(is_call(o, by) for o in came_from for by in row.made_by))
    return next((row for row in fitting if _is_receiver(row, receiver)), None)


def _type_of(program: Program, function: FunctionInfo, effect: Effect) -> str:
    """What a library's object is, or was made by: `zmq.Context.socket`."""
    return program.name_called(function, effect).rpartition(".")[0].replace("()", "").replace("[]", "")


def _is_receiver(row: Blocking, receiver: str) -> bool:
    return not row.receivers or not set(row.receivers).isdisjoint(words(receiver.rpartition(".")[2]))


def does_not_wait(function: FunctionInfo, effect: Effect) -> bool:
    """`get(block=False)`, `recv(zmq.NOBLOCK)`; what it raises instead is expected; or it gives what one waits for."""
    for argument in effect.args:
        if argument.keyword in ("block", "blocking", "timeout") and argument.literal in ("False", "0", "0.0"):
            return True
        if any(path.endswith(("NOBLOCK", "DONTWAIT", "WNOHANG")) for path in (argument.path, *argument.reads)):
            return True
    if effect.callee.endswith(".connect") and _makes_datagram_sockets(function):
        return True
    given = {f"{effect.callee}()", *([effect.result] if effect.result.isidentifier() else [])}
    if any(e.op == "await" and e.path in given and e.line >= effect.line for e in function.effects):
        return True  # what it gives is waited for, or gone through by `async for`
    tried = {at for at in chain(function, effect.region) if function.regions[at].kind == "try"}
    handlers = (region for region in function.regions if region.kind == "except" and region.first in tried)
    return any(name in handler.text for handler in handlers for name in ("BlockingIOError", "zmq.Again"))


def _makes_datagram_sockets(function: FunctionInfo) -> bool:
    """To connect one only notes the address."""
    given = (path for e in function.doing("call") for a in e.args for path in (a.path, *a.reads))
    return any(path.endswith("SOCK_DGRAM") for path in given)


def is_deferred(function: FunctionInfo, effect: Effect) -> bool:
    """Does the call stand in a lambda, so that somebody else makes it?"""
    return any(region.kind == "lambda" and region.text.startswith("lambda") for region in around(function, effect))


def origins(program: Program, function: FunctionInfo, path: str) -> tuple[str, ...]:
    """The full names of the calls that may have made an object, and of its declared types."""
    known = once(function, _origins_by_path)
    if path not in known:
        known[path] = tuple(dict.fromkeys(_origins(program, function, path)))
    return known[path]


def _origins_by_path(function: FunctionInfo) -> dict[str, tuple[str, ...]]:
    """Filled as they are asked for: a name that is bound a thousand times and called as often is followed once."""
    return {}


def _origins(program: Program, function: FunctionInfo, path: str) -> Iterator[str]:
    if path.endswith("()"):
        yield program.resolve(function, path.removesuffix("()"))
    elif path.startswith("self."):
        yield from _of_attribute(program, function, path.removeprefix("self."))
    else:
        yield from _of_local(program, function, path)


def _of_attribute(program: Program, function: FunctionInfo, name: str) -> Iterator[str]:
    known = function.owner.attributes.get(name) if function.owner is not None else None
    for start in known.starts if known is not None else ():
        where = start.function or function
        if start.value == "new":
            yield program.resolve(where, start.source)
        elif start.value == "path" and start.function is not None:
            yield from _of_local(program, start.function, start.source)
        yield from _types_in(program, where, start.annotation)


def _of_local(program: Program, function: FunctionInfo, name: str) -> Iterator[str]:
    if name.endswith("[]"):
        yield from _of_contents(program, function, name.removesuffix("[]"))
        return
    for param in function.facts.params:
        if param.name == name:
            yield from _types_in(program, function, param.annotation)
    for effect in once(function, _effects_by_path).get(name, ()):
        if effect.op == "bind" and effect.value == "new":
            yield program.resolve(function, effect.source)
        elif effect.op == "bind" and effect.via == "for":
            for path in _reads_of_loop(function, effect):
                yield from _called_in(program, function, (path,))
                yield from _of_contents(program, function, path)
        yield from _types_in(program, function, effect.annotation)


def _of_contents(program: Program, function: FunctionInfo, name: str) -> Iterator[str]:
    """Of what a local container is filled with, or declared to hold: also in the tuples it holds."""
    by_path = once(function, _effects_by_path)
    for effect in by_path.get(name, ()):
        if effect.op not in ("bind", "insert"):
            continue
        yield from _called_in(program, function, effect.reads)
        put = [path for path in dict.fromkeys(effect.reads) if path.isidentifier()] if effect.op == "insert" else []
        for made in (one for path in put for one in by_path.get(path, ())):
            if made.op == "bind" and made.value == "new":
                yield program.resolve(function, made.source)
        for text in _NAMES.findall(effect.annotation):
            yield program.resolve(function.path, text)


def _effects_by_path(function: FunctionInfo) -> dict[str, list[Effect]]:
    found: dict[str, list[Effect]] = {}
    for effect in function.effects:
        found.setdefault(effect.path, []).append(effect)
    return found


def _reads_of_loop(function: FunctionInfo, effect: Effect) -> tuple[str, ...]:
    return function.regions[effect.region].reads if effect.region < len(function.regions) else ()


def _called_in(program: Program, function: FunctionInfo, reads: tuple[str, ...]) -> Iterator[str]:
    """What is called in the expression that fills a container: `[pool.submit(work, part) for part in parts]`."""
    for path in reads:
        if path.endswith("()"):
            yield program.resolve(function, path.removesuffix("()"))


def _types_in(program: Program, function: FunctionInfo, annotation: str) -> Iterator[str]:
    for name in names_in(annotation, "python") if annotation else ():
        yield program.resolve(function.path, name)
