"""Whether code runs in a service's steps, or only while it is set up: where waiting for the device costs nothing."""

from __future__ import annotations

from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.phrases import contains
from llmlint.vocabulary import words

_DEEPEST = 5
ALLOWED = "gpu_sync_allowed"
"""What vLLM's own check of waits calls the `with` in which they are meant."""


def is_in_a_step(program: Program, function: FunctionInfo, wait: Effect) -> bool:
    """May a wait for the device hold up a step, and is none that is meant, in `with gpu_sync_allowed():`?"""
    is_meant = any(region.kind == "with" and f"{ALLOWED}(" in region.text for region in around(function, wait))
    return not is_meant and not only_sets_up(program, function)


def only_sets_up(program: Program, function: FunctionInfo) -> bool:
    """Is it named so, or called by nothing else? What nobody is seen to call may run in any step."""
    return _only_sets_up(program, function, frozenset())


def _only_sets_up(program: Program, function: FunctionInfo, above: frozenset[FunctionInfo]) -> bool:
    if function.name in ("<module>", "__init__") or contains(words(function.name), program.vocabulary.sets_up):
        return True
    if function in above or len(above) >= _DEEPEST:
        return False
    calls = program.callers(function)
    return bool(calls) and all(_only_sets_up(program, call.function, above | {function}) for call in calls)
