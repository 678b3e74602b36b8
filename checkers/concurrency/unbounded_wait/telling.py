"""What is said of a wait that nothing ends, and which flags end one; the same for all forms."""

from __future__ import annotations

from collections.abc import Mapping

from llmlint.code.domain.course import is_client, runs_once
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

STOPS = frozenset(
    {"running", "stop", "stopping", "stopped", "terminate", "shutdown", "quit", "exit", "closed", "alive"}
)
"""Words of flags that end a thread."""

_TESTS = frozenset("test tests testing bench benchmark benchmarks eval".split())
_BY_HAND = frozenset("cli demo demos example examples export script scripts tools".split())


def report(
    program: Program,
    function: FunctionInfo,
    wait: Effect,
    message: str,
    evidence: list[Step],
    sure: tuple[str, str],
    fix: str,
    cause: str = "unbounded-wait",
    edit: Mapping[str, str | int] = {},
    shared: str = "",
) -> Report:
    """`shared` names what else is mended with it: of what is as sure, it is told once."""
    confidence, reason = _where(program, function, cause) or sure
    return Report(
        program.place(function, wait),
        function.facts.qualname,
        message,
        (*evidence, Step(function.path, wait.line, f"{wait.callee} waits here")),
        confidence=confidence,
        reason=reason,
        subject=wait.callee,
        origin=f"{shared}: {confidence}" if shared else "",
        cause=cause,
        fix=fix,
        data={**edit, "runtime": {"targets": [{"qualname": function.facts.qualname, "role": "wait"}]}},
    )


def _where(program: Program, function: FunctionInfo, cause: str) -> tuple[str, str] | None:
    """Where nobody is harmed. llama.cpp's server lives among its tools and examples."""
    if function.language != "python":
        return None
    place = set(words(function.path))
    if _TESTS & place:
        return "low", "a test or a benchmark is ended by who started it"
    is_by_hand = _BY_HAND & place or function.name == "main"
    if cause == "missing-timeout" and (is_client(function) or runs_once(program, function)):
        return "low", "a client waits for itself, and what runs once before serving is seen to hang"
    if cause == "missing-timeout" and (is_by_hand or (function.owner is None and _is_script(program, function.path))):
        return "low", "a program run by hand is ended by hand"
    return None


def _is_script(program: Program, path: str) -> bool:
    module = next((f for f in program.functions_in(path) if f.name == "<module>"), None)
    return module is not None and any("__main__" in region.text for region in module.regions)
