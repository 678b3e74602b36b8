"""A call to another machine whose library sets no deadline by itself: gRPC in Python, and a socket in C and C++.

gRPC waits for as long as the channel stays open where a call is given no `timeout` (grpc.io/docs/guides/deadlines: "by
default, gRPC does not set a deadline"); `recv` on a socket blocks until there is something (man 2 recv, man 7 socket:
SO_RCVTIMEO is 0, "never timeout", unless set).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llmlint.checkers.concurrency.unbounded_wait.telling import report
from llmlint.code.domain.waiting import origins
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around
from llmlint.code.link.program import FunctionInfo, Program, arguments_by_parameter
from llmlint.findings import Report, Step

_CALLABLES = (".unary_unary", ".stream_unary")
_RECEIVES = frozenset({"recv", "read"})
_LIMITS = frozenset({"poll", "ppoll", "select", "epoll_wait", "fcntl", "ioctl", "io_uring_enter", "alarm"})


def without_deadline(program: Program) -> Iterator[Report]:
    with_grpc = {path for path, facts in program.files.items() if any("grpc" in i.module for i in facts.imports)}
    unlimited: dict[FunctionInfo, Effect] = {}
    for function, effect in _all_remote(program, program.asked.functions, with_grpc):
        if not _has_deadline(function, effect):
            unlimited.setdefault(function, effect)
    everywhere = _all_remote(program, program.functions, with_grpc) if unlimited else ()
    limited = [(f, e) for f, e in everywhere if _has_deadline(f, e)]
    for function, effect in unlimited.items():
        yield _of_grpc(program, function, effect, limited)
    yield from _sockets(program)


# ---------------------------------------------------------------- gRPC


def _all_remote(
    program: Program, functions: Iterable[FunctionInfo], with_grpc: set[str]
) -> Iterator[tuple[FunctionInfo, Effect]]:
    return ((f, e) for f in functions if f.path in with_grpc for e in _remote_calls(program, f))


def _remote_calls(program: Program, function: FunctionInfo) -> Iterator[Effect]:
    params = {param.name for param in function.params}
    for effect in function.effects:
        if effect.op != "call" or effect.path.endswith("()"):
            continue
        receiver = effect.path.rpartition(".")[0]
        if receiver and any(origin.endswith("Stub") for origin in origins(program, function, receiver)):
            yield effect
        elif _is_callable(program, function, effect.path) or (
            effect.path in params and _is_given_callables(program, function, effect.path)
        ):
            yield effect


def _is_callable(program: Program, function: FunctionInfo, path: str) -> bool:
    return any(origin.endswith(_CALLABLES) for origin in origins(program, function, path))


def _is_given_callables(program: Program, function: FunctionInfo, name: str) -> bool:
    calls = program.callers(function)
    given = [(call.function, arguments_by_parameter(function, call.effect).get(name)) for call in calls]
    return bool(given) and all(a is not None and _is_callable(program, caller, a.path) for caller, a in given)


def _has_deadline(function: FunctionInfo, effect: Effect) -> bool:
    if any(a.keyword in ("timeout", "**") and a.literal != "None" for a in effect.args):
        return True
    if sum(not a.keyword for a in effect.args) > 1:
        return True  # the second is the timeout
    if any("timeout" in region.text for region in around(function, effect) if region.kind == "with"):
        return True
    return any(e.callee.endswith("wait_for") and abs(e.line - effect.line) < 3 for e in function.effects)


def _of_grpc(
    program: Program, function: FunctionInfo, effect: Effect, limited: Sequence[tuple[FunctionInfo, Effect]]
) -> Report:
    evidence = [Step(f.path, e.line, f"{f.name} gives such a call a deadline") for f, e in limited[:1]]
    sure = (
        ("medium", "elsewhere in the program such a call has a deadline")
        if limited
        else ("low", "gRPC sets no deadline by itself; whether the server may hang is not known")
    )
    return report(
        program,
        function,
        effect,
        f"{effect.path} is a remote call without a deadline: whoever never answers keeps {function.name} for ever",
        evidence,
        sure,
        "pass timeout=… from the configuration",
        cause="missing-timeout",
    )


# ---------------------------------------------------------------- sockets of C and C++


def _sockets(program: Program) -> Iterator[Report]:
    """A client that receives: it connects, and nothing of its class limits how long it waits."""
    for name in sorted(_RECEIVES):
        for function, effect in program.calls_named(name):
            if function.language == "python" or effect.path not in _RECEIVES or function.owner is None:
                continue
            handle = effect.args[0].path if effect.args else ""
            family = [f for cls in dict.fromkeys((function.owner, *function.owner.mro)) for f in cls.functions]
            own = [(f, e) for f in family for e in f.effects if e.op == "call"]
            connecting = [(f, e) for f, e in own if e.path == "connect" and e.args and e.args[0].path == handle]
            if not handle.startswith("self.") or not connecting or any(_limits(e) for _, e in own):
                continue
            options = [(f, e) for f, e in own if e.path == "setsockopt"]
            yield _of_socket(program, function, effect, connecting[0], options[-1:])
            break


def _limits(effect: Effect) -> bool:
    if effect.path.rpartition(".")[2] in _LIMITS:
        return True
    named = [name for a in effect.args for name in (a.path, *a.reads)]
    return any(mark in name for name in named for mark in ("SO_RCVTIMEO", "NONBLOCK", "MSG_DONTWAIT"))


def _of_socket(
    program: Program,
    function: FunctionInfo,
    effect: Effect,
    connecting: tuple[FunctionInfo, Effect],
    options: Sequence[tuple[FunctionInfo, Effect]],
) -> Report:
    evidence = [Step(connecting[0].path, connecting[1].line, f"{connecting[0].name} connects to the peer")]
    evidence += [Step(f.path, e.line, f"{f.name} sets options, and SO_RCVTIMEO is not among them") for f, e in options]
    return report(
        program,
        function,
        effect,
        f"{function.name} waits in {effect.path} without a limit: a peer that stops answering keeps it for ever",
        evidence,
        ("medium", "nothing of the class sets SO_RCVTIMEO, polls, or makes the socket non-blocking"),
        "set SO_RCVTIMEO where the socket is made, or poll it first",
        cause="missing-timeout",
    )
