"""Where checkers begin to look: at the whole program, or at the files that somebody asked about.

A finding stands in a file; what may come to stand in the asked ones begins here. Whatever a checker then wants to know
of other code it asks of the program itself, which is always whole. So a hook that hands over one file pays for that
file, and is told what a scan of everything tells of it.

    for cls in program.asked.classes: ...
    for function, effect in program.asked.calls("acquire"): ...

A rule of which nothing would be told in one language begins in the others only (`checking.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any, Protocol

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
    """`paths` are those of the asked files, `kinds` the languages, "python" and "cpp"; None for all."""

    def __init__(self, program: Whole, paths: frozenset[str] | None, kinds: frozenset[str] | None = None) -> None:
        self._program = program
        self.paths = paths
        self._kinds = kinds
        self.kept: dict[object, Any] = {}

    @property
    def is_all(self) -> bool:
        """Is it the whole program?"""
        return self.paths is None and self._kinds is None

    def __contains__(self, entity: ClassInfo | FunctionInfo) -> bool:
        return (self.paths is None or entity.path in self.paths) and self._is_of_kind(entity.language)

    def _is_of_kind(self, language: str) -> bool:
        return self._kinds is None or ("python" if language == "python" else "cpp") in self._kinds

    def only(self, kinds: frozenset[str]) -> Asked:
        """What is asked in these languages: the same object each time, and this one where there are no others."""
        if all(("python" if in_python else "cpp") in kinds for in_python in self.sides):
            return self
        narrowed: Asked = self.kept.setdefault(kinds, Asked(self._program, self.paths, kinds))
        return narrowed

    def speaks(self, language: str) -> bool:
        """Is anything asked that is written in it? What another says of the same name is another thing."""
        return (language == "python") in self.sides

    @cached_property
    def sides(self) -> Sequence[bool]:
        """True for what is asked of Python, False for what is asked of the other languages."""
        return sorted({facts.language == "python" for facts in self.files.values()}, reverse=True)

    @cached_property
    def functions(self) -> Sequence[FunctionInfo]:
        """Those of the asked files."""
        return self.among(self._program.functions)

    def among(self, functions: Sequence[FunctionInfo]) -> Sequence[FunctionInfo]:
        return functions if self.is_all else tuple(f for f in functions if f in self)

    @cached_property
    def classes(self) -> Sequence[ClassInfo]:
        """Those that something in the asked files may be told of: defined there, kin of such, changed or read there."""
        if self.paths is None:
            return self._program.classes if self.is_all else tuple(c for c in self._program.classes if c in self)
        near = {cls for cls in self._program.classes if cls in self}
        near.update(function.owner for function in self.functions if function.owner is not None)
        near.update(self._program.classes_touched_by(self.functions))
        kin = {relative for cls in near for relative in (*cls.mro, *cls.subclasses)}
        return tuple(sorted(near | kin, key=lambda cls: cls.order))

    @cached_property
    def call_names(self) -> AbstractSet[str]:
        """The last part of every call in the asked files, each once."""
        if self.is_all:
            return self._program.call_names
        called = (name_called(effect.callee) for function in self.functions for effect in function.effects)
        return dict.fromkeys(filter(None, called)).keys()

    @cached_property
    def files(self) -> Mapping[str, FileFacts]:
        files = self._program.files
        if self.is_all:
            return files
        wanted = files.keys() if self.paths is None else self.paths
        return {path: facts for path, facts in files.items() if path in wanted and self._is_of_kind(facts.language)}

    def calls(self, name: str) -> Sequence[Call]:
        """The calls in the asked files whose last part is this name."""
        if self.is_all:
            return self._program.calls_named(name)
        return self._program.calls_inside(self.among(self._program.functions_calling(name)), name)
