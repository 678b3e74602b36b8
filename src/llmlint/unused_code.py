"""Code that nothing in the tree uses: what is wrong there happens to nobody.

A function is unused when its name stands nowhere but in definitions of that name and in code that is unused itself, a
class likewise. Strings count as mentions, for names are also called through strings, whole or put together; remarks,
documentation and imports call nothing, nor does `__all__`, but for what a whole project hands out, and `self.name` of
objects that have another method of that name is none of this one. What others may call
unseen is left alone: what carries a decorator, overrides a class of another package, is known to the class it inherits
from, stands in a file that nobody imports and nobody starts, or is declared in the project's `include` folder. A method
that each class below has an own one for is unused where nobody makes its class. Nor does control come to what stands
under `if (0)` or a test that no code makes true, behind a `return`, or in a file that cannot be imported.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from llmlint.code.domain.class_registers import is_registered
from llmlint.code.domain.nobody_calls import calls_no_heir
from llmlint.code.domain.roots import roots_of
from llmlint.code.domain.shut_branches import ShutBranches
from llmlint.code.domain.unimportable import why_not_importable
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.exits import LEAVING, chain
from llmlint.code.link.names import Outside
from llmlint.kept_files import KeptFiles
from llmlint.said_of_names import DOCUMENTS, SETS, is_remark

if TYPE_CHECKING:
    from llmlint.code.link.program import Program

_PLAIN = frozenset(
    "staticmethod classmethod property override typing.override abstractmethod abc.abstractmethod".split()
)
_PUBLISHED = "include"
_ENDS_OF_STRINGS = ("'", '"', "{", "%")
_SHUT = {"if": ("0", "false", "False"), "else": ("1", "true", "True")}
_FOR_EXPORT, _OF_KERNELS = "symbolic", "autograd.Function"
"""docs.pytorch.org/docs/stable/onnx_torchscript.html#static-symbolic-method"""
_FEW = 3
"""What is mentioned more often is asked about no further: somebody will use it."""
_STEPS = 2
_OUTER = 2
"""A library's `include` is its own folder or lies in it; those further in are for the library itself."""

_Lines = dict[str, list[tuple[int, int]]]
"""By path: the stretches in which a name says nothing, for there it is defined."""
_Named = tuple[str, "FunctionInfo | ClassInfo | None"]
"""A name, and what it is to be the name of; None where only the name is known."""
_NEAR = 80
_RECEIVER = re.compile(r"(?<![\w.])(\w+)\.$")


class UnusedCode:
    """`paths` are the files in which a name may be mentioned, also those that could not be linked."""

    def __init__(
        self, program: Program, paths: Iterable[str], text_of: Callable[[str], str], kept: KeptFiles | None = None
    ) -> None:
        self._program = program
        self._paths = tuple(paths)
        self._text_of = text_of
        self._kept = kept or KeptFiles()
        self._users: dict[_Named, list[list[tuple[_Named, _Lines]]]] = {}
        """By what is named, for each place that mentions it, what may be unused there; nothing where it is used."""

    def reasons_at(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """Of these places those in code that nothing uses, and why that is so."""
        asked = {place: self._candidates(*place) for place in places}
        unused = self._unused({name: where for found in asked.values() for name, where in found}, _STEPS)
        reasons = {}
        for place, found in asked.items():
            named = next((n for n, _ in found if n in unused), None)
            if named is not None:
                reasons[place] = f"nothing in this tree uses {named[0]}"
            elif why := self._replaced(*place) or self._never_entered(*place) or self._is_for_export(*place):
                reasons[place] = why
            elif why := why_not_importable(self._program, place[0]):
                reasons[place] = why
        return reasons

    def _unused(self, names: Mapping[_Named, _Lines], steps: int) -> frozenset[_Named]:
        """Those that no code mentions, or only code that is unused itself, so many steps away."""
        new = {name: where for name, where in names.items() if name not in self._users}
        for name, mentions in self._mentions(new).items():
            reached = [at for at in mentions if not self._is_past_the_end(*at)] if len(mentions) <= _FEW else []
            self._users[name] = [self._candidates(*at) for at in reached] if len(mentions) <= _FEW else [[]]
        by_few = [self._users[name] for name in names if all(self._users[name])]
        further = {n: where for users in by_few for user in users for n, where in user}
        unused = self._unused(further, steps - 1) if further and steps else frozenset()
        return frozenset(n for n in names if all(any(one in unused for one, _ in user) for user in self._users[n]))

    def _replaced(self, path: str, line: int) -> str:
        """Why a method never runs that each class below replaces, of a class that nobody makes; "" where it may."""
        function = self._function_at(path, line)
        cls = function.owner if function is not None and function.is_method else None
        if function is None or cls is None or function.language != "python" or not cls.subclasses:
            return ""
        name = function.name
        calls_above = {f"super().{name}", f"{cls.name}.{name}"}
        for below in cls.subclasses:
            if next((c for c in below.mro if name in c.methods), cls) is cls:
                return ""
            if any(e.callee in calls_above for method in below.methods.values() for e in method.effects):
                return ""
        return f"each class below {cls.name} replaces {name}, and nobody makes one" if self._is_abstract(cls) else ""

    def _never_entered(self, path: str, line: int) -> str:
        """Why control never comes to a line: it stands under `if (0)`, or behind a `return`."""
        function = self._function_at(path, line)
        if function is None:
            return ""
        for region in function.regions:
            if region.line <= line <= region.end_line and region.test is not None and region.test.op == "constant":
                if region.test.path in _SHUT.get(region.kind, ()):
                    return f"it stands under a test that is always {region.test.path}"
        return "control never comes to it" if self._is_cut_off(function, line) else self._shut.why(function, line)

    @cached_property
    def _shut(self) -> ShutBranches:
        return ShutBranches(self._program, self._is_run, self._is_told)

    def _is_run(self, function: FunctionInfo) -> bool:
        found = dict(self._candidates(function.path, function.facts.line))
        return not self._unused(found, _STEPS)

    def _is_told(self, name: str, makers: Collection[str]) -> bool:
        """Is anything told of an attribute by its name: `replace(config, name=…)`, `setattr(config, "name", …)`? Not
        what is given by name to those who make its object."""
        texts = ((path, self._text_of(path)) for path in self._paths if path.endswith(".py"))
        said = ((path, text, at, at + len(name)) for path, text in texts for at in self._words(name, text))
        return any(
            _is_string_at(text, at, end)
            or (_is_keyword_at(text, at, end) and self._is_given(path, text, at, name, makers))
            for path, text, at, end in said
        )

    def _is_given(self, path: str, text: str, at: int, name: str, makers: Collection[str]) -> bool:
        """Is it the keyword of a call there, and not a parameter?"""
        line = text.count("\n", 0, at) + 1
        around = (f for f in self._program.functions_in(path) if f.facts.line <= line <= f.facts.end_line)
        calls = (e for f in around for e in f.effects if e.line <= line and any(a.keyword == name for a in e.args))
        return any(call.callee.rpartition(".")[2] not in makers for call in calls)

    def _is_past_the_end(self, path: str, line: int) -> bool:
        """Does control never come to a line, since all before it leave?"""
        function = self._function_at(path, line)
        return function is not None and self._is_cut_off(function, line)

    def _is_cut_off(self, function: FunctionInfo, line: int) -> bool:
        """Does the function's graph lack all that is done on a line? An import stands in no graph."""
        done = [(at, effect) for at, effect in enumerate(function.effects) if effect.line == line]
        if any(fact.line == line for fact in self._program.files[function.path].imports):
            around = [at for at, region in enumerate(function.regions) if region.line <= line <= region.end_line]
            inside = chain(function, max(around, default=0))
            return any(e.op in LEAVING and e.line < line and e.region in inside for e in function.effects)
        graphs = ((paths_of(function, body_of(function, effect.region)).graph, at) for at, effect in done)
        return bool(done) and not any(graph.nodes_of(at) for graph, at in graphs)

    def _is_for_export(self, path: str, line: int) -> str:
        """Why a method never runs in a service: PyTorch asks it for the graph that it writes to a file."""
        function = self._function_at(path, line)
        if function is None or function.name != _FOR_EXPORT or function.owner is None:
            return ""
        is_kernel = any(base.endswith(_OF_KERNELS) for cls in function.owner.mro for base in cls.unknown_bases)
        return f"only an export to ONNX calls {function.facts.qualname}" if is_kernel else ""

    def _is_abstract(self, cls: ClassInfo) -> bool:
        """Does its name stand only where classes inherit from it, and in imports?"""
        if is_registered(cls):
            return False
        defined = self._ranges_of_class(cls.name)
        for path in self._paths:
            text = self._text_of(path)
            for at in self._words(cls.name, text):
                start = text.rfind("\n", 0, at) + 1
                is_named = text.startswith(("class ", "from ", "import "), start) or is_remark(path, text, at)
                if not is_named and _is_outside(text, at, defined.get(path, ())):
                    return False
        return True

    def _candidates(self, path: str, line: int) -> list[tuple[_Named, _Lines]]:
        """The function around a line and its class, where only the tree can use them, and where they are defined."""
        function = self._function_at(path, line)
        if function is None or function.name == "main":
            return []
        cls, owner = function.owner, function.facts.owner.rpartition(".")[2]
        if cls is not None and is_registered(cls):
            return []
        found: list[tuple[_Named, _Lines]] = []
        if owner and self._is_private_or_known_whole(path, owner):
            found.append(((owner, cls), self._ranges_of_class(owner)))
        if self._is_only_called_by_name(function, owner):
            named = self._program.functions_named(function.name)
            same = [one for one in named if one is function or _PLAIN.issuperset(one.facts.decorators)]
            if cls is None and function.language == "python":  # others of its name may call it
                same = [other for other in same if other.full_name == function.full_name]
            found.append(((function.name, function), _ranges(same)))
        return found

    def _function_at(self, path: str, line: int) -> FunctionInfo | None:
        """The outermost function around a line."""
        around = (f for f in self._program.functions_in(path) if f.facts.line <= line <= f.facts.end_line)
        return min((f for f in around if f.name != "<module>"), key=lambda f: f.facts.line, default=None)

    def _is_only_called_by_name(self, function: FunctionInfo, owner: str) -> bool:
        name, facts = function.name, function.facts
        if name.startswith(("__", "~", "operator")) or name == owner or not name.isidentifier():
            return False
        if not _PLAIN.issuperset(facts.decorators) or {"virtual", "override"} & set(facts.specifiers):
            return False
        if function.owner is not None and not calls_no_heir(function.owner):
            return False
        return self._is_private_or_known_whole(function.path, name) and not self._is_published(name)

    def _is_private_or_known_whole(self, path: str, name: str) -> bool:
        return name.startswith("_") or roots_of(self._program).is_known_whole(path)

    def _is_published(self, name: str) -> bool:
        outside = roots_of(self._program).outside
        declared = (f.path.removeprefix(outside) for f in self._program.functions_named(name) if not f.facts.has_body)
        return any(_PUBLISHED in PurePosixPath(path.lstrip("/")).parts[:_OUTER] for path in declared)

    def _ranges_of_class(self, name: str) -> _Lines:
        return _ranges((*self._program.classes_named(name), *self._methods.get(name, ())))

    @cached_property
    def _methods(self) -> dict[str, list[FunctionInfo]]:
        """By the class's name, also of classes that are declared where nothing was read."""
        found: dict[str, list[FunctionInfo]] = {}
        for function in self._program.functions:
            if function.facts.owner:
                found.setdefault(function.facts.owner.rpartition(".")[2], []).append(function)
        return found

    def _mentions(self, names: Mapping[_Named, _Lines]) -> dict[_Named, list[tuple[str, int]]]:
        """Where each stands in code as a word, a few places; more than a few if a beginning of it ends a string."""
        near = {path for defined in names.values() for path in defined}
        found: dict[_Named, list[tuple[str, int]]] = {named: [] for named in names}
        left = dict(names)
        for path in sorted(self._paths, key=lambda path: (path not in near, path)):
            if not left:
                break
            text = self._text_of(path)
            for (name, thing), defined in list(left.items()):
                for at in self._words(name, text):
                    is_named_only = is_remark(path, text, at) or self._is_passed_on(path, text, at, len(name))
                    if not _is_outside(text, at, defined.get(path, ())) or is_named_only:
                        continue
                    if thing is None or not self._is_of_another(thing, path, text, at):
                        found[name, thing].append((path, text.count("\n", 0, at) + 1))
                        if len(found[name, thing]) > _FEW:
                            del left[name, thing]
                            break
        for path in self._paths if left else ():
            text = self._text_of(path)
            for (name, thing), defined in list(left.items()):
                if any(_is_outside(text, at, defined.get(path, ())) for at in self._beginnings(name, text)):
                    found[name, thing] += [(path, 0)] * (_FEW + 1)
                    del left[name, thing]
        return found

    def _is_of_another(self, thing: FunctionInfo | ClassInfo, path: str, text: str, at: int) -> bool:
        """Is it surely the name of something else there?"""
        if not path.endswith(".py"):
            return False
        receiver = _RECEIVER.search(text, max(0, text.rfind("\n", 0, at)), at)
        if isinstance(thing, ClassInfo) or thing.owner is None:
            return self._means_another(thing, path, text, at, receiver[1] if receiver else "")
        if receiver is None:
            return text[at - 1 : at] != "." and self._is_bare(thing, path, text, at)
        return self._is_anothers_method(thing, path, text, at, receiver)

    def _is_bare(self, method: FunctionInfo, path: str, text: str, at: int) -> bool:
        """Is it a local, a keyword or the like: a word of its own in code, and not in the body of the class?"""
        line = text.rfind("\n", 0, at) + 1
        if text.count(DOCUMENTS, 0, at) % 2 or text.count("'''", 0, at) % 2:
            return False
        if text.count('"', line, at) % 2 or text.count("'", line, at) % 2:
            return False
        cls = method.owner
        inside = _ranges((cls, *cls.subclasses)).get(path, ()) if cls is not None else ()
        return _is_outside(text, at, inside)

    def _means_another(self, thing: FunctionInfo | ClassInfo, path: str, text: str, at: int, receiver: str) -> bool:
        """Of a class or function of a module: does the file give the name another meaning, or only set it?"""
        end = at + len(thing.name)
        if text[at - 1 : at] in _ENDS_OF_STRINGS or text[end : end + 1] in _ENDS_OF_STRINGS:
            return False
        if not receiver and SETS.match(text, end):
            return True
        names = self._program.names
        if names.is_given_twice(path, receiver or thing.name):
            return False
        meant = names.lookup(path, f"{receiver}.{thing.name}" if receiver else thing.name)
        if isinstance(meant, Outside):
            return receiver in ("self", "cls") or (not receiver and names.imports(path, thing.name))
        return not isinstance(meant, ClassInfo | FunctionInfo) or meant.full_name != thing.full_name

    def _is_anothers_method(self, method: FunctionInfo, path: str, text: str, at: int, receiver: re.Match[str]) -> bool:
        """Is it `self.name` of objects that have something else of that name, or `Class.name` of such a class, or of
        what is imported from outside of the program?"""
        function = self._function_at(path, text.count("\n", 0, at) + 1)
        if receiver[1] in ("self", "cls"):
            cls = function.owner if function is not None else None
        else:
            meant = self._program.names.lookup(path, receiver[1])
            if isinstance(meant, Outside):
                is_local = function is not None and self._program.resolve(function, receiver[1]).startswith("~")
                return receiver[1] in self._program.names.imports_of(path) and not is_local
            cls = meant if isinstance(meant, ClassInfo) else None
        name = method.name
        kin = (cls, *cls.subclasses) if cls is not None else ()
        run = [one.method(name) or one.attributes.get(name) for one in kin]
        return bool(run) and None not in run and method not in run

    def _words(self, name: str, text: str) -> Iterator[int]:
        """Where the name stands as a word; looked for by hand, for a pattern that begins with a word's edge is slow."""
        at = -1 if self._kept.lacks(text, name) else text.find(name)
        while at >= 0:
            end = at + len(name)
            if not _is_in_word(text, at - 1) and not _is_in_word(text, end):
                yield at
            at = text.find(name, end)

    def _beginnings(self, name: str, text: str) -> Iterator[int]:
        """Where a beginning of the name ends a string: `getattr(self, "opset_" + version)` means `opset_11`."""
        for cut in (at + 1 for at, letter in enumerate(name) if letter == "_" and at > 2):
            if self._kept.lacks(text, name[:cut]):
                return  # and so it lacks what begins with this
            at = text.find(name[:cut])
            while at >= 0:
                if text[at + cut : at + cut + 1] in _ENDS_OF_STRINGS and not _is_in_word(text, at - 1):
                    yield at
                at = text.find(name[:cut], at + cut)

    def _is_passed_on(self, path: str, text: str, at: int, length: int) -> bool:
        """Is it only imported here under its own name, or named in a package's `__all__`? Whoever uses it names it once
        more; what a whole project hands out is for others."""
        if not path.endswith(".py") or path in self._fronts:
            return False
        if _is_imported(text, at):
            return not text.startswith(" as ", at + length)
        return text.rfind("__all__", 0, at) > max(text.rfind("]", 0, at), text.rfind(")", 0, at))

    @cached_property
    def _fronts(self) -> frozenset[str]:
        """The `__init__.py` of packages that are part of no other."""
        packages = {posixpath.dirname(path): path for path in self._paths if path.endswith("__init__.py")}
        return frozenset(path for folder, path in packages.items() if posixpath.dirname(folder) not in packages)


def _is_string_at(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start] in _ENDS_OF_STRINGS and text[end : end + 1] in _ENDS_OF_STRINGS


def _is_keyword_at(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _NEAR) : start].rstrip()
    return bool(SETS.match(text, end)) and before[-1:] in ("(", ",")


def _is_imported(text: str, at: int) -> bool:
    """Does it stand in an import, be it over several lines?"""
    line = text[text.rfind("\n", 0, at) + 1 : at].lstrip()
    return line.startswith(("from ", "import ")) or text.rfind("import (", 0, at) > text.rfind(")", 0, at)


def _ranges(defined: Iterable[FunctionInfo | ClassInfo]) -> _Lines:
    ranges: _Lines = {}
    for entity in defined:
        ranges.setdefault(entity.path, []).append((entity.facts.line, entity.facts.end_line))
    return ranges


def _is_outside(text: str, at: int, defined: Sequence[tuple[int, int]]) -> bool:
    if not defined:
        return True
    line = text.count("\n", 0, at) + 1
    return not any(start <= line <= end for start, end in defined)


def _is_in_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_")
