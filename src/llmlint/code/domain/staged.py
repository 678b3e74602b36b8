"""Pinned memory that an object keeps and copies go from while nobody waits: what begins one, and who writes to it.

A small object that holds such memory and copies it, `self.ids.copy_to_gpu()`, is its holder's memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.pending_copies import bare, may_write, pending_copies, written_by
from llmlint.code.domain.steps import only_sets_up
from llmlint.code.domain.tensors import Making, makings
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import body_of
from llmlint.code.link.once import once
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.phrases import last_name


class Memory(NamedTuple):
    """`names`: the attributes that stand for it: `ids` and `ids_np`, or `ids.cpu` and `ids.np` of a holder."""

    owner: ClassInfo
    names: tuple[str, ...]
    made: Making

    @property
    def name(self) -> str:
        return f"self.{self.names[0]}"


class Begun(NamedTuple):
    """A call by which a copy from the memory begins, in a function of its owner."""

    function: FunctionInfo
    effect: Effect
    memory: Memory


class Write(NamedTuple):
    function: FunctionInfo
    effect: Effect


def begun_copies(program: Program) -> tuple[Begun, ...]:
    return once(program, _begun_copies)


def _begun_copies(program: Program) -> tuple[Begun, ...]:
    found: list[Begun] = []
    for copy in pending_copies(program, everywhere=True):
        function, owner = copy.function, copy.function.owner
        effect = function.effects[copy.at]
        if copy.arrives or owner is None or not copy.host.startswith("self.") or body_of(function, effect.region):
            continue
        if all(only_sets_up(program, made.function) for made in copy.made):
            names = _aliases(program, function, copy.made) or (bare(copy.host).removeprefix("self."),)
            found.append(Begun(function, effect, Memory(owner, names, copy.made[0])))
    held = (one for begun in found for one in _held(program, begun))
    return tuple({(id(one.effect), one.memory.names): one for one in (*found, *held)}.values())


def _aliases(program: Program, function: FunctionInfo, made: tuple[Making, ...]) -> tuple[str, ...]:
    """The attributes of the object that stand over the same memory."""
    wanted = {id(one.effect) for one in made}
    attributes = function.owner.attributes if function.owner is not None else ()
    every = ((name, makings(program, function, f"self.{name}", 0)) for name in attributes)
    return tuple(name for name, of in every if of and {id(one.effect) for one in of} == wanted)


def _held(program: Program, begun: Begun) -> Iterator[Begun]:
    """The same of whoever keeps such an object in one attribute, and has it copy."""
    for function, effect in program.calls_named(begun.function.name):
        holder = effect.callee.rpartition(".")[0]
        is_own = holder.startswith("self.") and holder.count(".") == 1 and "[]" not in holder and "()" not in holder
        if not is_own or function.owner is None or function.owner.is_kin_of(begun.memory.owner):
            continue
        if begun.function not in program.callees(function, effect) or body_of(function, effect.region):
            continue
        at = last_name(holder)
        assigned = [t.function for t in program.touches(function.owner, at) if t.effect.op == "assign"]
        if all(only_sets_up(program, maker) for maker in assigned):
            names = tuple(f"{at}.{name}" for name in begun.memory.names)
            yield Begun(function, effect, Memory(function.owner, names, begun.memory.made))


def writes_to(program: Program, memory: Memory) -> Iterator[Write]:
    """What the functions of its owner write to it, but for those that only set up."""
    kin = dict.fromkeys((memory.owner, *memory.owner.mro, *memory.owner.subclasses))
    names = {last_name(name) for name in memory.names}
    for function in (f for cls in kin for f in program.functions_of(cls) if may_write(f, names)):
        found = [e for e in function.effects if any(_is_of(place, memory) for place in written_by(e))]
        if found and not only_sets_up(program, function):
            yield from (Write(function, effect) for effect in found)


def _is_of(place: str, memory: Memory) -> bool:
    rest = bare(place).removeprefix("self.") if place.startswith("self.") else ""
    return rest in memory.names
