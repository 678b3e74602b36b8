"""A call over the network, or to a storage service, that is given no time limit although it takes one."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unbounded_wait.telling import report
from llmlint.code.facts import Effect
from llmlint.code.program import Call, FunctionInfo, Program
from llmlint.code.waiting import blocking_at
from llmlint.findings import Report, Step
from llmlint.vocabulary import Blocking


def without_timeout(program: Program) -> Iterator[Report]:
    calls = [(call, row) for call in _calls(program) if (row := _network_row(program, call)) is not None]
    limited = [call for call, row in calls if _has_limit(call.effect, row)]
    told: set[tuple[FunctionInfo, str]] = set()
    for call, row in calls:
        if not _has_limit(call.effect, row) and (call.function, call.effect.callee) not in told:
            told.add((call.function, call.effect.callee))
            yield _report(program, call, row, limited)


def _calls(program: Program) -> Iterator[Call]:
    for name in sorted(program.call_names):
        if program.vocabulary.may_block(name):
            yield from program.calls_named(name)


def _network_row(program: Program, call: Call) -> Blocking | None:
    if call.function.language != "python":
        return None
    row = blocking_at(program, *call)
    return row if row is not None and row.kind == "network" and row.timeout else None


def _has_limit(effect: Effect, row: Blocking) -> bool:
    positional = [a for a in effect.args if not a.keyword]
    named = any(a.keyword == row.timeout and a.literal != "None" for a in effect.args)
    unpacked = any(a.keyword in ("*", "**") for a in effect.args)
    return named or unpacked or 0 <= row.timeout_at < len(positional)


def _report(program: Program, call: Call, row: Blocking, limited: list[Call]) -> Report:
    function, effect = call
    beside = [other for other in limited if other.function.path == function.path]
    evidence = [
        Step(o.function.path, o.effect.line, f"{o.function.name} passes {row.timeout} here") for o in beside[:1]
    ]
    sure = (
        ("high", "the same file passes a time limit elsewhere")
        if beside
        else ("medium", f"without {row.timeout}, the library waits for as long as the connection stays open")
    )
    return report(
        program,
        function,
        effect,
        f"{effect.callee} is given no {row.timeout}: a server that accepts the request and never answers keeps "
        f"{function.name} waiting for ever",
        evidence,
        sure,
        f"pass {row.timeout}=… from the configuration",
        cause="missing-timeout",
    )
