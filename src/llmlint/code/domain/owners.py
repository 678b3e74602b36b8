"""The class of the object a path begins with, told by its members where no type tells.

C code hides a struct behind a typedef of its pointer. What a function touches of it (`ctx->graph`, `ctx->buffers`)
names the struct all the same when only one class of the program has all these members.
"""

from __future__ import annotations

from functools import cached_property

from llmlint.code.link.entities import ClassInfo, FunctionInfo, root_of
from llmlint.code.link.program import Program


class Owners:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[tuple[FunctionInfo, str], ClassInfo | None] = {}

    def owner_of(self, function: FunctionInfo, root: str) -> ClassInfo | None:
        """The class of the local, parameter or `self` named `root`."""
        if root == "self" and function.owner is not None:
            return function.owner
        key = function, root
        if key not in self._known:
            self._known[key] = self._program.class_of(function, root) or self._told_by_members(function, root)
        return self._known[key]

    def _told_by_members(self, function: FunctionInfo, root: str) -> ClassInfo | None:
        if function.language == "python":
            return None
        touched = {member for path in _paths(function) if root_of(path) == root and (member := _first_member(path))}
        having = [self._classes_by_member.get(member, frozenset()) for member in touched]
        common = frozenset.intersection(*having) if having else frozenset()
        return next(iter(common)) if len(common) == 1 else None

    @cached_property
    def _classes_by_member(self) -> dict[str, frozenset[ClassInfo]]:
        found: dict[str, set[ClassInfo]] = {}
        for cls in self._program.classes:
            for member in cls.own_attributes:
                found.setdefault(member, set()).add(cls)
        return {member: frozenset(classes) for member, classes in found.items()}


def _paths(function: FunctionInfo) -> list[str]:
    return [path for e in function.effects for path in (e.path, e.result, *e.reads, *(a.path for a in e.args))]


def _first_member(path: str) -> str:
    return root_of(path.partition(".")[2])
