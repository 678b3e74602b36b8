"""How one function takes locks and lets them go: a `with`, an object that holds one until its scope ends, and calls.

Each step enters or leaves the state of a protocol of kind "lock". A step is known by the effect that makes it, and a
`with` by its region, written `~region`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from llmlint.calls import CallIndex, names_call
from llmlint.code.domain.lending import held_by
from llmlint.code.domain.state import attribute_of
from llmlint.code.facts.facts import Effect
from llmlint.code.facts.gists import WITH
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.program import Program

UNNAMED = "*"
"""A lock that is held without being named: by convention, by promise, or as the result of a call."""
_LATER = "std.defer_lock"
_LOCK_TYPES = re.compile(r"\b(?:R?Lock|Condition|(?:\w*_)?mutex(?:_t)?|CRITICAL_SECTION)\b")


def is_lock_type(program: Program, path: str, text: str) -> bool:
    """Is what a file writes of a value or type a lock for threads? Tasks of one event loop need none between awaits."""
    if not _LOCK_TYPES.search(text):
        return False
    names = re.findall(r"[\w.]*(?:Lock|Condition)\b", text)
    return not any("asyncio" in program.resolve(path, name) for name in names)


def is_lock(program: Program, function: FunctionInfo, path: str) -> bool:
    """Is it a lock by its name, or by what the attribute of the object or the global of the file is made of?"""
    if program.vocabulary.is_lock(path):
        return True
    if path.isidentifier():
        return _is_global_lock(program, function, path)
    attribute = attribute_of(path)
    known = function.owner.attributes.get(attribute) if function.owner is not None and attribute else None
    is_whole = path == f"self.{attribute}"
    base, _, last = path.rpartition(".")
    if not is_whole and base.startswith("self.") and (cls := program.class_of(function, base)) is not None:
        known, is_whole = cls.attributes.get(last), True
    return known is not None and is_whole and is_lock_type(program, known.path, f"{known.source} {known.annotation}")


def _is_global_lock(program: Program, function: FunctionInfo, name: str) -> bool:
    module = next((f for f in program.functions_in(function.path) if f.name == "<module>"), None)
    is_local = any(effect.op == "bind" and effect.path == name for effect in function.effects)
    made = (e for e in module.effects if e.path == name and e.value == "new") if module is not None else ()
    return not is_local and any(is_lock_type(program, function.path, f"{e.source} {e.annotation}") for e in made)


class Taking(NamedTuple):
    """A lock as it is taken: by which path, on which line, and the region at whose end it is let go; -1 where only a
    call does so."""

    path: str
    line: int
    scope: int = -1


class LockSteps(NamedTuple):
    enters: Mapping[int, tuple[Taking, ...]]
    leaves: Mapping[int, tuple[Taking, ...]]


class LockReader:
    """Reads the steps of a program's functions."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._rows = tuple(row for row in program.vocabulary.protocols if row.kind == "lock")

    def steps_of(self, function: FunctionInfo) -> LockSteps | None:
        """None for a function that takes no lock."""
        enters: dict[int, tuple[Taking, ...]] = {}
        if WITH in function.facts.gist.deeds:
            enters = {~at: takings for at in range(len(function.regions)) if (takings := self._with(function, at))}
        objects: dict[str, tuple[Taking, ...]] = {}
        if function.language != "python" and self._may_hold(function):
            objects = dict(self._objects(function, enters))
        leaves: dict[int, tuple[Taking, ...]] = {}
        if objects or enters or self._takes_by_hand(function):
            self._read_calls(function, objects, enters, leaves)
        return LockSteps(enters, leaves) if enters else None

    def _with(self, function: FunctionInfo, at: int) -> tuple[Taking, ...]:
        region = function.regions[at]
        if region.kind != "with":
            return ()
        parts = (part.partition(" as ")[0].strip() for part in region.text.split(","))
        named = [part for part in parts if re.fullmatch(r"[\w.]+", part)]
        says_so = any(map(self._program.vocabulary.is_lock, re.findall(r"\w+", region.text)))
        if not says_so and not any(is_lock(self._program, function, path) for path in named):
            return ()
        return tuple(Taking(path, region.line, at) for path in named or [UNNAMED])

    # ------------------------------------------------------------ objects that hold a lock

    def _objects(
        self, function: FunctionInfo, enters: dict[int, tuple[Taking, ...]]
    ) -> Iterable[tuple[str, tuple[Taking, ...]]]:
        """The objects that are declared around a lock, of a type that holds it until the scope ends."""
        declared = {e.path for e in function.effects if e.op == "bind" and e.annotation}
        for at, effect in enumerate(function.effects):
            if effect.op != "call" or effect.result not in declared:
                continue
            given = [a.path for a in effect.args if a.path and not a.path.startswith("std.")]
            if self._holds(function, effect, given):
                takings = tuple(Taking(path, effect.line, effect.region) for path in given or [UNNAMED])
                if not any(argument.path == _LATER for argument in effect.args):
                    enters[at] = takings
                yield effect.result, takings

    def _may_hold(self, function: FunctionInfo) -> bool:
        """A sieve before its body is read."""
        return any(map(self._scopes.may_find, function.facts.gist.calls)) or bool(self._own_types)

    @cached_property
    def _scopes(self) -> CallIndex[str]:
        return CallIndex((form, form) for row in self._rows for form in row.scope)

    def _holds(self, function: FunctionInfo, effect: Effect, given: list[str]) -> bool:
        if names_call(self._exact_types, effect.callee):
            return True
        if names_call(self._shapes, effect.callee) and any(is_lock(self._program, function, g) for g in given):
            return True
        makers = self._program.callees(function, effect) if self._own_types and given else ()
        return any(maker.owner in self._own_types for maker in makers)

    @cached_property
    def _exact_types(self) -> tuple[str, ...]:
        return tuple(form for row in self._rows for form in row.scope if "*" not in form)

    @cached_property
    def _shapes(self) -> tuple[str, ...]:
        """Types by the shape of their names: they hold a lock where they are built around what is called one."""
        return tuple(form for row in self._rows for form in row.scope if "*" in form)

    @cached_property
    def _own_types(self) -> frozenset[ClassInfo]:
        """Classes of the program whose constructor takes a lock that the destructor, or a member's, lets go."""
        return frozenset(cls for cls in self._program.classes if cls.language != "python" and self._is_guard(cls))

    def _is_guard(self, cls: ClassInfo) -> bool:
        if any(names_call(self._exact_types, field.annotation) for field in cls.facts.fields):
            return True
        makers = [f for f in cls.functions if f.name == "__init__" and self._may_take(f)]
        taken = {row for f in makers for e in f.effects for row in self._taken_by(e)}
        if not taken:
            return False
        let_go = {row for f in cls.functions if f.name == "__del__" for e in f.effects for row in self._let_go_by(e)}
        return not taken.isdisjoint(let_go)

    # ------------------------------------------------------------ calls

    def _takes_by_hand(self, function: FunctionInfo) -> bool:
        return self._may_take(function) and any(map(self._taken_by, function.effects))

    def _may_take(self, function: FunctionInfo) -> bool:
        """A sieve before its body is read."""
        return any(map(self._program.vocabulary.may_enter, function.facts.gist.calls))

    def _taken_by(self, effect: Effect) -> list[str]:
        rows = self._program.vocabulary.entered_by(effect.callee) if effect.op == "call" else ()
        return [row.name for row in rows if row.kind == "lock"]

    def _let_go_by(self, effect: Effect) -> list[str]:
        rows = self._program.vocabulary.left_by(effect.callee) if effect.op == "call" else ()
        return [row.name for row in rows if row.kind == "lock"]

    def _read_calls(
        self,
        function: FunctionInfo,
        objects: Mapping[str, tuple[Taking, ...]],
        enters: dict[int, tuple[Taking, ...]],
        leaves: dict[int, tuple[Taking, ...]],
    ) -> None:
        let_go: list[tuple[int, str]] = []
        for at, effect in enumerate(function.effects):
            takes, lets_go = bool(self._taken_by(effect)), bool(self._let_go_by(effect))
            held = objects.get(effect.callee.rpartition(".")[0]) if takes or lets_go else None
            if held is not None:
                (enters if takes else leaves)[at] = held
            elif takes and (path := self._path(function, effect)):
                enters[at] = (Taking(path, effect.line),)
            elif lets_go:
                let_go.append((at, self._path(function, effect)))
        known = {taking for takings in enters.values() for taking in takings}
        for at, path in let_go:
            leaves[at] = tuple(taking for taking in known if taking.path == path)

    def _path(self, function: FunctionInfo, effect: Effect) -> str:
        """The lock that a call takes or lets go; "" for a method of something else."""
        vocabulary = self._program.vocabulary
        rows = (*vocabulary.entered_by(effect.callee), *vocabulary.left_by(effect.callee))
        path = held_by(next(row for row in rows if row.kind == "lock"), effect)
        is_method = path and effect.callee.startswith(f"{path}.")
        return "" if is_method and not is_lock(self._program, function, path) else path or UNNAMED
