"""Where code runs: in the service, or beside it, where what goes wrong ends with the program.

Told by where a file stands (tests, benchmarks, set-up and documentation scripts, copies of other projects; examples and
command line tools, unless they start a service) and, for a script, by being started by itself, imported by nobody and
starting no service.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from llmlint.code.facts.facts import FileFacts, Function
from llmlint.code.link.once import once
from llmlint.vocabulary import Vocabulary, words

if TYPE_CHECKING:
    from llmlint.code.link.program import FunctionInfo, Program

COPY = "copy"
EXAMPLE = "example"
TOOL = "command line tool"
SCRIPT = "script"
_PYTHON_ENTRY = ("__name__", "__main__")


class Roots:
    def __init__(self, files: Mapping[str, FileFacts], vocabulary: Vocabulary) -> None:
        self._files = files
        self._vocabulary = vocabulary
        self._kinds: dict[str, str] = {}
        self._own_kinds: dict[str, str] = {}
        self._serving: dict[str, bool] = {}

    def kind(self, path: str) -> str:
        """test, benchmark, script, …, a copy of another project; "" for code of the service and of libraries."""
        if path not in self._kinds:
            kind = self._own_kind(path)
            self._kinds[path] = kind or (SCRIPT if self._is_part_of_a_script(path) else "")
        return self._kinds[path]

    def _own_kind(self, path: str) -> str:
        """The same without asking what imports it."""
        if path not in self._own_kinds:
            kind = self.by_place(path)
            if kind in (EXAMPLE, TOOL) and (self._is_all_there_is(path, kind) or self._program_serves(path, kind)):
                kind = ""
            self._own_kinds[path] = kind or (SCRIPT if self._stands_alone(path) else "")
        return self._own_kinds[path]

    def by_place(self, path: str) -> str:
        """The same as far as names of folders and files tell it, whether it serves or not."""
        place = PurePosixPath(path.removeprefix(self.outside))
        if not self._vocabulary.copied.isdisjoint(place.parts[:-1]):
            return COPY
        for kind, marks in self._vocabulary.beside:
            named = (*place.parts[:-1], place.stem) if kind == EXAMPLE else (place.stem,)
            exact = place.name in marks or not marks.isdisjoint(place.parts[:-1])
            if exact or any(_bears(part, marks) for part in named):
                return kind
        return ""

    def is_template(self, path: str) -> bool:
        """Is another file generated from it, which runs in its place: `modeling_x.py` of `modular_x.py`?"""
        return path in self._templates

    @cached_property
    def _templates(self) -> frozenset[str]:
        made = ((PurePosixPath(path), facts.made_from) for path, facts in self._files.items() if facts.made_from)
        return frozenset(str(path.with_name(PurePosixPath(source).name)) for path, source in made)

    @cached_property
    def outside(self) -> str:
        """Of files outside of the working directory, what all paths begin with: it says nothing about any of them."""
        outside = [path for path in self._files if path.startswith(("/", "../"))]
        return posixpath.commonpath([posixpath.dirname(path) for path in outside]) if outside else ""

    def is_known_whole(self, path: str) -> bool:
        """Can nobody use what stands there but code of the tree: somebody imports it, or it is a program of its own?

        What the outermost package hands out is for others."""
        place = PurePosixPath(path)
        if place.stem == "__init__":
            return self.is_imported(path) and str(place.parent.parent / place.name) in self._files
        return self.is_imported(path) or self._is_program(path)

    def is_imported(self, path: str) -> bool:
        """Does any file import something of its name?"""
        place = PurePosixPath(path)
        return (place.parent.name if place.stem == "__init__" else place.stem) in self.imported

    def _is_program(self, path: str) -> bool:
        return PurePosixPath(path).stem not in self.imported and _has_entry(self._files[path])

    def _stands_alone(self, path: str) -> bool:
        return self._is_program(path) and not self._serves(path)

    def _is_part_of_a_script(self, path: str) -> bool:
        """Does nobody import it but what runs beside the service, among that a script in whose folder it stands?

        Of those who import it and are known by nothing else the same is asked, and of theirs: all have to be, and none
        by a circle."""
        parts: dict[str, list[str]] = {}
        waiting = [path]
        while waiting:
            part = waiting.pop()
            if part not in parts:
                around = PurePosixPath(part).parents
                importers = self._importing(part)
                near = (other for other in importers if PurePosixPath(other).parent in around)
                if not any(self._own_kind(other) in ("", SCRIPT) for other in near):
                    return False
                parts[part] = [other for other in importers if not self._own_kind(other)]
                waiting += parts[part]
        return _has_no_circle(parts)

    def _importing(self, path: str) -> list[str]:
        place = PurePosixPath(path)
        importers = self._importers.get(place.parent.name if place.stem == "__init__" else place.stem, ())
        return [other for other in importers if other != path]

    def _is_all_there_is(self, path: str, kind: str) -> bool:
        """Is nothing looked at but examples? Then they are what is meant, and their server may be elsewhere."""
        return kind == self.by_place(f"{self._shared}/{PurePosixPath(path).name}") if self._shared else False

    @cached_property
    def _shared(self) -> str:
        folders = {posixpath.dirname(path) for path in self._files}
        return posixpath.commonpath(folders) if len({folder[:1] == "/" for folder in folders}) == 1 else ""

    def _program_serves(self, path: str, kind: str) -> bool:
        """Does an example, or a folder of command line tools, start a service?"""
        folder = PurePosixPath(path).parent
        if kind == EXAMPLE:
            marks = next(words for known, words in self._vocabulary.beside if known == EXAMPLE)
            at = next((at for at, part in enumerate(folder.parts) if part in marks), len(folder.parts))
            if at + 1 >= len(folder.parts):
                return self._serves(path)
            folder = PurePosixPath(*folder.parts[: at + 2])
        return any(self._serves(other) for other in self._files if folder in PurePosixPath(other).parents)

    def _serves(self, path: str) -> bool:
        if path not in self._serving:
            serves = self._vocabulary.serves
            last_names = {name.rpartition(".")[2] for name in serves}
            functions = [f for f in self._files[path].functions if not last_names.isdisjoint(f.gist.calls)]
            calls = (effect.callee for function in functions for effect in function.effects if effect.callee)
            self._serving[path] = any(p in serves for callee in calls for p in (callee, callee.rpartition(".")[2]))
        return self._serving[path]

    @property
    def imported(self) -> AbstractSet[str]:
        """The last part of every module and name that any file imports, and of every included file."""
        return self._importers.keys()

    @cached_property
    def _importers(self) -> dict[str, set[str]]:
        """The files that import a module or a name, or include a file, by its last part."""
        importers: dict[str, set[str]] = {}
        for path, facts in self._files.items():
            for i in facts.imports:
                for name in (i.module.rpartition(".")[2], i.target, _stem(i.module)):
                    importers.setdefault(name, set()).add(path)
        return importers


def _has_no_circle(graph: Mapping[str, Iterable[str]]) -> bool:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return False
    return True


@cache
def _stem(module: str) -> str:
    last = module.rpartition("/")[2]
    return last.rpartition(".")[0] or last


def _bears(name: str, marks: frozenset[str]) -> bool:
    """Is its first or last word one of the marks: `python-api-examples`?"""
    said = words(name)
    return bool(said) and (said[0] in marks or said[-1] in marks)


def roots_of(program: Program) -> Roots:
    """One for a program: who asks where code runs shares what was looked up."""
    return once(program, _roots)


def _roots(program: Program) -> Roots:
    return Roots(program.files, program.vocabulary)


def _has_entry(facts: FileFacts) -> bool:
    if facts.language != "python":
        return any(function.name == "main" and not function.owner for function in facts.functions)
    at_import = [function for function in facts.functions if function.name == "<module>"]
    if any(all(mark in region.text for mark in _PYTHON_ENTRY) for function in at_import for region in function.regions):
        return True
    asks = {
        function.name for function in facts.functions if function not in at_import and _asks_the_command_line(function)
    }
    return any(
        _asks_the_command_line(function) or any(effect.callee in asks for effect in function.effects)
        for function in at_import
    )


def _asks_the_command_line(function: Function) -> bool:
    is_asked = "parse_args" in function.gist.calls
    return is_asked and any(effect.callee.endswith(".parse_args") for effect in function.effects)


def is_trial(function: FunctionInfo) -> bool:
    """Code that tries a module out, where nothing is served."""
    file = function.path.rpartition("/")[2]
    names = (name.lstrip("_").lower() for name in (file, *function.facts.qualname.split(".")))
    return file.endswith("_test.py") or any(name.startswith(("test", "unit_test")) for name in names)
