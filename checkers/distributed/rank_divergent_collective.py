"""LLM702: a collective that only some ranks reach.

Two forms: the collective stands under a condition on the rank, with none in the other branch; or the function returns
early on state of this rank alone, before a collective that the others enter. A helper that holds the collective counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from llmlint.code.collectives import collective_at, meets, names_that_meet
from llmlint.code.facts import Effect, Region
from llmlint.code.program import FunctionInfo, Program
from llmlint.code.state import attribute_of
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_AXES = frozenset("pp dp ep cp dcp pcp node local moe attn attention lora".split())
_DEPTH = 3


def check_program(program: Program) -> Iterator[Report]:
    def enters(function: FunctionInfo, effect: Effect) -> bool:  # one object, for which `reaches` keeps its answers
        return meets(program, function, effect)

    helpers = names_that_meet(program, _DEPTH)
    calling = {id(f) for name in helpers | program.vocabulary.collective_names for f, _ in program.calls_named(name)}
    for function in program.functions:
        if id(function) not in calling or program.files[function.path].language != "python":
            continue
        meeting = list(_meetings(program, function, helpers, enters))
        if not meeting:
            continue
        yield from _under_rank(program, function, meeting)
        yield from _after_early_return(program, function, meeting)


_SYMMETRIC = frozenset(
    "all_reduce all_gather all_gather_into_tensor all_gather_object barrier monitored_barrier reduce_scatter "
    "reduce_scatter_tensor all_to_all all_to_all_single new_group".split()
)
"""Collectives in which every rank plays the same part; the two sides of a broadcast often have separate helpers."""


class Meeting(msgspec.Struct, frozen=True):
    """The effect in this function, the collective's name and call, and the way to it when a helper makes it."""

    effect: Effect
    name: str
    call: Effect
    steps: tuple[Step, ...] = ()
    on_request: bool = False
    """The helper makes the call only when a parameter of its own asks for it."""


def _meetings(
    program: Program, function: FunctionInfo, helpers: frozenset[str], enters: Callable[[FunctionInfo, Effect], bool]
) -> Iterator[Meeting]:
    for effect in function.effects:
        if not effect.callee:
            continue
        row = collective_at(program, function, effect)
        if row is not None:
            if row.kind in ("collective", "barrier", "create"):
                yield Meeting(effect, row.name, effect)
            continue
        if effect.callee.rsplit(".", 1)[-1] not in helpers:
            continue
        for callee in program.callees(function, effect):
            if callee is function or callee.name.startswith("__"):
                continue
            chain = program.reaches(callee, enters, _DEPTH)
            if chain:
                holder, call = chain[-1]
                steps = [Step(f.path, e.line, f"{f.facts.qualname} calls {e.callee}") for f, e in chain[:-1]]
                steps.append(Step(holder.path, call.line, f"{holder.facts.qualname} enters {call.callee}"))
                yield Meeting(effect, call.callee.rsplit(".", 1)[-1], call, tuple(steps), _is_on_request(holder, call))


def _is_on_request(holder: FunctionInfo, call: Effect) -> bool:
    asked = {p.name for p in holder.facts.params} - {"self", "cls"}
    return any(r.kind in ("if", "else") and asked & set(r.reads) for _, r in _regions(holder, call))


# ---------------------------------------------------------------- under a condition on the rank


def _under_rank(program: Program, function: FunctionInfo, meeting: list[Meeting]) -> Iterator[Report]:
    told: set[int] = set()
    for met in meeting:
        effect, name, steps = met.effect, met.name, met.steps
        for index, region in _regions(function, effect):
            if region.kind not in ("if", "else") or index in told:
                continue
            rank = _rank_in(program, function, region)
            if not rank or _other_branch_meets(function, region, index, meeting) or _is_other_axis(rank, met.call):
                continue
            told.add(index)
            yield Report(
                program.place(function, effect),
                function.facts.qualname,
                f"{name} is reached only by ranks where {region.text}: the others never enter it, and both sides wait",
                (
                    Step(function.path, region.line, f"this branch depends on {rank}, which differs from rank to rank"),
                    Step(function.path, effect.line, f"{effect.callee} is entered in this branch only"),
                    *steps,
                ),
                confidence=_how_sure(function, region, index, met),
                reason=f"the condition reads {rank} and the other branch enters no collective",
                subject=f"{name}:{region.text}",
                fix="let every rank of the group make the call, or make it on a group of only these ranks",
                data={"runtime": {"targets": [{"qualname": function.facts.qualname, "role": "collective"}]}},
            )


def _how_sure(function: FunctionInfo, region: Region, index: int, met: Meeting) -> str:
    """The other ranks may meet in a helper that could not be followed, or in the other half of a broadcast."""
    twin_calls = any(
        e.op == "call" and e.region != index and function.regions[e.region].first == region.first
        for e in function.effects
        if e.region
    )
    if twin_calls or met.on_request or (met.steps and met.name not in _SYMMETRIC):
        return "low"
    return "medium" if met.steps else "high"


def _rank_in(program: Program, function: FunctionInfo, region: Region) -> str:
    if any(mark in region.text for mark in ("size", "world", "not in", " in ")):
        return ""
    for path in region.reads:
        if program.vocabulary.is_rank(path) and not path.rsplit(".", 1)[-1].isupper():
            return path
    return ""


def _is_other_axis(rank: str, effect: Effect) -> bool:
    """Ranks that share their place on one axis (pipeline, data, expert …) may meet on another."""
    axes: set[str] = set(_AXES) & {word for part in rank.split(".") for word in words(part.replace("()", ""))}
    if "first" in words(rank) or "last" in words(rank):
        axes = axes or {"pp"}
    named = {word for part in effect.callee.split(".") for word in words(part.replace("()", ""))}
    named |= {word for a in effect.args for part in a.path.split(".") for word in words(part)}
    return bool(axes) and not axes & named


def _other_branch_meets(function: FunctionInfo, region: Region, index: int, meeting: list[Meeting]) -> bool:
    group = region.first
    for effect in (m.effect for m in meeting):
        for other_index, other in _regions(function, effect):
            if other_index != index and other.first == group and other.kind in ("if", "else"):
                return True
    return False


# ---------------------------------------------------------------- behind an early return on local state


def _after_early_return(program: Program, function: FunctionInfo, meeting: list[Meeting]) -> Iterator[Report]:
    for returned in function.effects:
        if returned.op != "return" or not returned.region:
            continue
        region = function.regions[returned.region]
        if region.kind != "if" or region.parent != 0:
            continue
        local = _local_state(program, function, region)
        if not local or any(_inside(function, effect, returned.region) for effect in (m.effect for m in meeting)):
            continue
        later = [m for m in meeting if m.effect.line > region.end_line]
        before = [m for m in meeting if m.effect.line < region.line]
        if not later or before or _is_agreed(program, function, region):
            continue
        effect, name, steps = later[0].effect, later[0].name, later[0].steps
        conditional = any(r.kind in ("if", "else", "except") for _, r in _regions(function, effect))
        yield Report(
            program.place(function, returned),
            function.facts.qualname,
            f"a rank where {region.text} returns here and skips {name}, which the other ranks enter",
            (
                Step(function.path, region.line, f"{local} is this rank's own: other ranks may see another value"),
                Step(function.path, returned.line, "this rank leaves"),
                Step(function.path, effect.line, f"the others go on to {effect.callee}"),
                *steps,
            ),
            confidence="medium" if not conditional or not steps else "low",
            reason=f"{local} is filled and emptied by this object's own methods, not agreed between ranks",
            subject=f"return:{name}:{region.text}",
            fix="enter the collective on every rank, or agree on the condition first",
            data={"runtime": {"targets": [{"qualname": function.facts.qualname, "role": "collective"}]}},
        )
        return


def _local_state(program: Program, function: FunctionInfo, region: Region) -> str:
    """A container of this object that its own methods fill: whether it is empty is each rank's own affair."""
    if function.owner is None:
        return ""
    for path in region.reads:
        attribute = attribute_of(path)
        known = function.owner.attributes.get(attribute)
        if not attribute or path != f"self.{attribute}" or known is None or not known.is_container:
            continue
        if program.vocabulary.is_equal_on_ranks(path) or program.vocabulary.is_not_state(attribute):
            continue
        changed = [
            e for f in function.owner.functions for e in f.effects if e.path == path and e.op in ("insert", "remove")
        ]
        if changed:
            return path
    return ""


def _is_agreed(program: Program, function: FunctionInfo, region: Region) -> bool:
    return any(program.vocabulary.is_equal_on_ranks(path) or "size" in words(path) for path in region.reads)


def _inside(function: FunctionInfo, effect: Effect, index: int) -> bool:
    return any(at == index for at, _ in _regions(function, effect))


def _regions(function: FunctionInfo, effect: Effect) -> list[tuple[int, Region]]:
    found, index = [], effect.region
    while index:
        region = function.regions[index]
        found.append((index, region))
        index = region.parent
    return found
