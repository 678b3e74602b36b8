"""LLM975: what one message or request holds raises out of the loop that serves all of them."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterator
from typing import NamedTuple

from llmlint.code.domain.parsing import forms_read, is_asked, reads_a_number
from llmlint.code.domain.serving_loops import Taken, dispatched, ended_by, is_held, taken_in
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.bodies.scope import is_within
from llmlint.code.facts.facts import Effect, Test
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.exits import around
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.code.link.raising import refuses
from llmlint.findings import Report

_LEVELS = 4


class _Failure(NamedTuple):
    """From what takes it down to what raises, that last."""

    way: tuple[Call, ...]
    raised: str
    of: str


def check_program(program: Program) -> Iterator[Report]:
    for function in program.asked.functions:
        if function.language == "python" and function.facts.gist.calls:
            first = (next(_of_taken(program, function, taken), None) for taken in taken_in(program, function))
            yield from {report.at: report for report in first if report is not None}.values()
        if function in (table := dispatched(program)):
            yield from _of_handler(program, function, table[function])


def _of_handler(program: Program, function: FunctionInfo, call: Call) -> Iterator[Report]:
    """One report for a method that a table calls for each message of a class."""
    for failure in _failures(program, function, {param.name for param in function.params[:1]}, _LEVELS):
        if not reads_a_number(failure.way[-1].effect) and not is_held(function, failure.way[0].effect, failure.raised):
            up = ended_by(program, call.function, call.effect, failure.raised)
            if up:
                taken = Taken(call.effect, frozenset(), False)
                yield _report(program, function, taken, failure, up)
                return


def _of_taken(program: Program, function: FunctionInfo, taken: Taken) -> Iterator[Report]:
    for failure in _fails(program, function, taken):
        is_open = taken.is_message or not reads_a_number(failure.way[-1].effect)
        up = ended_by(program, function, failure.way[0].effect, failure.raised) if is_open else ()
        if up:
            yield _report(program, function, taken, failure, up)


def _fails(program: Program, function: FunctionInfo, taken: Taken) -> Iterator[_Failure]:
    for parse in program.vocabulary.python_flows.parses.find(taken.call.callee):
        if parse.argument < 0:
            yield from (_Failure((Call(function, taken.call),), raised, "the message") for raised in parse.raises)
    if taken.is_message and _takes_apart(taken.call.result):
        yield _Failure((Call(function, taken.call),), "ValueError", "the number of parts")
    yield from _failures(program, function, set(taken.paths), _LEVELS)


def _takes_apart(result: str) -> bool:
    """`identity, payload = socket.recv_multipart()`; behind a star there is no name."""
    names = result.split(", ")
    return len(names) > 1 and all(names)


def _failures(program: Program, function: FunctionInfo, given: set[str], levels: int) -> Iterator[_Failure]:
    """What raises for what stands at the given paths; names for it and for its parts are followed."""
    for effect in function.effects:
        if effect.op == "bind" and _hands_on(program, effect, given):
            given.add(effect.path)
        elif effect.op == "raise":
            yield from _refused(function, effect, given)
        elif effect.callee:
            yield from _parsed(program, function, effect, given)
            if levels > 1:
                yield from _below(program, function, effect, given, levels)


def _hands_on(program: Program, effect: Effect, given: Collection[str]) -> bool:
    if _is_given(effect.source, given) or any(_is_given(option, given) for option in effect.options):
        return True
    parses = program.vocabulary.python_flows.parses.find(effect.source) if effect.value == "new" else ()
    return bool(parses) and any(_is_given(read, given) for read in effect.reads)


def _is_given(path: str, given: Collection[str]) -> bool:
    return bool(path) and any(is_within(path, one) for one in given)


def _refused(function: FunctionInfo, effect: Effect, given: set[str]) -> Iterator[_Failure]:
    """`if request.n > limit: raise ValueError`"""
    asking = next((r for r in around(function, effect) if r.kind in ("if", "else", "case")), None)
    if not refuses(function, effect) or asking is None or asking.kind != "if" or _is_agreed(asking.test):
        return
    raised = effect.path.rpartition(".")[2]
    of = next((read for read in asking.reads if _is_given(read, given)), "")
    if of and _is_about_a_value(raised):
        yield _Failure((Call(function, effect),), raised, of)


def _is_agreed(test: Test | None) -> bool:
    """Does it hold for one value, which whoever sends it means to have this effect, or ask what class a thing has?"""
    match test:
        case Test(op="and", args=parts):
            return any(map(_is_agreed, parts))
        case Test(op="or", args=parts):
            return all(map(_is_agreed, parts))
        case Test(op="not", args=(inner,)):
            return inner.path == "isinstance"
    return test is not None and (test.op == "==" or test.path == "isinstance")


def _is_about_a_value(raised: str) -> bool:
    """Other errors of Python say that the program is in a wrong state, or a peer away."""
    known = getattr(builtins, raised, None)
    return not isinstance(known, type) or issubclass(known, ValueError | LookupError)


def _parsed(program: Program, function: FunctionInfo, effect: Effect, given: set[str]) -> Iterator[_Failure]:
    for path, raises in forms_read(program, function, effect):
        if _is_given(path, given):
            yield from (_Failure((Call(function, effect),), raised, path) for raised in raises)


def _below(
    program: Program, function: FunctionInfo, effect: Effect, given: set[str], levels: int
) -> Iterator[_Failure]:
    for callee in program.callees(function, effect):
        if callee is function or (callee.facts.is_async and effect.via != "await") or callee.facts.is_generator:
            continue
        taken = _parameters(function, callee, effect, given)
        for failure in _failures(program, callee, taken, levels - 1) if taken else ():
            if not is_held(callee, failure.way[0].effect, failure.raised):
                yield failure._replace(way=(Call(function, effect), *failure.way))


def _parameters(function: FunctionInfo, callee: FunctionInfo, effect: Effect, given: Collection[str]) -> set[str]:
    """Those that get it; `handle(*message)` gives each a part."""
    if any(a.keyword == "*" and _is_given(a.path, given) for a in effect.args):
        return {param.name for param in callee.params}
    handed = arguments_by_parameter(callee, effect).items()
    return {name for name, a in handed if _is_given(a.path, given) and not is_asked(function, effect, a)}


def _report(program: Program, function: FunctionInfo, taken: Taken, failure: _Failure, up: tuple[Call, ...]) -> Report:
    what = "message" if taken.is_message else "item"
    (_, first), (last, raising) = failure.way[0], failure.way[-1]
    loop = up[-1].function
    return Report(
        program.place(function, first),
        symbol_of(function),
        f"{failure.raised} about one {what} ends the loop of {loop.name}: nobody is served from then on",
        (
            program.step(function, taken.call, f"one {what} after the other comes in"),
            *(program.step(f, e, f"{f.name} hands it to {e.callee}") for f, e in failure.way[:-1]),
            program.step(last, raising, f"raises {failure.raised} for some values of {failure.of}"),
            *(program.step(f, e, f"{f.name} calls {e.callee}, and takes no such error") for f, e in up[1:]),
        ),
        confidence="medium",
        reason="no handler between this and the loop's head takes the error",
        subject=f"{failure.raised}:{failure.of}",
        fix=f"take the error inside of the loop, refuse the one {what}, and go on with the next",
        origin=f"{loop.path}:{loop.facts.qualname}",
        mechanism=f"failure_ends_loop.{_how(taken, raising)}",
    )


def _how(taken: Taken, raising: Effect) -> str:
    if raising is taken.call and _takes_apart(taken.call.result):
        return "taken_apart"
    return "refused" if raising.op == "raise" else "parsed"
