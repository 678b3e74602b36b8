"""A loop without end that looks at its stop flag only where its queue is empty: under load it never stops.

Who asked it to stop joins its thread, and waits for as long as requests come in.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unbounded_wait.telling import STOPS
from llmlint.code.facts.facts import Effect, Region
from llmlint.code.flow.with_helpers import is_of_a_helper, whole
from llmlint.code.link.exits import chain
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_LEAVES = frozenset({"return", "break", "goto"})
_TRUTH_VALUES = frozenset({"bool", "std::atomic<bool>", "std::atomic_bool"})
_ENDLESS = frozenset({"while true", "while True", "while 1", "for (;;)", "for ; ;"})


def stopped_when_idle(program: Program) -> Iterator[Report]:
    for function in dict.fromkeys(call.function for call in program.asked.calls("empty")):
        yield from _judged(program, whole(program, function))


def _judged(program: Program, function: FunctionInfo) -> Iterator[Report]:
    asking = {at: e for at, e in enumerate(function.effects) if e.op in _LEAVES and _flag_around(function, e)}
    exits = list(asking.values())
    idle = [_idle(function, effect) for effect in exits]
    if not exits or not all(idle) or is_of_a_helper(function, *asking):
        return
    test = idle[0]
    assert test is not None
    queue = test.text.removesuffix("()").rpartition(".")[0]
    taken = next((e for e in function.effects if e.op == "remove" and e.path.endswith(queue)), None)
    if taken is None or not _is_in_a_loop_of_its_own(function, taken, exits[0]):
        return
    flag = _flag_asked(function, _flag_around(function, exits[0]))
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


def _flag_around(function: FunctionInfo, exit_: Effect) -> int:
    """The region of the test of a stop flag that lets control get to an exit of an endless loop; 0 for none."""
    if not _is_endless(function, exit_):
        return 0
    return next((at for at in chain(function, exit_.region) if at and _flag_asked(function, at)), 0)


def _flag_asked(function: FunctionInfo, at: int) -> str:
    """The stop flag of the object that a test asks for and for nothing else: `if (!running) …`. It is known by its word
    or by being a plain truth value of the object."""
    region = function.regions[at]
    text = region.text.removeprefix("!").removeprefix("not ").strip("() ").removeprefix("self.").removeprefix("this->")
    if region.kind != "if" or not text.replace("_", "").isalnum():
        return ""
    return text if STOPS & set(words(text)) or _is_truth_value(function, text) else ""


def _is_truth_value(function: FunctionInfo, name: str) -> bool:
    known = function.owner.attributes.get(name) if function.owner is not None else None
    return known is not None and known.annotation in _TRUTH_VALUES


def _is_endless(function: FunctionInfo, effect: Effect) -> bool:
    return any(function.regions[at].text in _ENDLESS for at in chain(function, effect.region))


def _idle(function: FunctionInfo, exit_: Effect) -> Region | None:
    """The test for an empty queue around an exit."""
    around = (function.regions[at] for at in chain(function, _flag_around(function, exit_))[1:])
    return next((region for region in around if region.kind == "if" and _asks_for_nothing_else(region)), None)


def _asks_for_nothing_else(region: Region) -> bool:
    return (
        region.text.endswith(".empty()") and region.text.removesuffix("()").replace(".", "").replace("_", "").isalnum()
    )


def _is_in_a_loop_of_its_own(function: FunctionInfo, taken: Effect, exit_: Effect) -> bool:
    loops = {at for at in chain(function, taken.region) if function.regions[at].kind == "loop"}
    return bool(loops - set(chain(function, exit_.region)))
