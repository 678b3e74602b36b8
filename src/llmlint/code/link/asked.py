"""Where checkers begin to look: at the whole program, or at the files that somebody asked about.

A finding stands in a file; what may come to stand in the asked ones begins here. Whatever a checker then wants to know
of other code it asks of the program itself, which is always whole. So a hook that hands over one file pays for that
file, and is told what a scan of everything tells of it.

    for cls in program.asked.classes: ...
    for function, effect in program.asked.calls("acquire"): ...
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Protocol

from llmlint.code.facts.facts import FileFacts
from llmlint.code.facts.gists import name_called
from llmlint.code.link.entities import Call, ClassInfo, FunctionInfo


class Whole(Protocol):
    """What is asked of the program behind."""

    @property
    def files(self) -> Mapping[str, FileFacts]: ...
    @property
    def classes(self) -> Sequence[ClassInfo]: ...
    @property
    def functions(self) -> Sequence[FunctionInfo]: ...
    @property
    def call_names(self) -> AbstractSet[str]: ...
    def calls_named(self, name: str) -> Sequence[Call]: ...
    def functions_calling(self, name: str) -> Sequence[FunctionInfo]: ...
    def calls_inside(self, functions: Iterable[FunctionInfo], name: str) -> Sequence[Call]: ...
    def classes_touched_by(self, functions: Iterable[FunctionInfo]) -> set[ClassInfo]: ...


class Asked:
    """`paths` are those of the asked files; None for all of them."""

    def __init__(self, program: Whole, paths: frozenset[str] | None) -> None:
        self._program = program
        self.paths = paths

    def __contains__(self, entity: ClassInfo | FunctionInfo) -> bool:
        return self.paths is None or entity.path in self.paths

    @cached_property
    def functions(self) -> Sequence[FunctionInfo]:
        """Those of the asked files."""
        return self.among(self._program.functions)

    def among(self, functions: Sequence[FunctionInfo]) -> Sequence[FunctionInfo]:
        return functions if self.paths is None else tuple(f for f in functions if f.path in self.paths)

    @cached_property
    def classes(self) -> Sequence[ClassInfo]:
        """Those that something in the asked files may be told of: defined there, kin of such, changed or read there."""
        if self.paths is None:
            return self._program.classes
        near = {cls for cls in self._program.classes if cls.path in self.paths}
        near.update(function.owner for function in self.functions if function.owner is not None)
        near.update(self._program.classes_touched_by(self.functions))
        kin = {relative for cls in near for relative in (*cls.mro, *cls.subclasses)}
        return tuple(sorted(near | kin, key=lambda cls: cls.order))

    @cached_property
    def call_names(self) -> AbstractSet[str]:
        """The last part of every call in the asked files, each once."""
        if self.paths is None:
            return self._program.call_names
        return {name_called(effect.callee) for function in self.functions for effect in function.effects} - {""}

    @cached_property
    def files(self) -> Mapping[str, FileFacts]:
        files = self._program.files
        return files if self.paths is None else {path: facts for path, facts in files.items() if path in self.paths}

    def calls(self, name: str) -> Sequence[Call]:
        """The calls in the asked files whose last part is this name."""
        if self.paths is None:
            return self._program.calls_named(name)
        return self._program.calls_inside(self.among(self._program.functions_calling(name)), name)
