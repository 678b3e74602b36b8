"""LLM703: a rank that fails or has nothing to do leaves before a collective that the others enter.

Three forms. The rank leaves on an answer of its own: a lock it did not get at once, a clock, a queue, a file. It leaves
on the data it was given, before a collective of the data-parallel group, whose ranks are given different data. Or
something raises before the collective, in a `try` whose handler goes on as if nothing were missing or leaves.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.collectives import Meeting, is_skipped, meetings_of, stands_apart
from llmlint.code.domain.own_values import Own, OwnValues
from llmlint.code.domain.steps import only_sets_up
from llmlint.code.facts.facts import Effect, Region
from llmlint.code.link.exits import LEAVING, around, chain, own_regions
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.code.link.raising import is_caught, way_to_raise
from llmlint.findings import Report, Step
from llmlint.runtime.block import Block, Target
from llmlint.vocabulary import words

_NEAR, _FAR = 3, 5
_WORK = frozenset("scheduler scheduled schedule batch work step".split())
_OF_FILES = ("os.path.", "os.listdir", "os.scandir", "glob.")
_GOES_ON = LEAVING - {"raise"}

_Raised = tuple[Effect, tuple[Step, ...], bool]
"""What raises, the way to there, and whether it fails on one machine alone."""


def check_program(program: Program) -> Iterator[Report]:
    own = once(program, OwnValues)
    for function, meetings in meetings_of(program, _NEAR, language="cpp").items():
        yield from _leaves_on_own_answer(program, own, function, meetings)
    for function, meetings in meetings_of(program, _NEAR).items():
        yield from _leaves_on_own_answer(program, own, function, meetings)
        yield from _swallowed(program, function, meetings)
        yield from _leaves_in_handler(program, function, meetings)
    for function, meetings in meetings_of(program, _FAR, "dp").items():
        yield from _leaves_on_own_data(program, function, list(meetings))


_PLAIN = frozenset({"body", "if", "else", "with", "loop", "try"})


def _exits_before(function: FunctionInfo, meetings: list[Meeting]) -> Iterator[tuple[Effect, Region, Meeting]]:
    """Each exit in a branch of its own that meets nobody on its way, with the first meeting after the branch."""
    for exit_ in function.effects:
        tests = [region for region in around(function, exit_) if region.kind == "if"]
        if exit_.op == "raise" and is_caught(function, exit_):
            continue
        if exit_.op not in LEAVING or not tests or not all(r.kind in _PLAIN for r in around(function, exit_)):
            continue
        later = [m for m in meetings if m.effect.line > tests[-1].end_line and is_skipped(function, exit_, m)]
        if later and not _meets_on_the_way(function, exit_, later[0], meetings):
            yield exit_, function.regions[exit_.region], later[0]


def _meets_on_the_way(function: FunctionInfo, exit_: Effect, later: Meeting, meetings: list[Meeting]) -> bool:
    own = set(own_regions(function, exit_, later.effect))
    return any(m.effect.line <= exit_.line and own.intersection(chain(function, m.effect.region)) for m in meetings)


# ---------------------------------------------------------------- on an answer of its own


def _leaves_on_own_answer(
    program: Program, own: OwnValues, function: FunctionInfo, meetings: tuple[Meeting, ...]
) -> Iterator[Report]:
    for exit_, region, met in _exits_before(function, list(meetings)):
        tests = (r for r in around(function, exit_) if r.kind == "if") if region.kind == "if" else ()
        asked = next((one for test in tests if (one := own.in_test(function, test)) is not None), None)
        if asked is None or _asks_what_all_are_given(function, asked):
            continue
        if asked.callee or not only_sets_up(program, function):
            yield _report(
                program,
                function,
                exit_,
                met,
                f"a rank where {region.text} leaves here and skips {met.name}, which the other ranks enter",
                asked.steps[0],
                "medium" if asked.callee and not asked.way else "low",  # what helpers make of it is data by then
                f"{asked.callee or 'that'} depends on the moment and the machine, not on anything the ranks agreed on",
            )
            return


def _asks_what_all_are_given(function: FunctionInfo, asked: Own) -> bool:
    """Is a file asked for whose path the caller gave? That is a check of what all ranks are called with."""
    given = {param.name for param in function.params}
    asking = (e for e in function.effects if e.callee == asked.callee and e.line == asked.line)
    return asked.callee.startswith(_OF_FILES) and any(a.path in given for e in asking for a in e.args)


# ---------------------------------------------------------------- on the data it was given


def _leaves_on_own_data(program: Program, function: FunctionInfo, meetings: list[Meeting]) -> Iterator[Report]:
    for exit_, region, met in _exits_before(function, meetings):
        given = _given_data(program, function, exit_) if exit_.op == "return" else ""
        if given:
            yield _report(
                program,
                function,
                exit_,
                met,
                f"a data-parallel rank that is given nothing to do returns here and skips {met.name}",
                Step(
                    function.path, region.line, f"{given} is what this rank was given: the others are given other work"
                ),
                "medium",
                "ranks of a data-parallel group work on different requests and have to meet in each step all the same",
            )
            return


def _given_data(program: Program, function: FunctionInfo, exit_: Effect) -> str:
    """A count or list of a parameter's that the condition finds empty."""
    params = {p.name for p in function.params if _is_work(program, p.name)}
    for region in around(function, exit_):
        test = region.text.removeprefix("not ").removesuffix(" == 0")
        if region.kind != "if" or test == region.text:
            continue
        for read in region.reads:
            source = _source_of(function, read)
            if source.partition(".")[0] in params and not program.vocabulary.is_equal_on_ranks(source):
                return source
    return ""


def _is_work(program: Program, name: str) -> bool:
    """Is this what a step has to do: a scheduler's output, a batch, requests?"""
    return bool(_WORK & set(words(name))) or program.vocabulary.speaks_of_requests(name)


def _source_of(function: FunctionInfo, name: str) -> str:
    bound = [e for e in function.effects if e.op == "bind" and e.path == name and e.value == "path"]
    return bound[0].source if bound else name


# ---------------------------------------------------------------- raised before, and swallowed


def _swallowed(program: Program, function: FunctionInfo, meetings: tuple[Meeting, ...]) -> Iterator[Report]:
    for met in meetings:
        for at in chain(function, met.effect.region):
            handler = _swallowing_handler(function, at, meetings)
            raised = _raises_before(program, function, at, met) if handler is not None else None
            if handler is not None and raised is not None:
                call, steps, is_local = raised
                yield _report(
                    program,
                    function,
                    call,
                    met,
                    f"a rank where {call.callee or 'this'} raises skips {met.name}, and the handler goes on without it",
                    Step(function.path, handler.line, "the handler swallows it on this rank"),
                    *_how_sure(is_local),
                    steps,
                )
                return


def _leaves_in_handler(program: Program, function: FunctionInfo, meetings: tuple[Meeting, ...]) -> Iterator[Report]:
    """The handler returns, or goes on with the next round, and the collective stands behind the `try`."""
    for exit_ in function.effects:
        at = next((r for r in chain(function, exit_.region) if function.regions[r].kind == "except"), None)
        if exit_.op not in _GOES_ON or at is None or exit_.region != at:
            continue
        handler = function.regions[at]
        behind = (m for m in meetings if m.effect.line > handler.end_line and is_skipped(function, exit_, m))
        met = next((m for m in behind if not stands_apart(function, exit_, m)), None)
        raised = _raises_in(program, function, handler) if met and not _meets_in(function, handler, meetings) else None
        if met is not None and raised is not None:
            call, steps, is_local = raised
            yield _report(
                program,
                function,
                exit_,
                met,
                f"a rank where {call.callee or 'this'} raises leaves here and skips {met.name}",
                Step(function.path, call.line, "raises on this rank, and the handler takes it"),
                *_how_sure(is_local),
                steps,
            )
            return


def _meets_in(function: FunctionInfo, handler: Region, meetings: tuple[Meeting, ...]) -> bool:
    return any(handler in around(function, m.effect) for m in meetings) or any(
        m.effect.line <= handler.line and handler.first in chain(function, m.effect.region) for m in meetings
    )


def _raises_in(program: Program, function: FunctionInfo, handler: Region) -> _Raised | None:
    """What may raise in the handler's `try`: as the program says, or the handler that names an error of one machine."""
    for effect in function.effects:
        if handler.first not in chain(function, effect.region) or not (effect.callee or effect.op == "raise"):
            continue
        if any(program.vocabulary.is_local_error(name.strip("() ")) for name in handler.text.split(",")):
            return effect, (), True
        if effect.op == "raise":
            return effect, (), program.vocabulary.is_local_error(effect.path)
        way = way_to_raise(program, function, effect, 2)
        if way:
            return effect, tuple(_step(*link) for link in way), program.vocabulary.is_local_error(way[-1].effect.path)
    return None


def _swallowing_handler(function: FunctionInfo, at: int, meetings: tuple[Meeting, ...]) -> Region | None:
    if function.regions[at].kind != "try":
        return None
    for index, region in enumerate(function.regions):
        if region.kind != "except" or region.first != at:
            continue
        inside = [e for e in function.effects if index in chain(function, e.region)]
        ends = any(e.op == "raise" or "exit" in e.callee or "abort" in e.callee for e in inside)
        if not ends and not any(index in chain(function, m.effect.region) for m in meetings):
            return region
    return None


def _raises_before(program: Program, function: FunctionInfo, tried: int, met: Meeting) -> _Raised | None:
    """The call above the collective that may raise, the way to the raise, and whether the error is of one machine."""
    for effect in function.effects:
        if effect.line >= met.effect.line or effect.region != tried:
            continue
        if effect.op == "raise":
            return effect, (), program.vocabulary.is_local_error(effect.path)
        way = way_to_raise(program, function, effect, 2) if effect.callee else ()
        if way:
            return effect, tuple(_step(*link) for link in way), program.vocabulary.is_local_error(way[-1].effect.path)
    return None


def _how_sure(is_local: bool) -> tuple[str, str]:
    """The confidence, and why."""
    alike = "" if is_local else "; if the same input fails on all ranks alike, they all skip it"
    return "medium" if is_local else "low", f"the others enter the collective and wait for the rank that did not{alike}"


def _step(function: FunctionInfo, effect: Effect) -> Step:
    does = "raises" if effect.op == "raise" else "calls"
    return Step(function.path, effect.line, f"{function.facts.qualname} {does} {effect.callee or effect.path}")


# ---------------------------------------------------------------- the report


def _report(
    program: Program,
    function: FunctionInfo,
    at: Effect,
    met: Meeting,
    message: str,
    first: Step,
    confidence: str,
    reason: str,
    steps: tuple[Step, ...] = (),
) -> Report:
    return Report(
        program.place(function, at),
        function.facts.qualname,
        message,
        (
            first,
            Step(function.path, at.line, "this rank leaves the common way here"),
            *steps,
            Step(function.path, met.effect.line, f"the others go on to {met.effect.callee}"),
            *met.steps,
        ),
        confidence=confidence,
        reason=reason,
        subject=f"{at.op}:{met.name}:{function.regions[at.region].text}",
        fix="enter the collective on every rank, with nothing to say if need be, or agree on leaving first",
        data={"runtime": Block((Target(function.facts.qualname, "scope", function.path),)).plain()},
    )
