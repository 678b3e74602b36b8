"""What the loops that serve all take in: messages of a socket, items of a queue; and whether an error ends such a loop.

A loop that serves all goes on for as long as the service lives. One that ends when nothing is left, that a request or a
connection brought about, or that somebody iterates over, is none: who else is served does not stand still with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.calls import is_call
from llmlint.code.domain.answers import is_answered, is_route
from llmlint.code.domain.served import route_to
from llmlint.code.domain.waiting import origins
from llmlint.code.facts.bodies.scope import is_within
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.rounds import goes_on
from llmlint.code.link.exits import around, chain, loops_around, own_returns
from llmlint.code.link.objects import Method
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.phrases import last_name
from llmlint.vocabulary import words

_ENDLESS = re.compile(r"while (?:True|1|(?:not )?[\w.]+(?:\(\))?)")
_UNTIL_DONE = re.compile(r"has_|empty|unfinished|pending|qsize|\.done\(|finished")
_QUEUES = ("asyncio.Queue", "queue.Queue", "SimpleQueue", "PriorityQueue", "JoinableQueue", ".Queue")
_NOTHING_LEFT = re.compile(r"\bEmpty|\bQueueEmpty|\bAgain|ZMQError|BlockingIOError")
_ANYBODYS = frozenset({"recv", "recv_bytes", "recvfrom"})
"""Sockets of all kinds have these, pipes and connections too."""
_SWALLOWS = re.compile(r"suppress\(|catch|ignor")
_HIGHEST = 3
_A_TABLE = 4
"""Two classes and two methods."""


class Taken(NamedTuple):
    """What somebody sent, by which call it comes in, and the paths that stand for it in the function."""

    call: Effect
    paths: frozenset[str]
    is_message: bool


def taken_in(program: Program, function: FunctionInfo) -> Iterator[Taken]:
    """What the function takes itself, and what a helper that it calls hands back."""
    handing = once(program, _handing_back)
    names = {helper.name for helper in handing}
    for effect in function.effects:
        name = effect.callee.rpartition(".")[2]
        kind = _kind(program, function, effect) if effect.callee else ""
        if kind:
            yield Taken(effect, frozenset(_paths(function, effect)), kind == "message")
        elif name in names and effect.result.isidentifier():
            taken = next((handing[one] for one in program.callees(function, effect) if one in handing), None)
            if taken is not None:
                yield Taken(effect, frozenset({effect.result}), taken.is_message)


def _kind(program: Program, function: FunctionInfo, effect: Effect) -> str:
    receiver, _, name = effect.callee.rpartition(".")
    if not receiver or effect.op == "insert":
        return ""
    if program.vocabulary.python_flows.gives.find(effect.callee):
        if program.callees(function, effect):
            return ""  # a method of the program that only bears the library's name
        return "message" if name not in _ANYBODYS or _is_shared_socket(program, function, receiver) else ""
    if name not in ("get", "get_nowait", "recv_pyobj") or (
        effect.args and not effect.args[0].keyword and name == "get"
    ):
        return ""
    made = origins(program, function, receiver)
    return (
        "item"
        if name == "recv_pyobj" or any(is_call(one.removesuffix("[]"), queue) for one in made for queue in _QUEUES)
        else ""
    )


def _is_shared_socket(program: Program, function: FunctionInfo, receiver: str) -> bool:
    """Is it a socket, and neither a pipe of the program's own nor a connection that ends with its one peer?"""
    made = origins(program, function, receiver)
    if any(one.endswith(".accept") for one in made):
        return False
    return any("zmq" in one for one in made) or (
        not made and not {"socket", "sock"}.isdisjoint(words(last_name(receiver)))
    )


def _paths(function: FunctionInfo, call: Effect) -> Iterator[str]:
    given = {f"{call.callee}()", f"{call.callee.rpartition('.')[0]}[]"}
    yield from given
    for effect in function.doing("bind"):
        if effect.line == call.line and (effect.source == call.callee or not given.isdisjoint(effect.reads)):
            yield effect.path


def _handing_back(program: Program) -> dict[FunctionInfo, Taken]:
    """Functions that return what they take, alone or in a list."""
    found: dict[FunctionInfo, Taken] = {}
    names = ("recv_pyobj", "recv", "recv_multipart", "recv_json", "recv_string", "get", "get_nowait")
    for name in names:
        for function, effect in program.calls_named(name, in_python=True):
            kind = _kind(program, function, effect)
            taken = Taken(effect, frozenset(_paths(function, effect)), kind == "message")
            if kind and function not in found and any(_is_of(e.path, taken, function) for e in own_returns(function)):
                found[function] = taken
    return found


def _is_of(path: str, taken: Taken, function: FunctionInfo) -> bool:
    held = {e.path for e in function.doing("insert") if any(_stands_for(a.path, taken.paths) for a in e.args)}
    return _stands_for(path, taken.paths | held)


def _stands_for(path: str, paths: frozenset[str]) -> bool:
    return bool(path) and any(is_within(path, one) for one in paths)


def dispatched(program: Program) -> dict[FunctionInfo, Call]:
    """Methods that stand beside classes in a table of their object, with a call that hands one thing to the table."""
    return once(program, _dispatched)


def _dispatched(program: Program) -> dict[FunctionInfo, Call]:
    found: dict[FunctionInfo, Call] = {}
    for function in program.functions:
        is_ours = function.language == "python" and function.owner is not None and function.facts.gist.does("assign")
        for effect in function.doing("assign") if is_ours else ():
            if (
                len(effect.reads) >= _A_TABLE
                and effect.path.startswith("self.")
                and effect.value in ("new", "container")
            ):
                handlers = [one for read in effect.reads for one in _method_meant(program, function, read)]
                call = _handed_to(program, function, effect.path) if len(handlers) * 2 >= _A_TABLE else None
                if call is not None:
                    found |= dict.fromkeys(handlers, call)
    return found


def _method_meant(program: Program, function: FunctionInfo, path: str) -> Iterator[FunctionInfo]:
    for meaning in program.meanings(function, path) if path.startswith("self.") else ():
        if isinstance(meaning, Method):
            yield meaning.function


def _handed_to(program: Program, function: FunctionInfo, table: str) -> Call | None:
    """`self.table(message)`, `self.table[type(message)](message)`"""
    for other in program.functions_of(function.owner) if function.owner is not None else ():
        for effect in other.doing("call"):
            if effect.callee in (table, f"{table}[]") and len(effect.args) == 1:
                return Call(other, effect)
    return None


def ended_by(program: Program, function: FunctionInfo, effect: Effect, raised: str) -> tuple[Call, ...]:
    """The way up to a loop that serves all and that the error leaves, the loop's call last; () where there is none."""
    if route_to(program, function) is not None:
        return ()
    return _ended_by(program, function, effect, raised, frozenset())


def _ended_by(
    program: Program, function: FunctionInfo, effect: Effect, raised: str, below: frozenset[FunctionInfo]
) -> tuple[Call, ...]:
    if function in below or len(below) > _HIGHEST or function.facts.is_generator or is_route(function.facts.decorators):
        return ()
    loop = _endless_around(function, effect)
    if is_held(function, effect, raised, loop):
        return ()
    if loop:
        serves_all = not _is_for_one(program, function) and not _is_begun_again(program, function, raised)
        return (Call(function, effect),) if serves_all else ()
    ways = (
        _ended_by(program, caller, call, raised, below | {function})
        for caller, call in program.callers(function)
        if call.via == "await" or not function.facts.is_async
    )
    return next(((Call(function, effect), *way) for way in ways if way), ())


def is_held(function: FunctionInfo, effect: Effect, raised: str, below: int = 0) -> bool:
    """Does anything in the function, or in this region of it, keep the error from going up?"""
    swallowed = any(r.kind == "with" and _SWALLOWS.search(r.text) for r in around(function, effect))
    return swallowed or is_answered(function, effect, raised, below)


def _endless_around(function: FunctionInfo, effect: Effect) -> int:
    """The outermost loop without an end around it that goes on behind it, 0 for none."""
    at = next((at for at, one in enumerate(function.effects) if one is effect), -1)
    loops = loops_around(function, effect)
    if not loops or not goes_on(function, loops[0], at):
        return 0
    return next((loop for loop in loops[::-1] if _is_endless(function, loop)), 0)


def _is_endless(function: FunctionInfo, loop: int) -> bool:
    text = function.regions[loop].text
    if not _ENDLESS.fullmatch(text) or _UNTIL_DONE.search(text) or _is_used_up(function, text):
        return False
    ends = [at for at, r in enumerate(function.regions) if r.kind == "except" and _NOTHING_LEFT.search(r.text)]
    leaving = (e for e in function.doing("break") if e.region in ends)
    if any(next(iter(loops_around(function, e)), 0) == loop for e in leaving):
        return False
    return not any(loop in chain(function, e.region) for e in own_returns(function) if e.path)


def _is_used_up(function: FunctionInfo, text: str) -> bool:
    """`while pending:` ends with what is taken out of it, `while running:` when somebody says so."""
    asked = text.removeprefix("while ")
    if any(e.path == asked for e in function.doing("insert", "remove", "clear")):
        return True
    return any(e.path == asked and e.value != "constant" for e in function.doing("bind"))


def _is_begun_again(program: Program, function: FunctionInfo, raised: str) -> bool:
    """Does who calls it answer for the error in a loop of his own?"""
    for caller, call in program.callers(function):
        loop = next((at for at in chain(caller, call.region)[::-1] if caller.regions[at].kind == "loop"), 0)
        if loop and is_held(caller, call, raised, loop):
            return True
    return False


def _is_for_one(program: Program, function: FunctionInfo) -> bool:
    """Is the loop, or the function that begins it, told of one request or entry, and there for that alone?"""
    words_of = program.vocabulary
    for one in program.functions_around(function):
        told = {param.name for param in one.params}
        if any(words_of.is_request_id(name) or words_of.speaks_of_requests(name) for name in told):
            return True
        if any("[]" in e.source and not told.isdisjoint(e.reads) for e in one.doing("bind") if e.value == "path"):
            return True
    return False
