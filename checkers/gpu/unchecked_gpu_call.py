"""LLM304: a call of the GPU's runtime whose error nobody hears of, or that is tolerated and left for the next who asks.

Two mechanisms: an allocation or a copy whose result is dropped, in a file that checks the others; an error that a
comparison lets pass while the runtime still holds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect, Region, Test
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.phrases import last_name

_FEWEST_CHECKED = 3
_DROPPED = ""
_ERROR = re.compile(r"(?:cuda|hip|musa)Error(?!.*(?:Unloading|Deinitialized))\w+")
"""An error that a program which goes on may meet."""


def check_program(program: Program) -> Iterator[Report]:
    calls = [
        call
        for name in program.call_names
        if program.vocabulary.names_gpu_call(name)
        for call in program.calls_named(name)
    ]
    by_file: dict[str, list[tuple[FunctionInfo, Effect]]] = {}
    for function, effect in calls:
        if function.language != "python":
            by_file.setdefault(function.path, []).append((function, effect))
    for path in sorted(by_file):
        yield from _dropped(program, by_file[path])
    for function in dict.fromkeys(function for found in by_file.values() for function, _ in found):
        yield from _left_pending(program, function)


def _dropped(program: Program, calls: list[tuple[FunctionInfo, Effect]]) -> Iterator[Report]:
    checked = [effect for _, effect in calls if effect.result != _DROPPED]
    dropped = [(f, e) for f, e in calls if e.result == _DROPPED and not last_name(e.callee).endswith("GetLastError")]
    if len(checked) < max(_FEWEST_CHECKED, 2 * len(dropped)):
        return
    for function, effect in dropped:
        if not program.vocabulary.gives_gpu_memory(last_name(effect.callee)):
            continue
        other = next((e for e in checked if e.callee == effect.callee), checked[0])
        yield Report(
            program.place(function, effect),
            symbol_of(function),
            f"what {last_name(effect.callee)} answers is dropped: a failure is heard of much later, in another call",
            (
                Step(function.path, effect.line, "nobody looks at the result"),
                Step(function.path, other.line, f"{last_name(other.callee)} is checked here"),
            ),
            confidence="low",
            reason=f"{len(checked)} calls in this file are checked, and the next of them may tell of it too",
            subject=last_name(effect.callee),
            fix="check it as the others are checked",
            mechanism="unchecked_gpu_call.dropped",
        )


def _left_pending(program: Program, function: FunctionInfo) -> Iterator[Report]:
    effects = function.effects
    if any("GetLastError" in effect.callee for effect in effects):
        return
    for region in function.regions:
        for status, error in _tolerated(region):
            call = next((e for e in reversed(effects) if e.line <= region.line and e.result == status), None)
            if call is not None and program.vocabulary.names_gpu_call(last_name(call.callee)):
                yield Report(
                    program.place(function, call),
                    symbol_of(function),
                    f"{error} is let pass, and the runtime still holds it for the next who asks for the last error",
                    (
                        Step(function.path, call.line, f"{last_name(call.callee)} may fail with {error}"),
                        Step(
                            function.path,
                            region.line,
                            "which is no failure here, and stays the last error",
                        ),
                    ),
                    confidence="medium",
                    reason="nothing in the function asks for the last error",
                    subject=error,
                    fix="call cudaGetLastError() where the error is let pass",
                    mechanism="unchecked_gpu_call.left_pending",
                )


def _tolerated(region: Region) -> Iterator[tuple[str, str]]:
    """The status and the error that a test names beside success."""
    waiting: list[Test] = [region.test] if region.test is not None and region.kind == "if" else []
    for test in waiting:
        waiting += test.args
        if test.op in ("==", "!=") and len(test.args) == 2:
            left, right = (arg.path.lstrip("~").removeprefix("self.") for arg in test.args)
            if _ERROR.fullmatch(right) and left.isidentifier():
                yield left, right
