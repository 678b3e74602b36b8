"""Work that a coroutine hands to a pool of threads, where it meets the work of the next call of the same coroutine."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import attribute_of, place_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report

_HAND_OVER = ("to_thread", "run_in_executor")
_WRITES = frozenset({"write", "writelines", "flush", "seek", "truncate", "send", "sendall", "send_multipart"})


def handed_to_threads(program: Program, locks: Locks) -> Iterator[Report]:
    for name in _HAND_OVER:
        for function, call in program.calls_named(name):
            if function.language == "python" and function.facts.is_async and function.owner is not None:
                if not locks.taken(function, call):
                    yield from _meetings(program, function, call, locks)


def _meetings(program: Program, function: FunctionInfo, call: Effect, locks: Locks) -> Iterator[Report]:
    names = {f"{function.facts.qualname}.{argument.written or argument.path}" for argument in call.args}
    for work in program.functions_in(function.path):
        if work.facts.qualname not in names:
            continue
        written = next((e for e in work.effects if _writes(e) and not locks.taken(work, e)), None)
        if written is not None:
            stream = attribute_of(written.path)
            yield Report(
                place_of(function, call),
                symbol_of(function),
                f"{function.name} lets a thread write to {stream}, and the next {function.name} lets another one write "
                "to it at the same time",
                (
                    program.step(function, call, f"{work.name} goes to a pool of threads, under no lock"),
                    program.step(work, written, f"writes to {stream}, which all calls share"),
                ),
                confidence="medium",
                reason="a coroutine may be awaited by many tasks at once",
                subject=stream,
                fix="hold an asyncio.Lock around the hand-over",
            )


def _writes(effect: Effect) -> bool:
    base, _, method = effect.path.rpartition(".")
    return effect.op == "call" and method in _WRITES and base == f"self.{attribute_of(effect.path)}"
