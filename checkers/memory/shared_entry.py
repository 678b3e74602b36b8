"""The third form of LLM104: parts that two owners share, and that each of them gives back, counted once.

An owner is a key of a map (`self.blocks[key]`) or an object (`sequence.blocks`). When it goes, each of its parts is
given to a function that lowers its count. Another function gives them to a second owner as well, and raises none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.counting import LOWER, RAISE
from llmlint.code.facts.facts import Effect, Function
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report

_STEPS = {RAISE: (RAISE, f"[]{RAISE}"), LOWER: (LOWER, f"[]{LOWER}")}


class _Holding(NamedTuple):
    """By which path an owner holds its parts: `self.blocks` of one class, or `.blocks` of any object."""

    cls: ClassInfo | None
    path: str


def shared_entries(program: Program) -> Iterator[Report]:
    giving = ((f, e) for f in program.asked.functions for e in once(f.settled, _giving))
    shared = ((f, e, holding) for f, e in giving if (holding := _shared(f, e)))
    for function, effect, holding in shared:
        returned = once(program, _given_back)
        if holding in returned and not _counts_up(program, function):
            yield _report(program, function, effect, *returned[holding])


def _given_back(program: Program) -> dict[_Holding, tuple[Call, Call]]:
    """What holds parts that are given to a function which lowers their count; and where, and where that does so."""
    found: dict[_Holding, tuple[Call, Call]] = {}
    for callee in (f for f in program.functions if any(deed.endswith(LOWER) for deed in f.facts.gist.deeds)):
        lowered = next((e for e in once(callee.settled, _lowering) if _is_count(callee, e)), None)
        if lowered is None:
            continue
        for function, call in program.callers(callee):
            for path in (argument.path for argument in call.args if argument.path.endswith("[]")):
                holding = _holding(function, path.removesuffix("[]"))
                if holding is not None:
                    found.setdefault(holding, (Call(function, call), Call(callee, lowered)))
    return found


def _giving(function: Function) -> tuple[Effect, ...]:
    return tuple(e for e in function.effects if e.op in ("assign", "insert") or e.via == "extend")


def _lowering(function: Function) -> tuple[Effect, ...]:
    """What is kept and goes down by one."""
    return tuple(e for e in function.effects if e.op != "bind" and e.via in _STEPS[LOWER] and e.source == "1")


def _is_count(function: FunctionInfo, effect: Effect) -> bool:
    """What goes down here is asked for, and goes up by one in another method."""
    if function.owner is None:
        return False
    count = effect.path.rpartition(".")[2]
    is_asked = any(count in region.text for region in function.regions if region.kind == "if")
    others = (e for f in function.owner.functions if f is not function for e in f.effects)
    return is_asked and any(e.via in _STEPS[RAISE] and e.path.rpartition(".")[2] == count for e in others)


def _holding(function: FunctionInfo, path: str) -> _Holding | None:
    if path.startswith("self.") and path.endswith("[]") and path.count(".") == 1:
        return _Holding(function.owner, path.removesuffix("[]"))
    root, _, attribute = path.partition(".")
    is_of_object = root.isidentifier() and root != "self" and attribute.isidentifier()
    return _Holding(None, attribute) if is_of_object else None


def _shared(function: FunctionInfo, effect: Effect) -> _Holding | None:
    """What the effect gives a second owner: `self.blocks[child] = list(self.blocks[parent])`, `child.blocks = …`."""
    if effect.op == "insert" and effect.via == "[]=" and effect.key.isidentifier():
        return _Holding(function.owner, effect.path) if _is_of_other_key(function, effect) else None
    root, _, attribute = effect.path.partition(".")
    if not (effect.op == "assign" or effect.via == "extend") or effect.op == "clear" or not attribute.isidentifier():
        return None
    sources = {path.removesuffix("[]") for path in (*effect.reads, effect.source)}
    owners = {path.partition(".")[0] for path in sources if path.partition(".")[2] == attribute} - {root, "self"}
    changed = {e.path for e in function.effects if e.op in ("assign", "clear", "remove")}
    return _Holding(None, attribute) if owners and not changed & {f"{o}.{attribute}" for o in owners} else None


def _is_of_other_key(function: FunctionInfo, entered: Effect) -> bool:
    entry = f"{entered.path}[]"

    def is_of_entry(path: str) -> bool:
        return path.startswith(entry)

    if not any(map(is_of_entry, (*entered.reads, entered.source))):
        return False
    params = {param.name for param in function.params}
    reading = (e.reads for e in function.effects if e.op in ("bind", "insert") and any(map(is_of_entry, e.reads)))
    keys = params.intersection(path for reads in reading for path in reads)
    is_moved = any(e.op in ("remove", "clear") and e.path == entered.path for e in function.effects)
    return bool(keys) and entered.key not in keys and not is_moved


def _counts_up(program: Program, function: FunctionInfo) -> bool:
    """By itself or by a call: one that a protocol names, or of a function that raises any number."""
    for effect in function.effects:
        if effect.via in _STEPS[RAISE]:
            return True
        if effect.callee and any(row.kind == "count" for row in program.vocabulary.entered_by(effect.callee)):
            return True
        if any(e.via in _STEPS[RAISE] for callee in program.callees(function, effect) for e in callee.effects):
            return True
    return False


def _report(program: Program, function: FunctionInfo, shared: Effect, returned: Call, lowered: Call) -> Report:
    return Report(
        program.place(function, shared),
        function.facts.qualname,
        f"{function.name} gives what another owner holds to {shared.path} as well, and raises no count",
        (
            program.step(function, shared, "two owners have the same parts from here on"),
            program.step(
                returned.function, returned.effect, f"{returned.function.name} gives them back, for each owner"
            ),
            program.step(*lowered, "which lowers their count"),
        ),
        confidence="medium",
        reason="the first owner to go takes the parts away from the other one",
        subject=f"shared:{shared.path}",
        fix="raise the count of each part that is shared",
    )
