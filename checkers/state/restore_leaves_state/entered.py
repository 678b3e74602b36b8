"""What a mode gives a value whenever it is entered, and only that mode asks for: no reset need see to it."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.facts.facts import Effect
from llmlint.code.flow.conditions import implied
from llmlint.code.link.exits import chain
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program


def is_set_on_entry(program: Program, cls: ClassInfo, attribute: str) -> bool:
    """Does each use stand in a mode (`case QUOTED:`, `if (state_ == QUOTED)`) into which every way sets it first?"""
    path = f"self.{attribute}"
    if any(read.function not in cls.functions for read in program.reads(cls, attribute)):
        return False
    modes: set[str] = set()
    for function in cls.functions:
        for region, tested in _uses(function, path) if function not in cls.building else ():
            if _is_set_before(function, path, region, tested):
                continue
            here = _modes(function, region, tested)
            if not here:
                return False
            modes |= here
    return bool(modes) and _is_always_set(cls, path, modes)


def _is_always_set(cls: ClassInfo, path: str, modes: set[str]) -> bool:
    """Each way into one of the modes sets it, or comes from another of them, or from one that only they lead into."""
    while True:
        entered = [(f, e) for f in cls.functions for e in f.doing("assign") if _named(e.source) in modes and not e.via]
        bare = [(f, e) for f, e in entered if not _sets_too(f, e, path)]
        coming = [_modes(function, effect.region, 0) for function, effect in bare]
        if not all(coming) or len(bare) == len(entered):
            return False
        more = modes.union(*coming)
        if more == modes:
            return True
        modes = more


def _uses(function: FunctionInfo, path: str) -> Iterator[tuple[int, int]]:
    """The region of each use, and the effect that it is or, below zero, the region that asks."""
    lambdas = {region.line for region in function.regions if region.kind == "lambda"}
    for at, effect in enumerate(function.effects):
        if effect.op == "bind" and effect.line in lambdas:
            continue  # what is read in it is read where it is called
        read = {effect.source, *effect.reads, *(p for a in effect.args for p in (a.path, *a.reads))}
        if path in read or (effect.path == path and (effect.op != "assign" or effect.via)):
            yield effect.region, at
    for at, region in enumerate(function.regions):
        if path in function.reads_of(region):
            yield region.parent, ~at


def _modes(function: FunctionInfo, region: int, tested: int) -> set[str]:
    """The values of a mode in which control comes here: of the innermost branch that asks for one."""
    for at in [~tested, *chain(function, region)] if tested < 0 else chain(function, region):
        around = function.regions[at]
        if around.kind == "case":
            return {_named(around.text)} - {""}
        test = function.settled_test(around.test) if around.kind in ("if", "and") else None
        facts = implied(test, True) if test is not None else ()
        told = {_named(atom[2]) for atom, holds in facts if holds and atom[0] == "==" and atom[1].startswith("self.")}
        if told - {""}:
            return told - {""}
    return set()


def _named(text: str) -> str:
    """A constant by its name, as an assignment and a case write it; "" for anything else."""
    name = text.replace("::", ".").lstrip("~")
    return name if name.replace(".", "").replace("_", "").isalnum() and not name.isdigit() else ""


def _is_set_before(function: FunctionInfo, path: str, region: int, tested: int) -> bool:
    around = chain(function, region)
    end = tested if tested >= 0 else function.regions[~tested].begin
    return any(_sets(effect, path) and effect.region in around for effect in function.effects[:end])


def _sets_too(function: FunctionInfo, entered: Effect, path: str) -> bool:
    """Beside the entering, or before it on every way."""
    at, around = function.effects.index(entered), chain(function, entered.region)
    before = (e for e in function.effects[:at] if e.region in around)
    beside = (e for e in function.effects[at:] if e.region == entered.region)
    return any(_sets(effect, path) for effect in (*before, *beside))


def _sets(effect: Effect, path: str) -> bool:
    return effect.op == "assign" and effect.path == path and not effect.via
