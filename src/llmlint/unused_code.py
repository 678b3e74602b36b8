"""Code that nothing in the tree mentions: what is wrong there happens to nobody.

A function is unused when its name stands nowhere but in definitions of that name, a class likewise; comments and
strings count as mentions, for names are also called through strings, whole or put together. What others may call unseen
is left alone: what carries a decorator, overrides a class of another package, is known to the class it inherits from,
stands in a file that nobody imports, or is declared in the project's `include` folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from llmlint.code.domain.roots import Roots
from llmlint.code.domain.whereabouts import functions_at
from llmlint.code.facts.facts import Class, FileFacts, Function

_PLAIN = frozenset(
    "staticmethod classmethod property override typing.override abstractmethod abc.abstractmethod".split()
)
_ROOT_CLASSES = frozenset(
    "object ABC abc.ABC Protocol Generic Enum enum.Enum typing.Protocol typing.Generic Exception BaseModel nn.Module "
    "pydantic.BaseModel torch.nn.Module".split()
)
"""They call no method that their heirs think of, or only such as are called by name elsewhere too."""
_PUBLISHED = "include"
_ENDS_OF_STRINGS = ("'", '"', "{", "%")
_OUTER = 2
"""A library's `include` is its own folder or lies in it; those further in are for the library itself."""

_Lines = dict[str, list[tuple[int, int]]]
"""By path: the stretches in which a name says nothing, for there it is defined."""


class UnusedCode:
    def __init__(self, files: Mapping[str, FileFacts], roots: Roots, text_of: Callable[[str], str]) -> None:
        self._files = files
        self._roots = roots
        self._text_of = text_of

    def names_at(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """Of these places those in code that nothing mentions, with the name of that code."""
        asked = {place: self._candidates(*place) for place in places}
        unused = self._unmentioned({name: where for found in asked.values() for name, where in found})
        named = ((place, next((n for n, _ in found if n in unused), "")) for place, found in asked.items())
        return {place: name for place, name in named if name}

    def _candidates(self, path: str, line: int) -> list[tuple[str, _Lines]]:
        """The function around a line and its class, where only the tree can use them, and where they are defined."""
        functions = functions_at(self._files[path], line)
        outermost = min(functions, key=lambda function: function.line, default=None)
        if outermost is None or outermost.name == "main":
            return []
        owner = outermost.owner.rpartition(".")[2]
        if any(map(self._is_registered, self._classes.get(owner, ()))):
            return []
        found = []
        if owner and self._is_private_or_imported(path, owner):
            found.append((owner, self._ranges_of_class(owner)))
        if self._is_only_called_by_name(path, outermost, owner):
            found.append((outermost.name, self._ranges_of(outermost.name)))
        return found

    def _is_only_called_by_name(self, path: str, function: Function, owner: str) -> bool:
        name = function.name
        if name.startswith(("__", "~", "operator")) or name == owner or not name.isidentifier():
            return False
        if not _PLAIN.issuperset(function.decorators) or {"virtual", "override"} & set(function.specifiers):
            return False
        if owner and not all(self._is_closed(cls) for cls in self._classes.get(owner, ())):
            return False
        return self._is_private_or_imported(path, name) and not self._is_published(name)

    def _is_private_or_imported(self, path: str, name: str) -> bool:
        return name.startswith("_") or PurePosixPath(path).stem in self._roots.imported

    def _is_published(self, name: str) -> bool:
        declared = [path.removeprefix(self._roots.outside) for path, f in self._functions[name] if not f.has_body]
        return any(_PUBLISHED in PurePosixPath(path.lstrip("/")).parts[:_OUTER] for path in declared)

    def _is_registered(self, cls: Class, above: frozenset[str] = frozenset()) -> bool:
        """May it be made where its name does not stand: by a decorator, or by a class that knows its heirs?"""
        if any(not d.startswith("dataclass") for d in cls.decorators) or cls.keywords:
            return True
        bases = {re.split(r"[\[<]", base)[0].replace("::", ".").rpartition(".")[2] for base in cls.bases} - above
        known = [other for base in bases for other in self._classes.get(base, ())]
        return any(
            "__init_subclass__" in other.methods or other.keywords or self._is_registered(other, above | bases)
            for other in known
        )

    def _is_closed(self, cls: Class, above: frozenset[str] = frozenset()) -> bool:
        """Are all its bases classes of the tree, so that no other package calls its methods?"""
        for base in cls.bases:
            name = re.split(r"[\[<]", base)[0]
            last = name.replace("::", ".").rpartition(".")[2]
            if name in _ROOT_CLASSES or last in above:
                continue
            known = self._classes.get(last, ())
            if not known or not all(self._is_closed(other, above | {last}) for other in known):
                return False
        return True

    @cached_property
    def _classes(self) -> dict[str, list[Class]]:
        found: dict[str, list[Class]] = {}
        for facts in self._files.values():
            for cls in facts.classes:
                found.setdefault(cls.name, []).append(cls)
        return found

    @cached_property
    def _functions(self) -> dict[str, list[tuple[str, Function]]]:
        found: dict[str, list[tuple[str, Function]]] = {}
        for path, facts in self._files.items():
            for function in facts.functions:
                found.setdefault(function.name, []).append((path, function))
        return found

    def _ranges_of(self, name: str) -> _Lines:
        ranges: _Lines = {}
        for path, function in self._functions[name]:
            ranges.setdefault(path, []).append((function.line, function.end_line))
        return ranges

    def _ranges_of_class(self, name: str) -> _Lines:
        ranges: _Lines = {}
        for path, body in self._bodies_of_classes.get(name, ()):
            ranges.setdefault(path, []).append(body)
        return ranges

    @cached_property
    def _bodies_of_classes(self) -> dict[str, list[tuple[str, tuple[int, int]]]]:
        found: dict[str, list[tuple[str, tuple[int, int]]]] = {}
        for path, facts in self._files.items():
            for cls in facts.classes:
                found.setdefault(cls.name, []).append((path, (cls.line, cls.end_line)))
            for f in facts.functions:
                if f.owner:
                    found.setdefault(f.owner.rpartition(".")[2], []).append((path, (f.line, f.end_line)))
        return found

    def _unmentioned(self, names: Mapping[str, _Lines]) -> frozenset[str]:
        """Those that stand nowhere as a word, and of which no beginning ends a string to be put together."""
        near = {path for defined in names.values() for path in defined}
        paths = sorted(self._files, key=lambda path: (path not in near, path))
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
