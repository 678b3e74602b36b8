"""LLM211: a thread that serves messages one after the other, and that one message of the wrong form ends.

Whatever is raised in a thread's function ends the thread and nothing else: the process goes on, and who sends to it
waits. What a loop takes from a socket comes from somebody else, who may be of another version, or no peer at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.threads import runs_on_a_thread
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import chain
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.findings import Report
from llmlint.vocabulary import words

_RECEIVES = frozenset("recv recv_multipart recv_pyobj recv_json recv_string recvfrom recv_bytes".split())
_FROM_WORDS = frozenset("int float loads decode unpack unpackb literal_eval fromhex".split())
"""What reads a value out of bytes or text, and raises where it stands otherwise there."""

_OF_THIS_MACHINE = frozenset({"ipc", "inproc"})
"""Transports of api.zeromq.org that no other machine reaches."""


class _End(NamedTuple):
    effect: Effect
    says: str
    form: str


def check_program(program: Program) -> Iterator[Report]:
    for function in program.asked.functions:
        if function.language != "python" or function.facts.is_async or not function.doing("call"):
            continue
        received = next(_received(function), None)
        if received is None:
            continue
        end = next(_ends(program, function, received), None)
        if end is not None and runs_on_a_thread(program, function):
            yield _report(program, function, received, end)


def _received(function: FunctionInfo) -> Iterator[Effect]:
    """What a loop without an end takes from a socket, where nobody catches what is raised."""
    for effect in function.effects:
        is_taken = effect.callee.rpartition(".")[2] in _RECEIVES and "." in effect.callee
        if is_taken and effect.result and _loop_of(function, effect) >= 0 and not _is_tried(function, effect):
            yield effect


def _loop_of(function: FunctionInfo, effect: Effect) -> int:
    around = chain(function, effect.region)
    return next((at for at in around if function.regions[at].text.startswith("while")), -1)


def _is_tried(function: FunctionInfo, effect: Effect) -> bool:
    """Does any handler stand around it, or is it itself on the way out of an error?"""
    around = set(chain(function, effect.region))
    return any(
        region.kind == "except" and (region.first in around or at in around)
        for at, region in enumerate(function.regions)
    )


def _ends(program: Program, function: FunctionInfo, received: Effect) -> Iterator[_End]:
    """What raises in the same round: outright, or where the message has another form."""
    loop = _loop_of(function, received)
    names = {name.strip("[]() ") for name in received.result.split(",")}
    if len(names) > 1 and "*" not in received.result:
        yield _End(received, f"takes a message of {len(names)} parts", "parts")
    for effect in function.effects:
        if effect.line < received.line or loop not in chain(function, effect.region) or _is_tried(function, effect):
            continue
        given = {root_of(path) for a in effect.args for path in (a.path, *a.reads) if path} | {root_of(effect.callee)}
        if effect.op == "raise" and effect.path:
            yield _End(effect, f"raises {effect.path}", "raise")
        elif effect.op == "assert" and names & set(map(root_of, effect.reads)):
            yield _End(effect, "asserts what the message is", "assert")
        elif effect.op == "call" and names & given and effect.callee.rpartition(".")[2] in _FROM_WORDS:
            yield _End(effect, f"reads it with {effect.callee}", "parse")
        if names & given and effect.result.isidentifier():
            names.add(effect.result)


def _is_of_this_machine(function: FunctionInfo) -> bool:
    """Is a path of the file system, or a name within the process, what it is bound or connected to?"""
    owner = function.owner
    around = (function, *(owner.methods.values() if owner is not None else ()))
    said = (a.literal or a.path for one in around for e in one.doing("call") for a in e.args)
    return any(not _OF_THIS_MACHINE.isdisjoint(words(text)) for text in said if text)


def _report(program: Program, function: FunctionInfo, received: Effect, end: _End) -> Report:
    doubt = "the socket is one of this machine, and both ends may be its own" if _is_of_this_machine(function) else ""
    return Report(
        program.place(function, end.effect),
        symbol_of(function),
        f"a message of another form ends {function.name}, which serves all that come after it",
        (
            program.step(function, received, "takes a message, round after round, on a thread of its own"),
            program.step(function, end.effect, f"{end.says}; no handler stands around it"),
        ),
        confidence="low" if doubt else "medium",
        reason=doubt or "nothing in the function catches what is raised, and a thread ends by it alone",
        subject=end.form,
        fix="catch what one message can raise inside the loop, and answer or drop that message",
        mechanism=f"one_message_ends_all.{end.form}",
    )
