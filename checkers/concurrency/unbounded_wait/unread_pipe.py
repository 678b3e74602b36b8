"""A child that writes into a pipe which nobody reads: it stops when the pipe is full, in the middle of its work.

A pipe holds 65,536 bytes (man 7 pipe), which a server's log fills in minutes; docs.python.org/3/library/subprocess.html
warns of it at `Popen.wait`.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step

_STARTS = "subprocess.Popen"
_PIPE = "PIPE"
_STREAMS = ("stdout", "stderr")
_READS_ALL = "communicate"


def unread(program: Program) -> Iterator[Report]:
    for call in program.asked.calls("Popen"):
        function, effect = call
        name = effect.result.removeprefix("self.")
        is_kept = effect.result.startswith("self.") and "." not in name and function.owner is not None
        piped = [stream for stream in _STREAMS if is_kept and _is_piped(effect, stream)]
        if piped and function.owner is not None and program.resolve(function, effect.callee) == _STARTS:
            yield from _judged(program, call, function.owner, name, piped)


def _is_piped(effect: Effect, stream: str) -> bool:
    return any(a.keyword == stream and a.path.rpartition(".")[2] == _PIPE for a in effect.args)


def _judged(program: Program, call: Call, cls: ClassInfo, name: str, piped: list[str]) -> Iterator[Report]:
    function, effect = call
    users = [read.function for read in program.reads(cls, name)]
    if any(_is_handed_on(user, name) for user in users):
        return
    texts = [text for user in (function, *users) for text in _texts(user)]
    forgotten = [s for s in piped if not any(f"{name}.{s}" in t or f"{name}.{_READS_ALL}" in t for t in texts)]
    if forgotten:
        streams = " and ".join(forgotten)
        yield Report(
            program.place(function, effect),
            function.facts.qualname,
            f"nobody reads the {streams} of {effect.result}: it stands still as soon as it has written 64 KiB",
            (Step(function.path, effect.line, f"{streams} become{'s' if len(forgotten) == 1 else ''} a pipe here"),),
            confidence="low",
            reason="no function that uses the process reads from it, and it is handed to nobody",
            subject=f"{effect.result} {streams}",
            cause="unbounded-wait",
            fix="send it to a file or to subprocess.DEVNULL, or read it in a thread",
        )


def _is_handed_on(function: FunctionInfo, name: str) -> bool:
    """Is the process itself given to a call, a container or a caller?"""
    own = {f"self.{name}"}
    for effect in function.effects:
        given = {effect.path} if effect.op in ("return", "yield") else {effect.source}
        given |= {path for argument in effect.args for path in (argument.path, *argument.reads)}
        if any(path in own or path.endswith(f".{name}") for path in given) and effect.op != "assign":
            return True
    return False


def _texts(function: FunctionInfo) -> Iterator[str]:
    for effect in function.effects:
        yield from (effect.path, effect.source, effect.callee, *effect.reads, *effect.options)
        yield from (path for argument in effect.args for path in (argument.path, argument.written, *argument.reads))
    for region in function.regions:
        yield from (region.text, *region.reads)
