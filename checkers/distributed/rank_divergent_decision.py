"""LLM706: a rank decides by something of its own what all ranks of its group have to do alike.

Asked is code that works beside other ranks: a class, or the functions of a file, that asks for its rank or meets the
others in collectives. By its clock, its queues, its files, it changes what it keeps of requests; or by the memory that
its device has left it works out how much it may hold; and nobody asks the other ranks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from llmlint.code.domain.own_values import Own, OwnValues
from llmlint.code.domain.state import attribute_of, symbol_of
from llmlint.code.facts.facts import Effect, Param
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.exits import around, chain
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program, root_of
from llmlint.findings import Place, Report, Step
from llmlint.phrases import words

_ASKS_RANK = ("get_rank", "get_world_size", "get_process_group_ranks")
_CHANGES = frozenset({"insert", "remove", "clear"})
_AMOUNTS = frozenset("num blocks pages slots tokens count capacity batch".split())
_ROOM = _AMOUNTS | frozenset("max limit budget room".split())


def check_program(program: Program) -> Iterator[Report]:
    beside = _beside_others(program)
    own = once(program, OwnValues)

    @cache
    def told(function: FunctionInfo) -> Report | None:
        return None if beside.isdisjoint((function.owner, function.path)) else _told(program, own, function)

    for function in program.asked.functions if beside else ():
        found = told(function)
        if found is not None:
            below = {callee for e in function.effects if e.op == "call" for callee in program.callees(function, e)}
            said = {report.subject for callee in below - {function} if (report := told(callee)) is not None}
            if found.subject not in said:
                yield found


def _told(program: Program, own: OwnValues, written: FunctionInfo) -> Report | None:
    if own.meet(written):
        return None
    function = whole(program, written)
    found = _decided(program, own, function) or _chosen(program, own, function) or _measured(program, own, written)
    return None if found is None or own.is_agreed_by_callers(written) else found


def _beside_others(program: Program) -> set[ClassInfo | str | None]:
    """The classes, and the files for what stands outside of classes, that ask for their rank or meet others."""
    names = (*_ASKS_RANK, *sorted(program.vocabulary.collective_names))
    sides = program.asked.sides
    calls = (call for name in names for in_python in sides for call in program.calls_named(name, in_python))
    asking = [call.function for call in calls if _is_of_ranks(program, call)]
    asked = {function.owner or function.path for function in program.asked.functions}
    near = (function for function in program.functions if (function.owner or function.path) in asked)
    given = [f for f in near if _takes_group(f.facts.params) and _takes_group(f.params)]
    return {function.owner or function.path for function in (*asking, *given)}


def _takes_group(params: Sequence[Param]) -> bool:
    return any("ProcessGroup" in param.annotation for param in params)


def _is_of_ranks(program: Program, call: Call) -> bool:
    callee = call.effect.callee
    is_collective = program.vocabulary.collective(program.resolve(call.function, callee)) is not None
    return is_collective or (callee.rpartition(".")[2] in _ASKS_RANK and "." in callee)


# ---------------------------------------------------------------- what is kept, by an answer of its own


def _decided(program: Program, own: OwnValues, function: FunctionInfo) -> Report | None:
    """A branch taken on an answer of the rank's own, in which something is kept or given up."""
    for at, region in enumerate(function.regions):
        asked = own.in_test(function, region) if region.kind in ("if", "else") else None
        if asked is None or not _is_moment(program, asked) or _is_of_one_rank(program, function, at):
            continue
        inside = (e for e in function.effects if at in chain(function, e.region))
        changed = next((e for e in inside if _keeps(program, function, e)), None)
        if changed is not None:
            return _report(function, asked, region.line, changed, f"it decides whether {changed.path} changes")
    return None


def _chosen(program: Program, own: OwnValues, function: FunctionInfo) -> Report | None:
    """A list made of what passes a test of the rank's own, by which what is kept changes."""
    for effect in function.effects:
        if effect.value != "container" or effect.op not in ("bind", "assign"):
            continue
        asked = own.in_reads(function, effect.reads, effect.line + 1) if any("[]" in r for r in effect.reads) else None
        if asked is None or not _is_moment(program, asked) or _is_of_one_rank(program, function, effect.region):
            continue
        behind = (e for e in function.effects if e.line >= effect.line)
        changed = next((e for e in behind if _is_changed_by(program, function, e, effect)), None)
        if changed is not None:
            return _report(function, asked, effect.line, changed, f"it decides what {effect.path} holds")
    return None


def _is_moment(program: Program, own: Own) -> bool:
    """Does it depend on when it is asked, and not on what there is to have?"""
    return program.vocabulary.is_local_answer(own.callee) and not program.vocabulary.is_local_memory(own.callee)


def _is_changed_by(program: Program, function: FunctionInfo, effect: Effect, chosen: Effect) -> bool:
    if effect is chosen:
        return effect.op == "assign" and attribute_of(effect.path) != ""
    is_replaced = effect.op == "assign" and effect.value in ("container", "new", "path")
    if not is_replaced and not _keeps(program, function, effect):
        return False
    return attribute_of(effect.path) != "" and _depends(function, effect, chosen.path)


def _depends(function: FunctionInfo, effect: Effect, name: str) -> bool:
    """Does it read the name, or stand in a branch or loop that does?"""
    reads = {root_of(r) for r in (*effect.reads, effect.source, effect.key)}
    return name in reads or any(name in {root_of(r) for r in region.reads} for region in around(function, effect))


def _keeps(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Does it change a container that the object keeps: of work, not of figures about it?"""
    if effect.op not in _CHANGES:
        return False
    attribute = attribute_of(effect.path) or _taken_over_by(function, effect.path)
    if not attribute or program.vocabulary.is_not_state(attribute):
        return False
    known = function.owner.attributes.get(attribute) if function.owner is not None else None
    return known is not None and known.is_container


def _taken_over_by(function: FunctionInfo, name: str) -> str:
    """The attribute that a local list is put in the place of later."""
    kept = (e for e in function.effects if e.op == "assign" and e.value == "path" and e.source == name)
    return next((attribute for e in kept if (attribute := attribute_of(e.path))), "")


def _is_of_one_rank(program: Program, function: FunctionInfo, region: int) -> bool:
    """Does it stand in a branch that one rank takes, which tells the others?"""
    tests = [function.regions[at] for at in chain(function, region) if function.regions[at].kind in ("if", "else")]
    leaving = [r for r in function.regions if r.kind == "if" and not r.parent]
    return any(program.vocabulary.is_rank(read) for test in (*tests, *leaving) for read in test.reads)


# ---------------------------------------------------------------- how much it may hold


def _measured(program: Program, own: OwnValues, function: FunctionInfo) -> Report | None:
    """A number of things that a rank may hold, worked out of the memory that its own device has left."""
    given = own.given(function)
    if given is None or not program.vocabulary.is_local_memory(given.callee):
        return None
    for effect in function.effects:
        is_named = not _ROOM.isdisjoint(words(function.name)) or not _AMOUNTS.isdisjoint(words(effect.path))
        is_amount = is_named and effect.op == "return" and effect.value in ("path", "other", "new")
        if is_amount and own.in_reads(function, (*effect.reads, effect.path), effect.line + 1) is not None:
            return _report(function, given, effect.line, effect, "what was worked out of it is given on as it is")
    return None


def _report(function: FunctionInfo, own: Own, line: int, then: Effect, how: str) -> Report:
    steps = (
        *own.steps,
        Step(function.path, line, how),
        Step(function.path, then.line, "from here on ranks may do different work"),
    )
    return Report(
        Place(function.path, line),
        symbol_of(function),
        f"{function.name} decides by {own.callee}, which each rank answers for itself, and asks no other rank",
        steps,
        confidence="low",
        reason="ranks of one group work in step, and no collective is between the answer and what follows from it",
        subject=own.callee,
        fix="let one rank decide and broadcast it, or reduce it over the group",
    )
