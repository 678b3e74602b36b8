"""LLM106: one thing of several that is never given back, although its siblings are.

Four forms. A local that no path releases while the calls that get it only borrow it; a handle that each round of a loop
overwrites; an initialiser called for more cases than its counterpart; an entry that goes at the first of its parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.lending import Fate, Held, Lending, is_captured, is_given, names_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.conditions import implied
from llmlint.code.flow.leaks import Question, goes_round
from llmlint.code.flow.with_helpers import is_own_region, whole
from llmlint.code.link.exits import chain, loops_around
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.runtime.block import Target
from llmlint.runtime.native.native_block import native_block
from llmlint.vocabulary import words

_FOR = re.compile(r"for (?P<target>.+?) in (?P<over>.+)")


def check_program(program: Program) -> Iterator[Report]:
    lending = once(program, Lending)
    for held in lending.asked:
        is_native = held.function.language != "python" and held.protocol.held == "result" and held.is_local
        if is_native and "." not in held.effect.callee and _is_raw(program, held) and not is_captured(held):
            fates = lending.fates(held)
            if not fates and not held.protocol.lasting:
                yield _never_released(program, held)
            if not lending.renews(held):
                yield from _overwritten_in_loop(program, held, fates)
    yield from _unfreed_cases(program)
    yield from _gone_with_first_part(program)


# ---------------------------------------------------------------- a local that no path releases


def _never_released(program: Program, held: Held) -> Report:
    function = held.function
    users = [e for e in held.after if e.op == "call" and is_given(held.name, e)]
    sibling = next((e for e in function.effects if held.protocol in _closed_by(program, e)), None)
    evidence = [Step(function.path, held.effect.line, f"{held.name} is acquired by {held.lender}")]
    evidence += [Step(function.path, e.line, f"{e.callee} only uses it") for e in users[:2]]
    if sibling is not None:
        evidence.append(Step(function.path, sibling.line, f"{sibling.callee} gives back others here, and not this one"))
    scope = Target(function.facts.qualname, "scope")
    at_the_end = function.name == "main" and not loops_around(function, held.effect)
    return Report(
        program.place(function, held.effect),
        function.facts.qualname,
        f"{held.name} ({held.protocol.name} from {held.lender}) is never given back",
        tuple(evidence),
        confidence="low" if at_the_end else "high",
        reason="nothing in the function releases, returns or stores it, and the calls it is passed to keep nothing",
        subject=f"never:{held.name}",
        fix=f"release {held.name} where its siblings are released, or hold it in an object that does",
        data={} if at_the_end else native_block(scope, held.effect.callee, held.protocol, held.effect.line, held=2),
    )


def _closed_by(program: Program, effect: Effect) -> tuple[object, ...]:
    return program.vocabulary.left_by(effect.callee) if effect.callee else ()


def _is_raw(program: Program, held: Held) -> bool:
    """A local of a plain pointer or handle type: the type of a smart pointer says that it releases."""
    function = held.function
    if any(p.name == held.name for p in function.params):
        return False
    bound = [e for e in function.effects if e.op == "bind" and e.path == held.name and e.line <= held.effect.line]
    declared = next((e.annotation or e.source for e in bound if e.annotation or e.via == "declare"), "")
    if declared.startswith(("auto", "const auto")) and "*" not in declared:
        declared = next((f.facts.returns for f in program.callees(function, held.effect)), "auto")
    return bool(declared) and not any(mark in declared for mark in ("ptr", "<", "&"))


# ---------------------------------------------------------------- a handle that each round overwrites


def _overwritten_in_loop(program: Program, held: Held, fates: dict[int, Fate]) -> Iterator[Report]:
    """Each round takes one and reaches the next with it, and after the loop one is kept or given back."""
    function = held.function
    loops = loops_around(function, held.effect)
    if not loops or _is_declared_in(held, loops[0]) or _is_of_one_round(held, loops[0]):
        return
    noted = {at for at in fates if _is_note(program, function, function.effects[at])}
    kept = [at for at in fates if at > held.at and loops[0] not in chain(function, function.effects[at].region)]
    asked = Question(function, held.at, names_of(held), frozenset(), fates.keys() - noted, ())
    if not kept or not goes_round(asked):
        return
    yield Report(
        program.place(function, held.effect),
        function.facts.qualname,
        f"each round of the loop overwrites {held.name} ({held.protocol.name}); only the last one is kept",
        (
            Step(function.path, function.regions[loops[0]].line, "the loop acquires one in each round"),
            Step(function.path, held.effect.line, f"{held.name} is overwritten by {held.effect.callee}"),
            Step(function.path, function.effects[kept[0]].line, f"after the loop {held.name} is kept or given back"),
        ),
        confidence="high",
        reason="the name is declared outside of the loop and what it held is not given back before the next round",
        subject=f"overwritten:{held.name}",
        fix="keep every handle in a container of owners",
    )


def _is_of_one_round(held: Held, loop: int) -> bool:
    """Behind `if (i == 0)`, where `i` counts the rounds."""
    function = held.function
    counters = {e.path for e in function.effects if e.op == "bind" and e.via and e.region == loop}
    inside = (function.regions[at] for at in chain(function, held.effect.region) if at > loop)
    asked = (fact for region in inside if region.kind == "if" and region.test for fact in implied(region.test, True))
    equal = (set(atom[1:]) for atom, holds in asked if holds and atom[0] == "==")
    return any(sides & counters and any(side[:1].isdigit() for side in sides) for sides in equal)


def _is_declared_in(held: Held, loop: int) -> bool:
    function = held.function
    first = next((e for e in function.effects if e.op == "bind" and e.path == held.name), None)
    return first is None or loop in chain(function, first.region)


def _is_note(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """It is entered in a local table of plain handles, from which nothing is ever given back."""
    if effect.op != "insert" or not effect.path.isidentifier():
        return False
    owned = (e for e in function.effects if _closed_by(program, e))
    return not any(path.startswith(f"{effect.path}[") for e in owned for a in e.args for path in (a.path, *a.reads))


# ---------------------------------------------------------------- an initialiser called for more cases


def _unfreed_cases(program: Program) -> Iterator[Report]:
    """`grid_init(256)` and `grid_init(512)`, but only `grid_free(256)`."""
    if all(function.language == "python" for function in program.asked.functions):
        return
    for begin, end in program.vocabulary.give_back:
        for name in program.call_names:
            if begin not in name.lower() or begin not in words(name):
                continue
            twin = name.replace(begin, end)
            made, freed = _constants(program, name), _constants(program, twin)
            if not made or not freed or None in freed:
                continue
            missing = sorted(case for case in made if case is not None and case not in freed)
            if missing:
                yield _cases_report(program, name, twin, missing, made, freed)


def _constants(program: Program, name: str) -> dict[str | None, tuple[FunctionInfo, Effect]]:
    """The constant each call of this name is given, with one such call; None for one that gets something else."""
    found: dict[str | None, tuple[FunctionInfo, Effect]] = {}
    native = (function for function in program.functions_calling(name) if function.language != "python")
    for function, effect in program.calls_inside(native, name):
        if effect.op == "call" and len(effect.args) == 1:
            argument = effect.args[0]
            constant = argument.literal or (argument.path.lstrip("~") if argument.path.lstrip("~").isupper() else "")
            found.setdefault(constant or None, (function, effect))
    return found


def _cases_report(
    program: Program,
    name: str,
    twin: str,
    missing: list[str],
    made: dict[str | None, tuple[FunctionInfo, Effect]],
    freed: dict[str | None, tuple[FunctionInfo, Effect]],
) -> Report:
    function, effect = next(iter(freed.values()))
    evidence = [Step(f.path, e.line, f"{name}({case}) is called here") for case in missing for f, e in (made[case],)]
    evidence += [Step(f.path, e.line, f"{twin}({case}) gives back") for case, (f, e) in freed.items()]
    return Report(
        program.place(function, effect),
        function.facts.qualname,
        f"{name} is called for {', '.join(missing)}, and {twin} never is",
        tuple(evidence),
        confidence="medium",
        reason="every call of the releasing function names a constant, and these are not among them",
        subject=f"cases:{name}:{','.join(missing)}",
        fix=f"call {twin} for every case that {name} is called for",
    )


# ---------------------------------------------------------------- an entry that goes at the first of its parts


def _gone_with_first_part(program: Program) -> Iterator[Report]:
    """`for key, parts in map: for part in parts: … del map[key]` leaves the other parts to nobody."""
    for written in program.asked.functions:
        if written.language == "python" and sum(region.kind == "loop" for region in written.regions) > 1:
            function = whole(program, written)
            for effect in function.doing("remove"):
                if effect.key:
                    yield from _inner_removal(program, function, effect)


def _inner_removal(program: Program, function: FunctionInfo, removal: Effect) -> Iterator[Report]:
    loops = [at for at in loops_around(function, removal) if is_own_region(function, at)]
    if len(loops) < 2:
        return
    inner, outer = (_FOR.match(function.regions[at].text) for at in loops[:2])
    if inner is None or outer is None:
        return
    names = [name.strip(" ()") for name in outer["target"].split(",")]
    over_parts = len(names) == 2 and inner["over"].strip() == names[1] and removal.path in outer["over"]
    if not over_parts or removal.key not in (names[0], removal.path + "[]") or _leaves_loop(function, removal):
        return
    releasing = [e for e in function.effects if _closed_by(program, e) and loops[0] in chain(function, e.region)]
    yield Report(
        program.place(function, removal),
        function.facts.qualname,
        f"{names[0]} leaves {removal.path} at the first of its {names[1]}: the others are never looked at again",
        (
            Step(function.path, function.regions[loops[1]].line, f"each {names[0]} has {names[1]}"),
            Step(function.path, function.regions[loops[0]].line, "which are looked at one by one"),
            *(Step(function.path, e.line, f"{e.callee} gives back this one") for e in releasing[:1]),
            Step(function.path, removal.line, "the whole entry goes, whatever is left of it"),
        ),
        confidence="high",
        reason="the removal of the outer key stands in the loop over its parts, and the loop goes on",
        subject=f"first:{removal.path}",
        fix="remove the entry after the inner loop, once all its parts are done",
    )


def _leaves_loop(function: FunctionInfo, removal: Effect) -> bool:
    """Is the inner loop left right after?"""
    return any(
        e.op in ("break", "return", "raise") and e.region == removal.region and e.line >= removal.line
        for e in function.effects
    )
