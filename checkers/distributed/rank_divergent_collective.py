"""LLM702: a collective that only some ranks reach.

Three forms: the collective stands under a condition on the rank, with none in the other branch; the function returns
early on state of this rank alone, before a collective that the others enter; or `new_group`, which all ranks call with
the same list, is given the ranks of the caller's own group. A helper that holds the collective counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.distributed.collective_by_own_value import by_own_values
from llmlint.code.domain.collectives import Meeting, meetings_of, meets
from llmlint.code.domain.state import attribute_of
from llmlint.code.facts.facts import Effect, Region
from llmlint.code.flow.with_helpers import read_with_callers
from llmlint.code.link.exits import loops_around
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.runtime.block import Block, Target
from llmlint.vocabulary import words

_AXES = frozenset("pp dp ep cp dcp pcp node local moe attn attention lora".split())
_DEPTH = 3


def check_program(program: Program) -> Iterator[Report]:
    for function, meeting in meetings_of(program, _DEPTH).items():
        yield from _under_rank(program, function, list(meeting))
        yield from _after_early_return(program, function, list(meeting))
    yield from _of_own_ranks(program)
    yield from by_own_values(program)


_SYMMETRIC = frozenset(
    "all_reduce all_gather all_gather_into_tensor all_gather_object barrier monitored_barrier reduce_scatter "
    "reduce_scatter_tensor all_to_all all_to_all_single new_group".split()
)
"""Collectives in which every rank plays the same part; the two sides of a broadcast often have separate helpers."""


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
                data={"runtime": _runtime(function)},
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
        index, region = _outermost_branch(function, returned)
        if region.kind != "if":
            continue
        local = _local_state(program, function, region)
        if not local or any(_inside(function, effect, index) for effect in (m.effect for m in meeting)):
            continue
        later = [m for m in meeting if m.effect.line > region.end_line]
        before = [m for m in meeting if m.effect.line < region.line]
        if not later or before or _is_agreed(program, function, region):
            continue
        effect, name, steps = later[0].effect, later[0].name, later[0].steps
        conditional = any(r.kind in ("if", "else", "except") for _, r in _regions(function, effect))
        parted = _where_ranks_part(program, function, local)
        yield Report(
            program.place(function, returned),
            function.facts.qualname,
            f"a rank where {region.text} returns here and skips {name}, which the other ranks enter",
            (
                *([Step(parted.path, parted.line, parted.message)] if parted is not None else []),
                Step(function.path, region.line, f"{local} is this rank's own: other ranks may see another value"),
                Step(function.path, returned.line, "this rank leaves"),
                Step(function.path, effect.line, f"the others go on to {effect.callee}"),
                *steps,
            ),
            confidence="medium" if parted is not None and not (conditional and steps) else "low",
            reason=f"{local} is filled and emptied by this object's own methods, not agreed between ranks"
            + ("" if parted is not None else "; all ranks may still fill it alike"),
            subject=f"return:{name}:{region.text}",
            fix="enter the collective on every rank, or agree on the condition first",
            data={"runtime": _runtime(function)},
        )
        return


def _outermost_branch(function: FunctionInfo, effect: Effect) -> tuple[int, Region]:
    """What decides first whether control gets there; a `try` decides nothing."""
    around = [one for one in _regions(function, effect) if one[1].kind not in ("try", "with")]
    return around[-1] if around else (0, function.regions[0])


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


def _where_ranks_part(program: Program, function: FunctionInfo, local: str) -> Step | None:
    """A filling of the container that depends on whether a call of this rank succeeded: on its memory, its files."""
    owner = function.owner
    fillings = (
        [(f, e) for f in owner.functions for e in f.effects if e.op == "insert" and e.path == local] if owner else []
    )
    for filler, effect in fillings:
        for at, call in ((filler, effect), *program.callers(filler)):
            succeeded = _success_before(at, call)
            if succeeded:
                return Step(at.path, call.line, f"{local} is filled only on a rank where {succeeded}")
    return None


def _success_before(function: FunctionInfo, effect: Effect) -> str:
    """The test of a call's result that lets control get here: around the effect, or in an early return above it."""
    results = {
        e.result for e in function.effects if e.op == "call" and e.result.isidentifier() and e.line < effect.line
    }
    for _, region in _regions(function, effect):
        tested = [name for name in results if region.text in (name, f"{name} is not None")]
        if region.kind == "if" and tested:
            return region.text
    for region in function.regions:
        refused = [name for name in results if region.text in (f"not {name}", f"{name} is None")]
        if region.kind == "if" and refused and region.parent == 0 and region.end_line < effect.line:
            if any(e.op == "return" and region.line <= e.line <= region.end_line for e in function.effects):
                return f"not ({region.text})"
    return ""


def _is_agreed(program: Program, function: FunctionInfo, region: Region) -> bool:
    return any(program.vocabulary.is_equal_on_ranks(path) or "size" in words(path) for path in region.reads)


# ---------------------------------------------------------------- a group made of the caller's own ranks


def _of_own_ranks(program: Program) -> Iterator[Report]:
    making = (call for call in program.calls_named("new_group") if call.effect.args and meets(program, *call))
    in_python = (call for call in making if call.function.language == "python")
    for function, effect in (at for call in in_python for at in read_with_callers(program, *call)):
        if loops_around(function, effect):
            continue
        made = _own_ranks(program, function, effect)
        if made is None or any(a.keyword == "use_local_synchronization" for a in effect.args):
            continue
        yield Report(
            program.place(function, effect),
            function.facts.qualname,
            "new_group is called with the ranks of this rank's own group: every rank has to call it with the same list",
            (
                Step(function.path, made.line, f"{made.source or made.callee} lists the ranks of the group it is in"),
                Step(function.path, effect.line, "ranks of other groups call it with another list, and all wait"),
            ),
            confidence="high",
            reason="new_group is a collective of the whole world, and its list differs from group to group",
            subject=f"own-ranks:{effect.args[0].path}",
            fix="gather the lists of all groups and call new_group once for each, in the same order on every rank",
            data={"runtime": _runtime(function)},
        )


def _own_ranks(program: Program, function: FunctionInfo, effect: Effect) -> Effect | None:
    """The effect that computes the list, when it asks for the ranks of a group this rank is in."""
    ranks = effect.args[0]
    bound = [e for e in function.effects if e.op == "bind" and e.path == ranks.path and e.line < effect.line]
    if bound:
        return bound[-1] if _lists_own_ranks(bound[-1].source) else None
    return effect if any(_lists_own_ranks(read.removesuffix("()")) for read in ranks.reads) else None


def _lists_own_ranks(source: str) -> bool:
    return source.rpartition(".")[2] == "get_process_group_ranks"


def _runtime(function: FunctionInfo) -> dict[str, object]:
    return Block((Target(function.facts.qualname, "scope", function.path),)).plain()


def _inside(function: FunctionInfo, effect: Effect, index: int) -> bool:
    return any(at == index for at, _ in _regions(function, effect))


def _regions(function: FunctionInfo, effect: Effect) -> list[tuple[int, Region]]:
    found, index = [], effect.region
    while index:
        region = function.regions[index]
        found.append((index, region))
        index = region.parent
    return found
