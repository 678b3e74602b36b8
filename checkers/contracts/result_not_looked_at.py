"""LLM911: a call that drops what nearly every other caller looks at: whether the work was done."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llmlint.code.domain.outcomes import gives_a_value, is_sure_to_succeed, last_of, may_fail, only_looks, tells_outcome
from llmlint.code.domain.roots import roots_of
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect, Test
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.exits import around
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.findings import Report
from llmlint.vocabulary import words

_FEWEST = 5
_SHARE = 0.8
_FEWEST_IN_USE = 3
"""So many look outside of tests: that a test looks is its work, and no habit of the program."""
_DROPPED = ("", "_", "<void>")
_AFTERWARDS = ("except", "finally", "lambda")
_FAILED = re.compile(r"!\s*\w*(ok|status|success|ret|rc)\b|\bnot ok\b|!= (0|\w*(OK|Success))|error|fail|warm_?up", re.I)
_ASKS = frozenset({"get", "query", "find", "try", "read", "next", "scan", "skip"})
"""Who asks for something through an argument may know that it is there."""
_GIVES_UP = frozenset(
    "release free unmap unpin unmount unregister deregister close destroy teardown shutdown cleanup cleanups clean "
    "reset detach disconnect".split()
)
"""What undoes something: where that fails nobody can do anything about it."""
_FILLED = re.compile(r"(?!const\b)[^*&]*[*&]")
"""The type of a parameter through which the caller's object is written to."""
_SHOWN = frozenset({"example", "examples", "demo", "demos"})


def check_program(program: Program) -> Iterator[Report]:
    called = {name.lstrip("~") for name in program.asked.call_names}
    named = (f for f in program.functions if f.name in called and program.asked.speaks(f.language))
    found = {(f.name, f.language == "python") for f in named if tells_outcome(f)}
    for name, in_python in sorted(one for one in found if one[0] in program.asked.call_names):
        telling = {other for other, of_python in found if of_python == in_python}
        calls = [call for call in program.calls_named(name, in_python) if call.effect.op == "call"]
        dropped = [call for call in calls if not call.effect.result and call.function in program.asked]
        if dropped and len(calls) >= _FEWEST and not _of_no_matter(program, name):
            wanted = [c for c in dropped if not _is_clean_up(program, c) and not _is_known_otherwise(c, telling)]
            for call in {(c.function, c.effect.callee): c for c in reversed(wanted)}.values():
                yield from _check(program, calls, call)


def _of_no_matter(program: Program, name: str) -> bool:
    """What ends or frees something may fail where nobody can do anything about it."""
    return not _ASKS.isdisjoint(words(name)[:1]) or program.vocabulary.is_terminal(name) or _gives_up(name)


def _gives_up(name: str) -> bool:
    return not _GIVES_UP.isdisjoint(words(name))


def _is_clean_up(program: Program, call: Call) -> bool:
    """Is something given up here, tried out before it is needed, or asked by the test around the call?"""
    function, effect = call
    if function.name == "__del__" or program.vocabulary.is_terminal(function.name) or _gives_up(function.name):
        return True
    regions = around(*call)
    return any(
        region.kind in _AFTERWARDS
        or (region.kind == "if" and (_FAILED.search(region.text) or _asks_the_same(region.test, effect)))
        for region in regions
    )


def _asks_the_same(test: Test | None, effect: Effect) -> bool:
    """Does the test make the same call, or ask whether one of what is handed over is in another: `name in params`?"""
    if test is None:
        return False
    if test.op == "call" and test.path == effect.callee:
        return True
    if test.op == "in":
        given = {text for a in effect.args for text in (a.path, a.written, a.literal) if text}
        return all(asked.path in given for asked in test.args)
    return test.op in ("and", "or", "not") and any(_asks_the_same(inner, effect) for inner in test.args)


# ---------------------------------------------------------------- known in another way


def _is_known_otherwise(call: Call, telling: set[str]) -> bool:
    effects = call.function.effects
    at = effects.index(call.effect)
    before, after = effects[:at], effects[at + 1 :]
    return _is_consequence(call, before, telling) or _fills(call, before, after) or _is_asked_next(call, after, telling)


def _is_consequence(call: Call, before: Sequence[Effect], telling: set[str]) -> bool:
    """Did an earlier call, which nobody looked at either, make what this one takes? Then that one is the cause."""
    return any(
        earlier.op == "call"
        and earlier.result in _DROPPED
        and earlier.region in (0, call.effect.region)
        and (last_of(earlier.callee) in telling or _is_of_one_library(earlier, call.effect))
        and not _given(earlier).isdisjoint(_given(call.effect))
        for earlier in before
    )


def _is_of_one_library(earlier: Effect, later: Effect) -> bool:
    """Plain functions that begin with the same word: `cudaHostAlloc`, `cudaMemset`."""
    names = [effect.callee.lstrip("~") for effect in (earlier, later)]
    return not any("." in name for name in names) and len({name[:1] and words(name)[0] for name in names}) == 1


def _fills(call: Call, before: Sequence[Effect], after: Sequence[Effect]) -> bool:
    """Is what it fills null before, and tested or given back behind it?"""
    empty = {effect.path for effect in before if effect.op == "bind" and effect.value == "none"}
    filled = empty & _given(call.effect)
    regions = [r for r in call.function.facts.regions if r.line >= call.effect.line]
    asked = {path for region in regions if region.test for path in _paths(region.test)}
    given = {path for effect in after if effect.op == "return" for path in effect.reads}
    return not filled.isdisjoint(asked | given)


def _is_asked_next(call: Call, after: Sequence[Effect], telling: set[str]) -> bool:
    """Does the next call on the same thing say how it went, and is that looked at?"""
    on, given = call.effect.callee.rpartition(".")[0], _given(call.effect)
    for effect in after:
        same = effect.op == "call" and effect.region == call.effect.region
        if same and (effect.callee.rpartition(".")[0] == on != "" or not given.isdisjoint(_given(effect))):
            return effect.result not in _DROPPED and last_of(effect.callee) in telling
    return False


def _given(effect: Effect) -> set[str]:
    return {argument.path for argument in effect.args if argument.path}


def _paths(test: Test) -> Iterator[str]:
    yield from (test.path, *(path for inner in test.args for path in _paths(inner)))


# ---------------------------------------------------------------- the habit


def _raises(function: FunctionInfo, effect: Effect) -> bool:
    return effect.op == "raise" and function.language == "python"


def _tells(program: Program, function: FunctionInfo) -> bool:
    """Does it say in this way alone whether its work was done, and can that be no?"""
    return tells_outcome(function) and may_fail(program, function) and not program.reaches(function, _raises, 2)


def _check(program: Program, calls: list[Call], call: Call) -> Iterator[Report]:
    callees = set(program.callees(*call))
    if not callees or not all(_tells(program, callee) for callee in callees):
        return
    same = [other for other in calls if callees & set(program.callees(*other))]
    using = [other for other in same if other.effect.result not in _DROPPED]
    if len(same) < _FEWEST or len(using) < _SHARE * len(same):
        return
    in_use = [other for other in using if not roots_of(program).by_place(other.function.path)]
    if len(in_use) >= _FEWEST_IN_USE:
        habit = f"{len(using)} of {len(same)} callers look at the result, {len(in_use)} of them outside of tests"
        yield _report(program, call, min(callees, key=lambda f: f.order), in_use, habit)


def _doubts(program: Program, call: Call, callee: FunctionInfo) -> str:
    function, effect = call
    if callee.language != "python" and (doubts := _of_native(program, call, callee)):
        return doubts
    if not _SHOWN.isdisjoint(function.path.split("/")):
        return "this is an example, in which nobody loses anything"
    calls = [other for other in function.effects if other.op == "call"]
    if function.owner is not None and function.facts.returns == "void" and calls == [effect]:
        return "the function does nothing but this call, and has no way to say that it failed"
    if filled := _filled_and_used(call, callee):
        return f"{filled} is filled by the call and used behind it, and may tell of the failure too"
    if any(region.kind == "lambda" and region.line in _lines_of(call) for region in function.facts.regions):
        return "it is given a function to run, and what that leaves undone may be seen from what it sets"
    return ""


def _of_native(program: Program, call: Call, callee: FunctionInfo) -> str:
    if gives_a_value(callee):
        return "it gives a number that it found or counted, which need not say how it went"
    if only_looks(program, callee):
        return "it only looks, and leaves nothing undone"
    if is_sure_to_succeed(callee, arguments_by_parameter(callee, call.effect)):
        return "what the call hands over leaves it no way to fail"
    return ""


def _filled_and_used(call: Call, callee: FunctionInfo) -> str:
    """C++: an object of the caller's own, which nobody had before, handed over to be filled, and used behind it."""
    function, effect = call
    at = function.effects.index(effect)
    made = {e.path for e in function.effects[:at] if e.op == "bind" and e.value in ("", "new", "empty", "none")}
    types = {param.name: param.annotation for param in callee.facts.params}
    for name, argument in arguments_by_parameter(callee, effect).items():
        if argument.path in made and _FILLED.fullmatch(types[name]) and function.language != "python":
            spoken_of = [e for e in function.effects if _speaks_of(e, argument.path)]
            first = next((e for e in spoken_of if e.op != "bind"), None)
            is_asked = any(
                r.line > effect.line and argument.path in {path.partition(".")[0] for path in r.reads}
                for r in function.facts.regions
            )
            if first is effect and (is_asked or spoken_of[-1] is not effect):
                return argument.path
    return ""


def _speaks_of(effect: Effect, name: str) -> bool:
    return any(
        path.partition(".")[0] == name for path in (*_given(effect), *effect.reads, effect.source, effect.callee)
    )


def _lines_of(call: Call) -> range:
    """From the call to what is done behind it in the same stretch."""
    line, region = call.effect.line, call.effect.region
    after = [e.line for e in call.function.facts.effects if e.region == region and e.line > line]
    return range(line, min(after, default=call.function.facts.end_line + 1))


def _report(program: Program, call: Call, callee: FunctionInfo, in_use: list[Call], habit: str) -> Report:
    function, effect = call
    doubts = _doubts(program, call, callee)
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"what {effect.callee}() says of its work is dropped",
        (
            program.step(callee, callee.facts.line, f"gives {callee.facts.returns or 'True or False'}"),
            *(program.step(other.function, other.effect, "looks at it") for other in in_use[:3]),
        ),
        confidence="low" if doubts else "medium",
        reason=doubts or habit,
        subject=effect.callee,
        fix="look at the result, and stop or say so where the work was not done",
    )
