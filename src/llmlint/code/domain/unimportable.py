"""Files that nobody can import: what stands at their top asks a module of the program for what it does not have.

What is missing may also be compiled or generated when the program is built. So a name that a module's own code would
have to give is enough for the file and for all that import it; a module or a submodule that is not there is enough only
for a file that nobody imports: were it live, its build would have been noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from llmlint.code.domain.roots import roots_of
from llmlint.code.facts.facts import ImportFact
from llmlint.code.link.once import once
from llmlint.code.link.program import Program

_MADE_BY_BUILDS = re.compile(r"_.*|.*_pb2(_grpc)?|.*version.*")
_BODY = "body"


def why_not_importable(program: Program, path: str) -> str:
    """Why an import of the file fails; "" where it may be imported, as far as its program tells."""
    return once(program, _Imports).why(path) if path.endswith(".py") else ""


def is_built(program: Program, package: str, name: str) -> bool:
    """Must a submodule that is not there come from a build: does a file that others import take it at its top?"""
    return not _is_own_name(package, name) and name in once(program, _Imports).taken.get(package, ())


class _Imports:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._read: dict[str, tuple[str, list[str]]] = {}

    def why(self, path: str) -> str:
        return self._lacks(path) or self._lacks_a_module(path)

    @cached_property
    def taken(self) -> dict[str, set[str]]:
        """What files that others import take from each module when they are imported themselves."""
        modules, roots = self._program.names.modules, roots_of(self._program)
        found: dict[str, set[str]] = {}
        for path in self._program.files:
            if path.endswith(".py") and roots.is_imported(path):
                for fact in self._at_the_top(path):
                    if file := modules.only_file_of(modules.absolute(path, fact), path):
                        found.setdefault(file, set()).add(fact.target)
        return found

    def _lacks(self, path: str) -> str:
        """Why the file, or one that is imported with it, fails for sure."""
        waiting, seen = [path], {path}
        while waiting:
            why, imported = self._at_import(waiting.pop())
            if why:
                return why
            waiting += (new := [one for one in imported if one not in seen])
            seen.update(new)
        return ""

    def _at_import(self, path: str) -> tuple[str, list[str]]:
        """Why the file itself fails for sure, and the files that it imports."""
        if path not in self._read:
            names, modules = self._program.names, self._program.names.modules
            why = ""
            imported: list[str] = []
            for fact in self._at_the_top(path):
                wanted = modules.absolute(path, fact)
                file = modules.only_file_of(wanted, path)
                if file and _is_own_name(file, fact.target) and names.file_without(wanted, fact.target, path):
                    why = f"{path} cannot be imported: {wanted} has no {fact.target}"
                below = modules.only_file_of(f"{wanted}.{fact.target}", path) if fact.target else ""
                imported += filter(None, (file, below))
            self._read[path] = why, imported
        return self._read[path]

    def _lacks_a_module(self, path: str) -> str:
        """Why a file that nobody imports fails where nothing is built that is not there."""
        names, modules = self._program.names, self._program.names.modules
        if roots_of(self._program).is_imported(path):
            return ""
        for fact in self._at_the_top(path):
            wanted = modules.absolute(path, fact)
            file = modules.only_file_of(wanted, path)
            if file and fact.target and names.file_without(wanted, fact.target, path):
                missing = f"{wanted}.{fact.target}"
            elif not file:
                missing = self._first_missing(wanted, path)
            else:
                continue
            if missing and not _MADE_BY_BUILDS.fullmatch(missing.rpartition(".")[2]):
                return f"{path} cannot be imported, and nobody does: there is no {missing}"
        return ""

    def _first_missing(self, wanted: str, path: str) -> str:
        """Of a module below a package of the program the first that is not there; "" where that cannot be told."""
        above, _, last = wanted.rpartition(".")
        if not above or not last or self._is_there(wanted, path):
            return ""
        return wanted if self._program.names.modules.only_file_of(above, path) else self._first_missing(above, path)

    def _is_there(self, wanted: str, path: str) -> bool:
        modules = self._program.names.modules
        return bool(modules.find(wanted, path)) or modules.is_package(wanted)

    def _at_the_top(self, path: str) -> Iterator[ImportFact]:
        """The imports that are run whenever the file is imported."""
        functions = self._program.functions_in(path)
        module = next((f for f in functions if f.name == "<module>"), None)
        if module is None:
            return
        inside = [(f.facts.line, f.facts.end_line) for f in functions if f is not module]
        inside += [(region.line, region.end_line) for region in module.regions if region.kind != _BODY]
        for fact in self._program.files[path].imports:
            if fact.target != "*" and not any(first <= fact.line <= last for first, last in inside):
                yield fact


def _is_own_name(file: str, target: str) -> bool:
    """Must the module's own code give it: is it no submodule that a build may add?"""
    return bool(target) and (not file.endswith("/__init__.py") or target[:1].isupper())
