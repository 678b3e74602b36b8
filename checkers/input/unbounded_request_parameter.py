"""LLM972: a number that a client sends says how often something is done or how much is made, and nothing bounds it.

The number is a field of what a route takes, declared without an upper bound; it reaches a call that makes or does so
many; and nobody in the program compares a value of that name with a limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from llmlint.code.domain.client_models import ClientField, client_field, client_models
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect, Test
from llmlint.code.flow.counted_out import CountedOut, counted_out
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.findings import Report, Step

_COUNTS = re.compile(r"\bint\b")
_BOUNDED = re.compile(r"\b(?:le|lt|multiple_of)\s*=|\bLiteral\b|\bEnum\b|\bconint\b")
_ORDERS = frozenset({"<", "<=", ">", ">="})
_NO_LIMIT = frozenset({"0", "1", "-1", "None"})
_ASSERTED = re.compile(r"(\w+) (?:<|<=|>|>=) (\S+)")


def check_program(program: Program) -> Iterator[Report]:
    """One finding for each field, at the first call that takes it."""
    if not client_models(program) or next(_counts(program, program.asked.calls), None) is None:
        return
    uses: dict[tuple[str, str, str], list[tuple[ClientField, Call]]] = {}
    for field, call in _counts(program, program.calls_named):
        uses.setdefault((field.owner.path, field.owner.name, field.field.name), []).append((field, call))
    limited = frozenset(_limited(program)) if uses else frozenset()
    for (_, _, name), found in sorted(uses.items()):
        if name not in limited:
            ends = [_end(program, field, call) for field, call in found]
            free = [use for use, end in zip(found, ends, strict=True) if end is None]
            partly = [use for use, end in zip(found, ends, strict=True) if end is not None and not end.always]
            if free or partly:
                lines = [end.line for end in ends if end is not None and not end.always]
                yield _report(program, free or partly, 0 if free else lines[0])


def _end(program: Program, field: ClientField, call: Call) -> CountedOut | None:
    """How a counter ends the loop over the call, by a limit that the client does not say himself."""

    def is_limit(path: str) -> bool:
        return path.rpartition(".")[2] != field.field.name and client_field(program, call.function, path) is None

    return counted_out(call.function, call.effect, is_limit)


def _counts(program: Program, calls_named: Callable[[str], Sequence[Call]]) -> Iterator[tuple[ClientField, Call]]:
    takes = program.vocabulary.python_flows.takes
    for name in sorted(name for name in program.call_names if takes.may_find(name)):
        for function, call in calls_named(name):
            for at in takes.find(call.callee) if function.language == "python" else ():
                field = _count(program, function, call, at)
                if field is not None:
                    yield field, Call(function, call)


def _count(program: Program, function: FunctionInfo, call: Effect, at: int) -> ClientField | None:
    """The client's field that is the argument, where its declaration bounds it from below at most."""
    if at >= len(call.args) or call.args[at].keyword:
        return None
    field = client_field(program, function, call.args[at].path)
    if field is None or not _COUNTS.search(field.field.annotation):
        return None
    said = " ".join((field.field.annotation, field.field.source, *field.field.specifiers))
    return None if _BOUNDED.search(said) else field


def _limited(program: Program) -> Iterator[str]:
    """The last names of what somebody compares with a limit."""
    for function in program.functions:
        if function.language == "python":
            for region in function.regions:
                if region.test is not None:
                    yield from _compared(region.test)
            for effect in function.effects:
                if effect.op == "assert":
                    yield from (name for name, other in _ASSERTED.findall(effect.source) if other not in _NO_LIMIT)
                elif effect.callee == "min":
                    yield from (arg.path.rpartition(".")[2] for arg in effect.args if arg.path)


def _compared(test: Test) -> Iterator[str]:
    if test.op in _ORDERS:
        for one, other in (test.args, test.args[::-1]):
            if one.op == "path" and other.path not in _NO_LIMIT:
                yield one.path.rpartition(".")[2]
    for part in test.args:
        yield from _compared(part)


def _report(program: Program, found: list[tuple[ClientField, Call]], ended: int) -> Report:
    """`ended` is the line at which a counter ends the loop, 0 for none."""
    field, (function, call) = found[0]
    name = field.field.name
    also = " (and None, which the type allows, is no number)" if _may_be_none(field) else ""
    return Report(
        program.place(function, call),
        symbol_of(function),
        f"{name} of a request goes to {call.callee}() as it is: one request may ask for any number{also}",
        (
            *field.steps,
            *(
                Step(f.path, e.line, f"{e.callee}() takes it, and nothing compares it with a limit")
                for _, (f, e) in found
            ),
        ),
        confidence="low" if ended else "medium",
        reason="neither its declaration nor a comparison in the program bounds it"
        + (f"; but a counter ends the loop at line {ended}, in rounds that come to it" if ended else ""),
        subject=f"{field.model.name}.{name}",
        fix=f"declare an upper bound (`Field(le=…)`), or refuse a larger {name}",
        mechanism="unbounded_request_parameter.count",
    )


def _may_be_none(field: ClientField) -> bool:
    return "None" in field.field.annotation or "Optional" in field.field.annotation
