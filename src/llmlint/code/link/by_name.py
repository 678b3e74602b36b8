"""What calls may run, as far as names tell: a sieve over whole programs, before any call is resolved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from llmlint.code.link.dispatch import CALLED_BY_CLASS, CONSTRUCTORS
from llmlint.code.link.entities import ClassInfo, FunctionInfo

_BY_ITS_CLASS = frozenset({"self", "super()", *CONSTRUCTORS})
"""Calls that run the constructor of the class around them, or of one above or below."""


class ByName:
    """`functions` and `classes` by their names; `aliases`: under which other names each is imported anywhere."""

    def __init__(
        self,
        functions: Mapping[str, Sequence[FunctionInfo]],
        classes: Mapping[str, Sequence[ClassInfo]],
        aliases: Mapping[str, Sequence[str]],
    ) -> None:
        self._functions = functions
        self._classes = classes
        self._meant_by: dict[str, list[str]] = defaultdict(list)
        for name, others in aliases.items():
            for other in others:
                self._meant_by[other].append(name)

    def around(self, functions: Iterable[FunctionInfo], levels: int) -> set[FunctionInfo]:
        """These, and those that so many calls from there may run."""
        found = set(functions)
        last = found
        for _ in range(levels):
            names = {(name, f.language == "python") for f in last for name in f.facts.gist.calls}
            named = {run for name, in_python in names for run in self._named(name, in_python)}
            last = named.union(*map(_by_its_class, last)) - found
            found |= last
        return found

    def _named(self, name: str, in_python: bool) -> Iterator[FunctionInfo]:
        """Not the constructors called by name: hundreds of classes have one, and few of them are meant."""
        for meant in (name, *self._meant_by.get(name, ())):
            functions = self._functions.get(meant, ()) if meant not in CONSTRUCTORS else ()
            yield from (function for function in functions if (function.language == "python") == in_python)
            for cls in self._classes.get(meant, ()):
                if (cls.language == "python") == in_python:
                    yield from _called_by_class(cls, CALLED_BY_CLASS)


def _by_its_class(function: FunctionInfo) -> Iterator[FunctionInfo]:
    owner = function.owner
    if owner is not None and not _BY_ITS_CLASS.isdisjoint(function.facts.gist.calls):
        for cls in (owner, *owner.subclasses):
            yield from _called_by_class(cls, CONSTRUCTORS)


def _called_by_class(cls: ClassInfo, names: Iterable[str]) -> Iterator[FunctionInfo]:
    return (above.methods[name] for name in names for above in cls.mro if name in above.methods)
