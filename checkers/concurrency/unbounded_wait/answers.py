"""A request is sent, and its answer waited for without end.

On a ZeroMQ socket no peer is no error: a request to a server that is gone waits in the queue, and so does who sent it.
With queues of multiprocessing the same holds for a worker that has died.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unbounded_wait.bounds import is_bounded, is_pipe
from llmlint.checkers.concurrency.unbounded_wait.telling import report
from llmlint.code.domain.waiting import origins
from llmlint.code.facts.facts import Effect, Function
from llmlint.code.flow.with_helpers import is_of_a_helper, whole
from llmlint.code.link.exits import BRANCHES, around, chain
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_RECEIVES = frozenset({"recv", "recv_pyobj", "recv_multipart", "recv_string", "recv_json"})
_SENDS = frozenset({"send", "send_pyobj", "send_multipart", "send_string", "send_json"})
_SOCKETS = frozenset({"socket", "sock", "dealer", "req"})
_QUEUES = ("multiprocessing.Queue", ".Queue", ".JoinableQueue", ".SimpleQueue")


def unanswered(program: Program) -> Iterator[Report]:
    for written in program.asked.functions:
        if written.language == "python" and written.name != "<module>":
            function = whole(program, written)
            yield from _on_sockets(program, function)
            yield from _on_queues(program, function)


def _on_sockets(program: Program, function: FunctionInfo) -> Iterator[Report]:
    for wait in once(function.settled, _receiving):
        receiver = wait.callee.rpartition(".")[0]
        if not _is_socket(program, function, wait, receiver) or _is_flagged(wait):
            continue
        asked = _asked(function, receiver, wait)
        if asked is None or _is_in_one_helper(function, asked, wait) or is_bounded(program, function, wait):
            continue
        limited = _limits_elsewhere(program, function.path)
        evidence = [Step(function.path, asked.line, f"{asked.callee} sends the request")]
        evidence += [Step(f.path, e.line, f"{f.name} gives a socket a time limit") for f, e in limited[:1]]
        yield report(
            program,
            function,
            wait,
            f"{function.name} waits without a limit for the answer to what it sent on {receiver}: when the other side "
            "is gone, it never comes back",
            evidence,
            _how_sure(function, receiver, bool(limited)),
            f"poll {receiver} with a time limit and look whether the peer lives"
            + ("" if is_pipe(program, function, wait) else ", or set zmq.RCVTIMEO on it"),
        )
        return


def _receiving(function: Function) -> tuple[Effect, ...]:
    return tuple(e for e in function.effects if e.callee.rpartition(".")[2] in _RECEIVES)


def _getting(function: Function) -> tuple[Effect, ...]:
    return tuple(e for e in function.effects if e.callee.rpartition(".")[2] == "get" and not e.args)


def _is_socket(program: Program, function: FunctionInfo, wait: Effect, receiver: str) -> bool:
    """A socket by its name, or one end of a pipe between processes by its type."""
    if _SOCKETS & set(words(receiver.rpartition(".")[2])):
        return True
    return is_pipe(program, function, wait)


def _is_in_one_helper(function: FunctionInfo, asked: Effect, wait: Effect) -> bool:
    return is_of_a_helper(function, function.effects.index(asked), function.effects.index(wait))


def _how_sure(function: FunctionInfo, receiver: str, is_limited_elsewhere: bool) -> tuple[str, str]:
    if root_of(receiver) in {param.name for param in function.params}:
        return "low", "whoever hands the socket over may have given it a time limit"
    if is_limited_elsewhere:
        return "medium", "elsewhere in the program such a socket has a time limit, so one is wanted"
    return "medium", "nothing polls the socket, and no receive timeout is set where it is made"


def _is_flagged(wait: Effect) -> bool:
    """With flags it may be asked not to wait; with a size it is no ZeroMQ socket."""
    return any(a.keyword in ("", "flags") for a in wait.args)


def _asked(function: FunctionInfo, receiver: str, wait: Effect) -> Effect | None:
    """The request: sent on the same socket above the wait, and not inside a loop that serves others."""
    if any(region.kind == "loop" and region.text.startswith("while") for region in around(function, wait)):
        return None
    sent = (e for e in function.effects if e.line < wait.line and e.callee.rpartition(".")[0] == receiver)
    requests = (e for e in sent if e.callee.rpartition(".")[2] in _SENDS and _may_follow(function, e, wait))
    return next(requests, None)


def _may_follow(function: FunctionInfo, sent: Effect, wait: Effect) -> bool:
    """Does the request stand in no branch that the wait is outside of?"""
    around_wait = chain(function, wait.region)
    own = [function.regions[at].kind for at in chain(function, sent.region) if at not in around_wait]
    return not BRANCHES & (set(own) - {"loop"})


def _limits_elsewhere(program: Program, path: str) -> list[tuple[FunctionInfo, Effect]]:
    found = [
        (function, effect)
        for name in ("setsockopt", "setsockopt_string", "set")
        for function, effect in program.calls_named(name)
        if any("RCVTIMEO" in argument.path for argument in effect.args)
    ]
    return sorted(found, key=lambda one: (one[0].path != path, one[0].order, one[1].line))


def _on_queues(program: Program, function: FunctionInfo) -> Iterator[Report]:
    owner = function.owner
    if owner is None:
        return
    for wait in once(function.settled, _getting):
        receiver = wait.callee.rpartition(".")[0]
        if not _is_shared_queue(program, function, receiver):
            continue
        asked = next(
            (e for e in function.effects if e.line < wait.line and _puts(program, function, e, receiver)), None
        )
        started = next(((f, e) for f in owner.functions for e in f.effects if e.callee.endswith(".Process")), None)
        if (
            asked is None
            or started is None
            or _is_in_one_helper(function, asked, wait)
            or any(e.callee.endswith(".is_alive") for e in function.effects)
        ):
            continue
        yield report(
            program,
            function,
            wait,
            f"{function.name} waits without a limit for an answer in {receiver}: when the process that was asked has "
            "died, it never comes back",
            [
                Step(started[0].path, started[1].line, f"{started[0].name} starts the process"),
                Step(function.path, asked.line, f"{asked.callee} asks it"),
            ],
            ("high", "the process is the program's own, and nothing looks whether it is alive"),
            f"{receiver}.get(timeout=…) in a loop that looks at is_alive()",
        )
        return


def _is_shared_queue(program: Program, function: FunctionInfo, receiver: str) -> bool:
    made = [origin for origin in origins(program, function, receiver) if origin.endswith(_QUEUES)]
    return any(not origin.startswith(("queue.", "asyncio.")) for origin in made)


def _puts(program: Program, function: FunctionInfo, effect: Effect, answers: str) -> bool:
    receiver, _, name = effect.callee.rpartition(".")
    return name == "put" and receiver != answers and _is_shared_queue(program, function, receiver)
