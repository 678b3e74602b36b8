"""A call over the network, or to a storage service, that is given no time limit although it takes one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from llmlint.checkers.concurrency.unbounded_wait.addresses import asks_no_server
from llmlint.checkers.concurrency.unbounded_wait.reached import why_hardly_reached
from llmlint.checkers.concurrency.unbounded_wait.sessions import limits_itself
from llmlint.checkers.concurrency.unbounded_wait.telling import report
from llmlint.code.domain.threads import nobody_waits_for
from llmlint.code.domain.waiting import blocking_at
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import Blocking

_SECONDS = 60
"""The limit that a fix proposes."""


def without_timeout(program: Program) -> Iterator[Report]:
    unlimited: dict[FunctionInfo, list[tuple[Effect, Blocking]]] = {}
    for call, row in _calls(program, program.asked.calls):
        has_limit = _has_limit(call.effect, row) or _is_limited_by_another(program, call, row)
        if not has_limit and not asks_no_server(*call) and not limits_itself(program, call, row.timeout):
            unlimited.setdefault(call.function, []).append((call.effect, row))
    everywhere = _calls(program, program.calls_named) if unlimited else ()
    limited = [call for call, row in everywhere if _has_limit(call.effect, row)]
    for function, found in unlimited.items():
        found.sort(key=lambda one: (one[0].line, one[0].column))
        yield _report(program, function, found, limited)


def _calls(program: Program, calls_named: Callable[[str], Iterable[Call]]) -> Iterator[tuple[Call, Blocking]]:
    for name in sorted(program.call_names):
        for call in calls_named(name) if program.vocabulary.may_block(name) else ():
            row = _network_row(program, call)
            if row is not None:
                yield call, row


def _network_row(program: Program, call: Call) -> Blocking | None:
    if call.function.language != "python":
        return None
    row = blocking_at(program, *call)
    return row if row is not None and row.kind == "network" and (row.timeout or row.limited_by) else None


def _has_limit(effect: Effect, row: Blocking) -> bool:
    if not row.timeout:
        return False
    positional = [a for a in effect.args if not a.keyword]
    named = any(a.keyword == row.timeout and a.literal != "None" for a in effect.args)
    unpacked = any(a.keyword in ("*", "**") for a in effect.args)
    return named or unpacked or 0 <= row.timeout_at < len(positional)


def _is_limited_by_another(program: Program, call: Call, row: Blocking) -> bool:
    """Does its file call `socket.setdefaulttimeout(60)`, which holds for the whole process from then on?"""
    if not row.limited_by:
        return False
    effects = ((f, e) for f in program.functions_in(call.function.path) for e in f.effects if e.op == "call")
    sets = (e for f, e in effects if program.resolve(f, e.callee) == row.limited_by)
    return any([argument.literal for argument in effect.args] != ["None"] for effect in sets)


def _report(
    program: Program, function: FunctionInfo, found: list[tuple[Effect, Blocking]], limited: list[Call]
) -> Report:
    (effect, row), *others = found
    said, limit = ("is given", row.timeout) if row.timeout else ("takes", "time limit")
    beside = [other for other in limited if row.timeout and other.function.path == function.path]
    evidence = [Step(o.function.path, o.effect.line, f"{o.function.name} passes {limit} here") for o in beside[:1]]
    evidence += [Step(function.path, other.line, f"{other.callee} is given none either") for other, _ in others[:3]]
    if _keeps_its_server(program, function):
        sure = (
            "low",
            "the object starts a process of its own, and whom it asks may be that: its end closes the connection",
        )
    elif why := why_hardly_reached(program, function):
        sure = ("low", why)
    elif all(nobody_waits_for(program, function, one) for one, _ in found):
        sure = ("low", "it is all that a thread does which is started and left to itself: nobody waits for it")
    elif beside:
        sure = ("high", "the same file passes a time limit elsewhere")
    else:
        sure = ("medium", f"without {limit}, the library waits for as long as the connection stays open")
    return report(
        program,
        function,
        effect,
        f"{effect.callee} {said} no {limit}: a server that accepts the request and never answers keeps "
        f"{function.name} waiting for ever",
        evidence,
        sure,
        f"pass {row.timeout}=… from the configuration"
        if row.timeout
        else f"set one by {row.limited_by}, or take a call with a timeout",
        cause="missing-timeout",
        edit={"argument": row.timeout, "seconds": _SECONDS} if _is_mended_alike(found) else {},
        shared=f"{limit} of {function.owner.name if function.owner is not None else 'the functions'}",
    )


def _keeps_its_server(program: Program, function: FunctionInfo) -> bool:
    methods = function.owner.functions if function.owner is not None else ()
    calls = ((method, effect.callee) for method in methods for effect in method.effects if effect.callee)
    return any(program.vocabulary.starts_child(program.resolve(method, callee)) for method, callee in calls)


def _is_mended_alike(found: list[tuple[Effect, Blocking]]) -> bool:
    """One edit mends all calls of one name; what comes from a `submit` takes a timedelta or what its library has."""
    (first, row), *_ = found
    return bool(row.timeout) and not row.made_by and all(effect.callee == first.callee for effect, _ in found)
