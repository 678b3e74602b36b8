"""LLM911: a call that drops what nearly every other caller looks at: whether the work was done."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.state import symbol_of
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.findings import Report
from llmlint.vocabulary import words

_FEWEST = 5
_SHARE = 0.8
_STATUS = re.compile(
    r"(static |inline |virtual |constexpr )*(bool|int|int32_t|\w*(status|error|err|result)\w*)(_t)?", re.I
)
_AFTERWARDS = ("except", "finally", "lambda")
_FAILED = re.compile(r"!\s*\w*(ok|status|success|ret|rc)\b|\bnot ok\b|!= (0|\w*(OK|Success))|error|fail|warm_?up", re.I)
_ASKS = frozenset({"get", "query", "find", "try", "read", "next", "scan", "skip"})
"""Who asks for something through an argument may know that it is there."""


def check_program(program: Program) -> Iterator[Report]:
    telling = {f.name for f in program.functions if _tells(f)}
    for name in sorted(telling.intersection(program.call_names)):
        calls = [call for call in program.calls_named(name) if call.effect.op == "call"]
        dropped = [call for call in calls if not call.effect.result and not _is_clean_up(program, call)]
        if dropped and len(calls) >= _FEWEST and not _of_no_matter(program, name):
            for call in {(c.function, c.effect.callee): c for c in reversed(dropped)}.values():
                yield from _check(program, calls, call)


def _tells(function: FunctionInfo) -> bool:
    """Does it say whether it could do its work, and in no other way?"""
    returns = function.facts.returns
    if function.language != "python":
        return bool(_STATUS.fullmatch(returns))
    if any(effect.op == "raise" for effect in function.facts.effects):
        return False
    return returns == "bool" or (not returns and _gives_truths(function))


def _gives_truths(function: FunctionInfo) -> bool:
    """Every way out gives True or False, and there are both."""
    given = [e.source if e.value == "constant" else "" for e in function.facts.effects if e.op == "return"]
    return set(given) == {"True", "False"}


def _of_no_matter(program: Program, name: str) -> bool:
    """What ends or frees something may fail where nobody can do anything about it."""
    return not _ASKS.isdisjoint(words(name)[:1]) or program.vocabulary.is_terminal(name)


def _is_clean_up(program: Program, call: Call) -> bool:
    """Is something given up here, or tried out before it is needed?"""
    function = call.function
    if function.name == "__del__" or program.vocabulary.is_terminal(function.name):
        return True
    regions = program.regions_of(*call)
    return any(r.kind in _AFTERWARDS or (r.kind == "if" and _FAILED.search(r.text)) for r in regions)


def _check(program: Program, calls: list[Call], call: Call) -> Iterator[Report]:
    callees = set(program.callees(*call))
    if callees and all(map(_tells, callees)):
        same = [other for other in calls if callees & set(program.callees(*other))]
        using = [other for other in same if other.effect.result]
        if len(same) >= _FEWEST and len(using) >= _SHARE * len(same):
            yield _report(program, call, min(callees, key=lambda f: f.order), using, len(same))


def _report(program: Program, call: Call, callee: FunctionInfo, using: list[Call], total: int) -> Report:
    function, effect = call
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"what {effect.callee}() says of its work is dropped",
        (
            program.step(callee, callee.facts.line, f"gives {callee.facts.returns or 'True or False'}"),
            *(program.step(other.function, other.effect, "looks at it") for other in using[:3]),
        ),
        confidence="medium",
        reason=f"{len(using)} of {total} callers look at the result",
        subject=effect.callee,
        fix="look at the result, and stop or say so where the work was not done",
    )
