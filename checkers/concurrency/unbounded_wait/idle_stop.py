"""A loop without end that looks at its stop flag only where its queue is empty: under load it never stops.

Who asked it to stop joins its thread, and waits for as long as requests come in.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unbounded_wait.telling import STOPS
from llmlint.code.facts.facts import Effect, Region
from llmlint.code.link.exits import chain
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_ENDLESS = frozenset({"while true", "while True", "while 1", "for (;;)", "for ; ;"})


def stopped_when_idle(program: Program) -> Iterator[Report]:
    for function in dict.fromkeys(call.function for call in program.calls_named("empty")):
        yield from _judged(program, function)


def _judged(program: Program, function: FunctionInfo) -> Iterator[Report]:
    exits = [effect for effect in function.effects if _flag_asked(function, effect)]
    idle = [_idle(function, effect) for effect in exits]
    if not exits or not all(idle):
        return
    test = idle[0]
    assert test is not None
    queue = test.text.removesuffix("()").rpartition(".")[0]
    taken = next((e for e in function.effects if e.op == "remove" and e.path.endswith(queue)), None)
    if taken is None or not _is_in_a_loop_of_its_own(function, taken, exits[0]):
        return
    flag = _flag_asked(function, exits[0])
    yield Report(
        program.place(function, exits[0]),
        function.facts.qualname,
        f"{function.name} looks at {flag} only while {queue} is empty: under load it goes on for ever, and who stops "
        "it waits for it in vain",
        (
            Step(function.path, taken.line, f"what is in {queue} is taken out here, whatever {flag} says"),
            Step(function.path, test.line, f"{flag} is looked at only if {test.text}"),
        ),
        confidence="medium",
        reason="no other exit of the loop asks for the flag",
        subject=flag,
        fix=f"look at {flag} before each element is taken out",
    )


def _flag_asked(function: FunctionInfo, exit_: Effect) -> str:
    """The stop flag of the object that an exit asks for, in a test of its own: `if (!running) return;`."""
    region = function.regions[exit_.region] if exit_.op in ("return", "break") else None
    if region is None or region.kind != "if" or not _is_endless(function, exit_):
        return ""
    text = region.text.removeprefix("!").removeprefix("not ").strip("() ").removeprefix("self.").removeprefix("this->")
    return text if text.replace("_", "").isalnum() and STOPS & set(words(text)) else ""


def _is_endless(function: FunctionInfo, effect: Effect) -> bool:
    return any(function.regions[at].text in _ENDLESS for at in chain(function, effect.region))


def _idle(function: FunctionInfo, exit_: Effect) -> Region | None:
    """The test for an empty queue around an exit."""
    around = (function.regions[at] for at in chain(function, exit_.region)[1:])
    return next((region for region in around if region.kind == "if" and _asks_for_nothing_else(region)), None)


def _asks_for_nothing_else(region: Region) -> bool:
    return (
        region.text.endswith(".empty()") and region.text.removesuffix("()").replace(".", "").replace("_", "").isalnum()
    )


def _is_in_a_loop_of_its_own(function: FunctionInfo, taken: Effect, exit_: Effect) -> bool:
    loops = {at for at in chain(function, taken.region) if function.regions[at].kind == "loop"}
    return bool(loops - set(chain(function, exit_.region)))
