"""A flag on a function that is to run once: two threads may both find it unset."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import place_of, symbol_of
from llmlint.code.facts.facts import Effect, Function
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report


def unlocked_once_flags(program: Program, locks: Locks) -> Iterator[Report]:
    """A flag of the function itself (`wrapper.has_run`) serves all who call it, whatever thread they are in."""
    for written in program.asked.functions:
        if written.language != "python" or not once(written.facts, _asks_itself):
            continue
        function = whole(program, written)
        for effect in function.doing("assign"):
            if effect.path.startswith(f"{function.name}.") and effect.value == "constant":
                if _is_tested(function, effect.path) and not locks.taken(function, effect):
                    yield _report(program, function, effect)


def _asks_itself(function: Function) -> bool:
    own = f"{function.name}."
    return any(path.startswith(own) for region in function.regions for path in region.reads)


def _is_tested(function: FunctionInfo, path: str) -> bool:
    return any(region.kind == "if" and path in region.reads for region in function.regions)


def _report(program: Program, function: FunctionInfo, effect: Effect) -> Report:
    tested = next(region for region in function.regions if effect.path in region.reads)
    return Report(
        place_of(function, effect),
        symbol_of(function),
        f"{effect.path} is tested and then set: two threads that call {function.name} at once may both find it unset",
        (
            program.step(function, tested.line, f"asks {effect.path}"),
            program.step(function, effect, "and sets it, with no lock around both"),
        ),
        confidence="medium",
        reason="a flag of a function serves all threads",
        subject=effect.path,
        fix="hold a threading.Lock around the test and what follows",
    )
