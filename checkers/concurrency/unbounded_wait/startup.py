"""A parent that waits for the first word of a child, by a pipe whose other end it holds as well.

The child's end of a pipe is open in the parent too. As long as it is, the death of the child is no end of file, and
`recv` waits for ever. A parent that closes its copy, or asks `poll` with a time limit between looks at the child, is
fine.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unbounded_wait.telling import report
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.exits import around
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_PIPES = frozenset({"pipe", "pipes", "reader", "readers", "conn", "conns", "connection", "connections"})
_WRITERS = frozenset({"writer", "writers", "child", "sender"})
_CHILDREN = frozenset({"proc", "procs", "process", "processes", "children"})
_LOOKS = frozenset({"poll", "is_alive", "select", "wait"})


def unstarted(program: Program) -> Iterator[Report]:
    makers: dict[str, list[Call]] = {}
    for call in program.calls_named("Pipe"):
        if call.function.language == "python":
            makers.setdefault(call.function.path, []).append(call)
    for path, pipes in sorted(makers.items()):
        kept = [pipe for pipe in pipes if not _closes_a_writer(program, pipe)]
        for function in program.functions_in(path):
            own = [pipe for pipe in pipes if pipe.function is function]
            if kept and (not own or own[0] in kept):
                yield from _first_words(program, function, (own or kept)[0])


def _closes_a_writer(program: Program, pipe: Call) -> bool:
    ends = _ends_of(pipe)
    effects = whole(program, pipe.function).effects
    receivers = (e.callee.rpartition(".")[0] for e in effects if e.callee.endswith(".close"))
    return any(_WRITERS & set(words(receiver)) or receiver in ends for receiver in receivers)


def _ends_of(pipe: Call) -> set[str]:
    """The names of a pipe's two ends, and of the elements of what they are put into."""
    names = {name for name in pipe.effect.result.split(", ") if name.isidentifier()}
    puts = (e for e in pipe.function.effects if e.op == "insert" and any(a.path in names for a in e.args))
    return names | {f"{put.path}[]" for put in puts}


def _first_words(program: Program, written: FunctionInfo, pipe: Call) -> Iterator[Report]:
    function = whole(program, written)
    ends = _ends_of(pipe) if pipe.function is written else set()
    started = next((e for e in function.effects if e.op == "call" and e.callee.rpartition(".")[2] == "Process"), None)
    is_handed = any(_CHILDREN & set(words(p.name)) for p in function.facts.params)
    wait = next((e for e in function.effects if _hears_a_pipe(e, ends)), None)
    if wait is None or (started is None and not is_handed) or _looks_at_children(function, wait):
        return
    maker = pipe.function
    evidence = [Step(maker.path, pipe.effect.line, f"{maker.name} makes the pipe and keeps both its ends")]
    if started is not None:
        evidence.append(Step(function.path, started.line, f"{started.callee} makes the process that is waited for"))
    yield report(
        program,
        function,
        wait,
        f"{function.name} waits for the first word of a process: when {_whose(pipe)} is killed, the pipe's other end "
        "is still open here, and the wait never ends",
        evidence,
        ("high", "nothing looks whether the process is alive, and nothing closes the end that it was given"),
        "poll(timeout) in a loop that looks at is_alive(), and close the writer after start()",
    )


def _whose(pipe: Call) -> str:
    """In a loop the name of an end stands for the next pipe, and that before it is closed; the last one is kept."""
    is_one_of_many = any(region.kind == "loop" for region in around(pipe.function, pipe.effect))
    return "the last one started" if is_one_of_many else "that"


def _looks_at_children(function: FunctionInfo, wait: Effect) -> bool:
    """Above the wait, or in the loop around it."""
    loop = next((region for region in around(function, wait) if region.kind == "loop"), None)
    until = loop.end_line if loop is not None else wait.line
    return any(e.callee.rpartition(".")[2] in _LOOKS and e.line <= until for e in function.effects)


def _hears_a_pipe(effect: Effect, ends: set[str]) -> bool:
    receiver, _, name = effect.callee.rpartition(".")
    is_an_end = receiver in ends or bool(_PIPES & set(words(receiver.rpartition(".")[2])))
    return name == "recv" and not effect.args and is_an_end
