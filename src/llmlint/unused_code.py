"""Code that nothing in the tree mentions: what is wrong there happens to nobody.

A function is unused when its name stands nowhere but in definitions of that name, a class likewise; comments and
strings count as mentions, for names are also called through strings, whole or put together. What others may call unseen
is left alone: what carries a decorator, overrides a class of another package, is known to the class it inherits from,
stands in a file that nobody imports, or is declared in the project's `include` folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from llmlint.code.domain.roots import roots_of

if TYPE_CHECKING:
    from llmlint.code.link.program import ClassInfo, FunctionInfo, Program

_PLAIN = frozenset(
    "staticmethod classmethod property override typing.override abstractmethod abc.abstractmethod".split()
)
_ROOT_CLASSES = frozenset(
    "object abc.ABC typing.Protocol typing.Generic enum.Enum Exception pydantic.BaseModel torch.nn.Module".split()
)
"""They call no method that their heirs think of, or only such as are called by name elsewhere too."""
_PUBLISHED = "include"
_ENDS_OF_STRINGS = ("'", '"', "{", "%")
_OUTER = 2
"""A library's `include` is its own folder or lies in it; those further in are for the library itself."""

_Lines = dict[str, list[tuple[int, int]]]
"""By path: the stretches in which a name says nothing, for there it is defined."""


class UnusedCode:
    """`paths` are the files in which a name may be mentioned, also those that could not be linked."""

    def __init__(self, program: Program, paths: Iterable[str], text_of: Callable[[str], str]) -> None:
        self._program = program
        self._paths = tuple(paths)
        self._text_of = text_of

    def names_at(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """Of these places those in code that nothing mentions, with the name of that code."""
        asked = {place: self._candidates(*place) for place in places}
        unused = self._unmentioned({name: where for found in asked.values() for name, where in found})
        named = ((place, next((n for n, _ in found if n in unused), "")) for place, found in asked.items())
        return {place: name for place, name in named if name}

    def _candidates(self, path: str, line: int) -> list[tuple[str, _Lines]]:
        """The function around a line and its class, where only the tree can use them, and where they are defined."""
        around = (f for f in self._program.functions_in(path) if f.facts.line <= line <= f.facts.end_line)
        function = min((f for f in around if f.name != "<module>"), key=lambda f: f.facts.line, default=None)
        if function is None or function.name == "main":
            return []
        cls, owner = function.owner, function.facts.owner.rpartition(".")[2]
        if cls is not None and _is_registered(cls):
            return []
        found = []
        if owner and self._is_private_or_imported(path, owner):
            found.append((owner, self._ranges_of_class(owner)))
        if self._is_only_called_by_name(function, owner):
            found.append((function.name, _ranges(self._program.functions_named(function.name))))
        return found

    def _is_only_called_by_name(self, function: FunctionInfo, owner: str) -> bool:
        name, facts = function.name, function.facts
        if name.startswith(("__", "~", "operator")) or name == owner or not name.isidentifier():
            return False
        if not _PLAIN.issuperset(facts.decorators) or {"virtual", "override"} & set(facts.specifiers):
            return False
        if function.owner is not None and not _is_closed(function.owner):
            return False
        return self._is_private_or_imported(function.path, name) and not self._is_published(name)

    def _is_private_or_imported(self, path: str, name: str) -> bool:
        return name.startswith("_") or PurePosixPath(path).stem in roots_of(self._program).imported

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

    def _unmentioned(self, names: Mapping[str, _Lines]) -> frozenset[str]:
        """Those that stand nowhere as a word, and of which no beginning ends a string to be put together."""
        near = {path for defined in names.values() for path in defined}
        paths = sorted(self._paths, key=lambda path: (path not in near, path))
        for mentions in (_words, _beginnings):
            left = dict(names)
            for path in paths if left else ():
                text = self._text_of(path)
                for name in [n for n, at in left.items() if _is_outside(mentions(n, text), text, at.get(path, ()))]:
                    del left[name]
                if not left:
                    break
            names = left
        return frozenset(names)


def _is_registered(cls: ClassInfo) -> bool:
    """May it be made where its name does not stand: by a decorator, or by a class that knows its heirs?"""
    if any("__init_subclass__" in above.facts.methods for above in cls.mro[1:]):
        return True
    return any(c.facts.keywords or any(not d.startswith("dataclass") for d in c.facts.decorators) for c in cls.mro)


def _is_closed(cls: ClassInfo) -> bool:
    """Are all its bases classes of the tree, so that no other package calls its methods?"""
    return _ROOT_CLASSES.issuperset(base for above in cls.mro for base in above.unknown_bases)


def _ranges(defined: Iterable[FunctionInfo | ClassInfo]) -> _Lines:
    ranges: _Lines = {}
    for entity in defined:
        ranges.setdefault(entity.path, []).append((entity.facts.line, entity.facts.end_line))
    return ranges


def _is_outside(mentions: Iterable[int], text: str, defined: Sequence[tuple[int, int]]) -> bool:
    lines = (text.count("\n", 0, at) + 1 for at in mentions)
    return any(not any(start <= line <= end for start, end in defined) for line in lines)


def _words(name: str, text: str) -> Iterator[int]:
    """Where the name stands as a word; looked for by hand, for a pattern that begins with a word's edge is slow."""
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        if not _is_in_word(text, at - 1) and not _is_in_word(text, end):
            yield at
        at = text.find(name, end)


def _beginnings(name: str, text: str) -> Iterator[int]:
    """Where a beginning of the name ends a string: `getattr(self, "opset_" + version)` means `opset_11`."""
    for cut in (at + 1 for at, letter in enumerate(name) if letter == "_" and at > 2):
        at = text.find(name[:cut])
        while at >= 0:
            if text[at + cut : at + cut + 1] in _ENDS_OF_STRINGS and not _is_in_word(text, at - 1):
                yield at
            at = text.find(name[:cut], at + cut)


def _is_in_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_")
