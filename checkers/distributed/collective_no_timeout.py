"""LLM701: a process group, a store or a socket that waits with nobody's patience set.

A group made without `timeout` falls back to the back end's default, and every collective on it waits that long for a
rank that has died. Collectives on a group are covered by the group, so it is where groups are made that is judged. In C
and C++: sockets that are read although nothing in the file bounds the wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from llmlint.code.domain.collectives import collective_at
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import Collective, words

_BOUNDS = ("SO_RCVTIMEO", "TCP_USER_TIMEOUT", "NONBLOCK")
_POLLS = frozenset({"poll", "select", "epoll_wait", "ppoll", "pselect"})


def check_program(program: Program) -> Iterator[Report]:
    made = list(_made(program, program.asked.calls))
    told: dict[tuple[int, str], list[Effect]] = {}
    for function, effect, row in made:
        # A wrapper of the program's own is judged where it makes the group.
        is_bare = not _has_timeout(effect, row) and not program.callees(function, effect)
        if is_bare and not _are_bounded(program, _collectives_on(program, function, effect)):
            told.setdefault((id(function), row.name), []).append(effect)
    configured = [(f, e) for f, e, row in _made(program, program.calls_named) if _has_timeout(e, row)] if told else []
    for function, _, row in made:
        calls = told.pop((id(function), row.name), None)
        if calls is not None:
            yield _report(program, function, calls, row, configured)
    yield from _sockets(program)


def _made(
    program: Program, calls: Callable[[str], Sequence[Call]]
) -> Iterator[tuple[FunctionInfo, Effect, Collective]]:
    """The calls that make a group or a store and take a timeout, with their rows."""
    rows = program.vocabulary.collectives
    for name in sorted({row.name for row in rows if _takes_timeout(row)}):
        for function, effect in calls(name):
            row = collective_at(program, function, effect) if function.language == "python" else None
            if row is not None and _takes_timeout(row):
                yield function, effect, row


def _takes_timeout(row: Collective) -> bool:
    return row.kind in ("create", "store") and bool(row.timeout)


def _has_timeout(effect: Effect, row: Collective) -> bool:
    positional = [a for a in effect.args if a.keyword == ""]
    unpacked = any(a.keyword in ("*", "**") for a in effect.args)
    named = any(a.keyword == row.timeout and a.literal != "None" for a in effect.args)
    return named or unpacked or 0 <= row.timeout_at < len(positional)


def _report(
    program: Program,
    function: FunctionInfo,
    calls: list[Effect],
    row: Collective,
    configured: list[tuple[FunctionInfo, Effect]],
) -> Report:
    effect = calls[0]
    evidence = [Step(function.path, e.line, f"{row.name} is called without {row.timeout}") for e in calls[:4]]
    for other, its in configured[:2]:
        evidence.append(Step(other.path, its.line, f"{other.facts.qualname} passes a timeout here"))
    offers = [p.name for p in function.facts.params if "timeout" in p.name]
    uses = _collectives_on(program, function, effect)
    evidence += [Step(f.path, e.line, f"{e.callee} waits on what is made here") for f, e in uses[:1]]
    sure, why = _how_sure(function, row, bool(configured), bool(offers))
    if offers:
        why += f"; {function.name} takes {offers[0]} and does not hand it on"
    return Report(
        program.place(function, effect),
        function.facts.qualname,
        f"{row.name} has no {row.timeout}: when one rank dies, the others wait for it until the back end gives up",
        tuple(evidence),
        confidence=sure,
        reason=why,
        subject=",".join((row.name, *sorted(e.result for e in calls))),
        fix=f"pass {row.timeout}=timedelta(...) from the configuration",
        data={
            "argument": row.timeout,
            "call": row.name,
            "runtime": {"targets": [{"qualname": function.facts.qualname, "role": "group"}]},
        },
    )


def _how_sure(function: FunctionInfo, row: Collective, is_configured: bool, is_offered: bool) -> tuple[str, str]:
    if "test" in words(function.path):
        return "low", "a test that hangs is ended by its runner"
    if row.kind == "store" and not is_offered:
        return "low", "a store gives up after five minutes by itself"
    if is_configured:
        return "high", "elsewhere in the program a timeout is passed, so one is wanted"
    if row.name == "init_process_group":
        return "high", "every group that names no timeout of its own inherits this one's"
    return "medium", "the group falls back to the back end's default of ten minutes or more"


def _collectives_on(program: Program, function: FunctionInfo, made: Effect) -> list[tuple[FunctionInfo, Effect]]:
    """Collectives of the same class or function that are given the group made here."""
    group = made.result
    if not group or group.startswith("<"):
        return []
    among = function.owner.functions if function.owner is not None and group.startswith("self.") else [function]
    return [(f, e) for f in among for e in f.effects if e is not made and any(a.path == group for a in e.args)]


def _are_bounded(program: Program, uses: list[tuple[FunctionInfo, Effect]]) -> bool:
    """Is each of them only begun (`async_op=True`), and then waited for with a limit?"""
    return bool(uses) and all(_is_bounded(whole(program, function), effect) for function, effect in uses)


def _is_bounded(function: FunctionInfo, begun: Effect) -> bool:
    if not any(a.keyword == "async_op" and a.literal == "True" for a in begun.args):
        return False
    waits = [e for e in function.effects if e.callee in (f"{begun.result}.wait", f"{begun.callee}().wait")]
    return bool(waits) and all(wait.args for wait in waits)


def _sockets(program: Program) -> Iterator[Report]:
    for path, facts in program.asked.files.items():
        if facts.language == "python":
            continue
        calls = [(f, e) for f in program.functions_in(path) for e in f.effects if e.op == "call"]
        names = {e.path.rsplit(".", 1)[-1].lstrip("~") for _, e in calls}
        bounded = names & _POLLS or any(
            bound in told
            for _, e in calls
            for a in e.args
            for told in (a.path, a.literal, *a.reads)
            for bound in _BOUNDS
        )
        waits = [(f, e) for f, e in calls if e.path.lstrip("~") == "recv" and len(e.args) >= 3]
        if not waits or bounded:
            continue
        function, effect = waits[0]
        evidence = tuple(Step(f.path, e.line, f"{f.name} waits in recv") for f, e in waits[:4])
        yield Report(
            program.place(function, effect),
            function.facts.qualname,
            f"{effect.path} waits for its peer without a limit: nothing in this file sets SO_RCVTIMEO or polls",
            evidence,
            confidence="medium",
            reason="a peer that dies without closing the connection leaves this thread waiting for ever",
            subject="socket",
            fix="set SO_RCVTIMEO and SO_SNDTIMEO on the socket, or poll before reading",
        )
