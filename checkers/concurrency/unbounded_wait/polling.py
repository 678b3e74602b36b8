"""A loop that does nothing but ask whether a peer is ready, and sleep: with no deadline, and not asking if it lives.

Only the plainest form counts. A loop that does work between two looks, that may raise or that looks at a clock, a stop
flag or a counter of tries has some other way to end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.concurrency.unbounded_wait.telling import report
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.with_helpers import is_helped, is_own_region, read_with_callers
from llmlint.code.link.exits import around, chain
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_ASKS = frozenset(
    "ready state status progress done finished exists connected initialized started available complete completed "
    "healthy check poll query".split()
)
_ENDS = frozenset(
    "time monotonic counter deadline timeout elapsed limit retries retry attempt attempts tries max alive stop stopped "
    "stopping shutdown exit running closed cancelled exitcode".split()
)
_NOISE = frozenset("all any len str info debug warning error print log".split())


def polled(program: Program) -> Iterator[Report]:
    for sleeper, sleep in program.calls_named("sleep"):
        if sleeper not in program.asked and sleeper.name not in program.asked.call_names:
            continue  # neither it nor a caller that it is read as a part of can be told of
        if sleeper.language == "python" and sleeper.name != "<module>":
            for function, effect in read_with_callers(program, sleeper, sleep):
                if function.name != "<module>":
                    yield from _judged(program, function, effect)


def _judged(program: Program, function: FunctionInfo, sleep: Effect) -> Iterator[Report]:
    loop = next((at for at in chain(function, sleep.region) if function.regions[at].kind == "loop"), 0)
    if not loop or not is_own_region(function, loop) or not function.regions[loop].text.startswith("while"):
        return
    inside = [effect for effect in function.effects if loop in chain(function, effect.region)]
    asks = [e for e in inside if e.callee and not _is_noise(e) and not is_helped(function, e)]
    if len(asks) != 1 or not _ASKS & set(words(asks[0].callee.rpartition(".")[2])):
        return
    if (
        _has_another_end(function, loop, inside)
        or not _decides(function, loop, asks[0])
        or _is_bounded(program, function)
    ):
        return
    yield report(
        program,
        function,
        sleep,
        f"{function.name} asks {asks[0].callee} again and again, and has no deadline: when who is asked about is gone, "
        "it never ends",
        [Step(function.path, asks[0].line, f"{asks[0].callee} is all that the loop asks")],
        ("medium", "the loop looks at no clock, counts no tries, and does not ask whether anybody is alive"),
        "give the loop a deadline, and let it look whether the peer is alive",
    )


def _is_noise(effect: Effect) -> bool:
    return effect.callee.rpartition(".")[2] in _NOISE or effect.callee.rpartition(".")[2] == "sleep"


def _has_another_end(function: FunctionInfo, loop: int, inside: list[Effect]) -> bool:
    """Raises, handlers, or anything that speaks of time or of stopping; logging may speak of what it likes."""
    regions = [region for at, region in enumerate(function.regions) if loop in chain(function, at)]
    if any(effect.op in ("raise", "await", "yield") for effect in inside):
        return True
    if any(region.kind in ("try", "except") for region in regions):
        return True
    texts = [region.text for region in regions] + [effect.callee for effect in inside if not _is_noise(effect)]
    return any(_ENDS & set(words(name)) for text in texts for name in re.findall(r"\w+", text))


def _decides(function: FunctionInfo, loop: int, ask: Effect) -> bool:
    """Is the answer what ends the loop: its test, or the test around its only exit?"""
    if function.regions[loop].text.startswith("while not "):
        return ask.line == function.regions[loop].line
    exits = [
        effect
        for effect in function.effects
        if effect.op in ("break", "return") and loop in chain(function, effect.region)
    ]
    name = ask.callee.rpartition(".")[2]
    return bool(exits) and all(any(f"{name}(" in region.text for region in around(function, e)) for e in exits)


def _is_bounded(program: Program, function: FunctionInfo) -> bool:
    """Is the wait a coroutine of a function that gives it a time limit?"""
    outer = function.facts.qualname.rpartition(".")[0]
    around_it = (f for f in program.functions_in(function.path) if f.facts.qualname == outer)
    return any(effect.callee.endswith(("wait_for", "timeout")) for f in around_it for effect in f.effects)
