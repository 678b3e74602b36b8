"""Whether a function says by its result that its work was done, and whether that can be anything but yes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.flow.conditions import implied
from llmlint.code.link.exits import around
from llmlint.code.link.program import FunctionInfo, Program

_STATUS = re.compile(
    r"(static |inline |virtual |constexpr )*(bool|int|int32_t|\w*(status|error|err|result)\w*)(_t)?", re.I
)
_DONE = re.compile(r"(\w*_)?(ok|success)|true|0", re.I)
_NO = frozenset({"false", "False"})
_LEAVES = re.compile(r"[A-Z_]*(CHECK|RETURN|TRY|ASSERT|ENSURE|EXPECT|THROW|FAIL)[A-Z_]*")
"""Macros that leave the function where something failed."""
_LEADS_ON = frozenset({"return", "bind", "goto", "label", "break", "continue"})
_DEPTH = 3


def tells_outcome(function: FunctionInfo) -> bool:
    """Does it say whether it could do its work, and not by raising?"""
    returns = function.facts.returns
    if function.language != "python":
        return bool(_STATUS.fullmatch(returns)) and not _is_question(function)
    if any(effect.op == "raise" for effect in function.facts.effects):
        return False
    return returns == "bool" or (not returns and _gives_truths(function))


def _is_question(function: FunctionInfo) -> bool:
    """A const method of C++ that reads, asks others without handing them anything, and says yes or no: `is_ready()`."""
    facts = function.facts
    if facts.returns.split()[-1:] != ["bool"] or "const" not in facts.specifiers or not facts.has_body:
        return False
    if any("*" in p.annotation or p.annotation.rstrip().endswith("&") for p in facts.params):
        return False
    return all(e.op in _LEADS_ON or (e.op == "call" and not e.args) for e in facts.effects)


def _gives_truths(function: FunctionInfo) -> bool:
    """Every way out gives True or False, and there are both."""
    given = [e.source if e.value == "constant" else "" for e in function.facts.effects if e.op == "return"]
    return set(given) == {"True", "False"}


def may_fail(program: Program, function: FunctionInfo, depth: int = _DEPTH) -> bool:
    """Can it say anything but that its work was done, and anything but one thing? Of a function without a body
    everything is possible."""
    effects = function.facts.effects
    if not depth or not function.facts.has_body or any(_LEAVES.fullmatch(last_of(e.callee)) for e in effects):
        return True
    returned = [effect for effect in effects if effect.op == "return"]
    if returned and all(effect.value == "empty" or effect.source in _NO for effect in returned):
        return False
    return not returned or any(_may_be_failure(program, function, effect, depth) for effect in returned)


def _may_be_failure(program: Program, function: FunctionInfo, returned: Effect, depth: int) -> bool:
    if returned.value == "new":
        callees = [callee for call in _returning(function, returned) for callee in program.callees(function, call)]
        if any(callee.facts.has_body for callee in callees):
            return any(may_fail(program, callee, depth - 1) for callee in callees)
    elif returned.value == "path" and _was_asked(program, function, returned):
        return False
    return returned.value == "other" or not _DONE.fullmatch(last_of(returned.source))


def _returning(function: FunctionInfo, returned: Effect) -> Iterator[Effect]:
    for effect in function.effects:
        if effect.op == "call" and effect.result == "<return>" and effect.line == returned.line:
            yield effect


def _was_asked(program: Program, function: FunctionInfo, returned: Effect) -> bool:
    """`if (status.ok()) return status;`"""
    tests = [region.test for region in around(function, returned) if region.kind == "if"]
    return any(
        test is not None
        and test.op == "call"
        and test.path.startswith(f"{returned.source}.")
        and _DONE.fullmatch(last_of(test.path))
        for test in tests
    )


# ---------------------------------------------------------------- what is no outcome


def gives_a_value(function: FunctionInfo) -> bool:
    """C++: a number that the function found or counted, and on no way a constant that says how it went."""
    returned = [effect for effect in function.effects if effect.op == "return"]
    if not returned or not _NUMBER.fullmatch(function.facts.returns):
        return False
    results = {effect.source for effect in returned}
    fixed = {e.path for e in function.effects if e.op in ("bind", "assign") and e.value in ("constant", "new")}
    return all(effect.value == "path" for effect in returned) and fixed.isdisjoint(results)


def only_looks(program: Program, function: FunctionInfo) -> bool:
    """C++: yes or no about what is there, by itself and by functions that only look too: nothing is left undone."""
    is_question = function.facts.returns.split()[-1:] == ["bool"] and not _JUDGES.search(function.name)
    return is_question and _has_no_effect(program, function, _DEPTH)


def _has_no_effect(program: Program, function: FunctionInfo, depth: int) -> bool:
    if not function.facts.has_body:
        return False
    for effect in function.effects:
        if effect.op == "call" and not _ASSERTS.search(last_of(effect.callee)):
            callees = program.callees(function, effect) if depth else ()
            if not callees or not all(_has_no_effect(program, callee, depth - 1) for callee in callees):
                return False
        elif effect.op not in (*_LEADS_ON, "call"):
            return False
    return True


_ASSERTS = re.compile(r"(?:^|_)(?:assert|ASSERT)$")
_NUMBER = re.compile(r"(static |inline |virtual |constexpr )*(int|int32_t)")
_JUDGES = re.compile(r"valid|check|verify|ensure", re.IGNORECASE)
"""Whose answer is all their work."""


def is_sure_to_succeed(function: FunctionInfo, given: Mapping[str, Argument]) -> bool:
    """Does a call hand over literals for all that the function asks before it says no?"""
    failing = [
        e for e in function.effects if e.op == "return" and not (e.value == "constant" and _DONE.fullmatch(e.source))
    ]
    return bool(failing) and all(_is_ruled_out(function, effect, given) for effect in failing)


def _is_ruled_out(function: FunctionInfo, returned: Effect, given: Mapping[str, Argument]) -> bool:
    for region in around(function, returned):
        test = function.settled_test(region.test) if region.kind == "if" else None
        for (kind, *texts), holds in implied(test, True) if test is not None else ():
            for name, argument in given.items():
                is_text = bool(argument.literal.strip("\"'"))
                if is_text and (kind, texts, holds) in (("true", [f"{name}.empty()"], True), ("none", [name], True)):
                    return True
    return False


def last_of(path: str) -> str:
    """The name of what is called, a destructor's without its mark."""
    return path.rpartition(".")[2].lstrip("~")
