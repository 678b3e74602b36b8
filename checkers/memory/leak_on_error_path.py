"""LLM103: something acquired that an early exit of the same function forgets.

What must come back is told by the vocabulary's pairs. A function that releases what it acquired on its normal path, or
hands it over there, has to do so on its early exits too; the exit that follows from the acquisition itself having
failed is none.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.facts import Effect
from llmlint.code.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import Pair

_EXITS = frozenset({"return", "raise"})
_BRANCHES = frozenset({"if", "else", "case", "except", "loop"})


class Held(msgspec.Struct, frozen=True):
    """A local that holds what a call lent."""

    name: str
    at: int
    effect: Effect
    pair: Pair


def check_program(program: Program) -> Iterator[Report]:
    for function in program.functions:
        for held in _acquired(program, function):
            yield from _early_exits(program, function, held)


def _acquired(program: Program, function: FunctionInfo) -> Iterator[Held]:
    for index, effect in enumerate(function.effects):
        if effect.op != "call" or not effect.result.isidentifier():
            continue
        for pair in program.vocabulary.pairs_for(effect.callee):
            if pair.held == "result" and not _is_managed(function, effect):
                yield Held(effect.result, index, effect, pair)
                break


def _is_managed(function: FunctionInfo, effect: Effect) -> bool:
    """`with open(…) as file:` gives back by itself."""
    return any(region.kind == "with" and region.line == effect.line for region in function.regions)


def _early_exits(program: Program, function: FunctionInfo, held: Held) -> Iterator[Report]:
    after = function.effects[held.at + 1 :]
    settled = [e for e in after if _settles(program, held, e)]
    released = [e for e in settled if _releases(program, held, e)]
    if not released or _given_back_by_finally(function, released) or _rebound(held, after):
        return
    for exit_ in after:
        if exit_.op not in _EXITS or exit_.line >= max(e.line for e in settled):
            continue
        chain = _chain(function, exit_.region)
        own = [r for r in chain if r not in _chain(function, held.effect.region)]
        kinds = {function.regions[r].kind for r in own}
        if "lambda" in kinds or not kinds & _BRANCHES:  # a lambda's return leaves the lambda alone
            continue
        if any(_on_the_way(function, e, exit_) for e in settled) or _speaks_of(function, held, own, exit_):
            continue
        if _is_failed_try(function, held, own):
            continue
        yield _report(program, function, held, exit_, released[0])
        return


def _settles(program: Program, held: Held, effect: Effect) -> bool:
    """The effect releases what is held, or hands it to somebody else."""
    if _releases(program, held, effect):
        return True
    if effect.op in ("return", "yield"):
        return _mentions(held, effect)
    if effect.op in ("insert", "assign"):
        return _mentions(held, effect)
    if effect.op == "bind":
        return effect.path != held.name and effect.source == held.name
    return False


def _releases(program: Program, held: Held, effect: Effect) -> bool:
    if effect.op == "delete":
        return effect.path == held.name
    if not effect.callee or held.pair not in program.vocabulary.released_by(effect.callee):
        return False
    receiver = effect.callee.rpartition(".")[0]
    return receiver == held.name or any(held.name in (a.path, a.written, *a.reads) for a in effect.args)


def _mentions(held: Held, effect: Effect) -> bool:
    paths = (effect.path, effect.source, effect.key, *effect.reads, *(a.path for a in effect.args))
    return any(path == held.name or path.startswith((f"{held.name}.", f"{held.name}[")) for path in paths)


def _speaks_of(function: FunctionInfo, held: Held, own: list[int], exit_: Effect) -> bool:
    """The exit is taken because the acquisition failed, or answers with what is held."""
    if _mentions(held, exit_):
        return True
    return any(
        path == held.name or path.startswith(f"{held.name}.") for r in own for path in function.regions[r].reads
    ) or any(held.name in function.regions[r].text for r in own)


def _on_the_way(function: FunctionInfo, settled: Effect, exit_: Effect) -> bool:
    """The release stands above the exit: before it in the same branch, or in one nested there."""
    if settled.line > exit_.line:
        return False
    return settled.region in _chain(function, exit_.region) or exit_.region in _chain(function, settled.region)


def _is_failed_try(function: FunctionInfo, held: Held, own: list[int]) -> bool:
    """The exit is in a handler of the very `try` that holds the acquisition."""
    tried = _chain(function, held.effect.region)
    return any(function.regions[r].kind == "except" and function.regions[r].first in tried for r in own)


def _given_back_by_finally(function: FunctionInfo, released: list[Effect]) -> bool:
    return any(function.regions[r].kind == "finally" for e in released for r in _chain(function, e.region))


def _rebound(held: Held, after: tuple[Effect, ...]) -> bool:
    return any(e.op == "bind" and e.path == held.name and e.value != "none" for e in after[1:])


def _chain(function: FunctionInfo, region: int) -> list[int]:
    found = [region]
    while region:
        region = function.regions[region].parent
        found.append(region)
    return found


def _report(program: Program, function: FunctionInfo, held: Held, exit_: Effect, released: Effect) -> Report:
    way = "raises" if exit_.op == "raise" else "returns"
    return Report(
        program.place(function, exit_),
        function.facts.qualname,
        f"{function.name} {way} here without giving back {held.name} ({held.pair.what} from {held.effect.callee})",
        (
            Step(function.path, held.effect.line, f"{held.name} is acquired by {held.effect.callee}"),
            Step(function.path, exit_.line, f"this path {way} and leaves it"),
            Step(function.path, released.line, f"the normal path gives it back by {released.callee or released.op}"),
        ),
        confidence="low" if function.name == "main" else "high",
        reason="the function itself gives it back on its normal path, and not on this one"
        + ("; at the end of main the process gives everything back" if function.name == "main" else ""),
        subject=f"{held.name}:{exit_.op}",
        fix=f"release {held.name} before leaving, or in a finally",
        data={
            "runtime": {
                "targets": [
                    {"qualname": function.facts.qualname, "role": "scope"},
                ]
            }
        },
    )
