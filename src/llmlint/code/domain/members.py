"""What an object of a class can have: every attribute that anything known of the class gives it.

A class is open where something unknown may give it more: a base outside of the program, a decorator, a metaclass, hooks
for attributes, a `setattr`. Of an open class nobody can say what it lacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from llmlint.code.domain.carriers import is_mixed_in
from llmlint.code.facts.facts import Effect
from llmlint.code.facts.gists import NAMES
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.names import Outside
from llmlint.code.link.objects import One
from llmlint.code.link.program import Program

_ADDING_NOTHING = frozenset({"object", "ABC", "abc.ABC", "Generic", "typing.Generic"})
_MODULES = frozenset({"torch.nn.Module", "torch.nn.modules.Module"})
_HOOKS = frozenset({"__getattr__", "__getattribute__", "__setattr__", "__slots__"})
_FILLING = ("setattr", "__setattr__", "__dict__.update", "vars().update")
_DOTTED = re.compile(r"""["'](?:\w+\.)*?(\w+\.[A-Z]\w*)["']""")
_ASKING = frozenset({"hasattr", "getattr", "attrgetter"})
_ASKED_OF_KIND = frozenset({"isinstance", "issubclass"})
_CALLS_APART = 2
"""Who hands a table on is no further from the `setattr` than through one helper."""
_SETTERS = ("setattr", "__setattr__")
_HARMLESS = ("dataclass", "final", "total_ordering", "runtime_checkable")


class Members:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[ClassInfo, frozenset[str] | None] = {}
        self._of_modules: dict[ClassInfo, frozenset[str] | None] = {}

    def of(self, cls: ClassInfo) -> frozenset[str] | None:
        """The names of all that an object of the class, or of one below it, can have; None for an open class."""
        if cls not in self._known:
            self._known[cls] = self._of(cls, _ADDING_NOTHING)
        return self._known[cls]

    def of_module(self, cls: ClassInfo) -> frozenset[str] | None:
        """The same for a class whose only bases outside of the program are torch's modules: all but what these have."""
        if cls not in self._of_modules:
            self._of_modules[cls] = self._of(cls, _ADDING_NOTHING | _MODULES)
        return self._of_modules[cls]

    def _of(self, cls: ClassInfo, harmless: frozenset[str]) -> frozenset[str] | None:
        kin = [*cls.mro, *dict.fromkeys(above for below in cls.subclasses for above in below.mro)]
        if cls.language != "python" or "mixin" in cls.name.lower() or is_mixed_in(self._program, cls):
            return None
        if any(_is_open(one, harmless) or self._stands_in(one) or self._is_part(one) for one in kin):
            return None
        if not self._filled.isdisjoint(kin):
            return None
        inner = (qualname for one in kin for qualname in self._nested.get(f"{one.path}:{one.facts.qualname}", ()))
        return frozenset((*(name for one in kin for name in own_names(one)), *inner))

    def _stands_in(self, cls: ClassInfo) -> bool:
        """Is it defined for where an import of the same name fails? Then an object is mostly of the other."""
        return any(imported.name == cls.name for imported in self._program.files[cls.path].imports)

    def _is_part(self, cls: ClassInfo) -> bool:
        """Does it ask whether its own object is of a class that is no kin of it? Then it is mixed into that one."""
        asking = (f for f in cls.functions if not _ASKED_OF_KIND.isdisjoint(f.facts.gist.calls))
        for function in asking:
            for effect in function.effects:
                if effect.callee in _ASKED_OF_KIND and len(effect.args) > 1 and effect.args[0].path == "self":
                    names = (effect.args[1].path, *effect.args[1].reads)
                    asked = (one for name in names if name for one in self._program.meanings(function, name))
                    if any(isinstance(one, Outside) or _is_a_stranger(one, cls) for one in asked):
                        return True
        return False

    def is_tabled(self, cls: ClassInfo, name: str) -> bool:
        """Does a table beside the class or its kin spell it out, from which somebody sets what is named there?"""
        kin = (*cls.mro, *(above for below in cls.subclasses for above in below.mro))
        return any(
            table.kept_as in self._looked_up if table.kept_as else path in self._set_in
            for path in dict.fromkeys(one.path for one in kin)
            for table in self._program.files[path].tables
            if name in table.names
        )

    @cached_property
    def _setting(self) -> frozenset[FunctionInfo]:
        """The functions that set something, on another object than `self`, under a name that is no literal."""
        return frozenset(function for function, effect in self._lookups() if effect.args[0].path != "self")

    @cached_property
    def _set_in(self) -> frozenset[str]:
        return frozenset(function.path for function in self._setting)

    @cached_property
    def _looked_up(self) -> frozenset[str]:
        """The names that these functions read, and whoever has them do it for him."""
        asking = newest = set(self._setting)
        for _ in range(_CALLS_APART):
            newest = {caller for function in newest for caller, _ in self._program.callers(function)} - asking
            asking |= newest
        effects = (effect for function in asking for effect in function.effects)
        read = (path for effect in effects for path in (effect.callee, *effect.reads, *_given_by(effect)))
        return frozenset(name for path in read for name in NAMES.findall(path))

    @cached_property
    def _filled(self) -> frozenset[ClassInfo]:
        """The classes that are given what somebody looks up: `setattr(Builder, name, made)`."""
        given = (one for function, e in self._lookups() for one in self._program.meanings(function, e.args[0].path))
        return frozenset(one for one in given if isinstance(one, ClassInfo))

    def _lookups(self) -> Iterator[tuple[FunctionInfo, Effect]]:
        """Where an object or a class is given something under a name that is no literal."""
        for setter in _SETTERS:
            for function, effect in self._program.calls_named(setter):
                is_asked = effect.callee == _SETTERS[0] or setter != _SETTERS[0]  # no `patch.setattr` of a test
                if function.language == "python" and is_asked and len(effect.args) > 2 and not effect.args[1].literal:
                    yield function, effect

    def surely_has(self, cls: ClassInfo, name: str) -> bool:
        """Has each object of the class, and of those below it, something of this name, whatever was done with it?"""
        return cls.method(name) is not None or any(_gives(above, name) for above in cls.mro)

    def surely_lacks(self, cls: ClassInfo, name: str) -> bool:
        """Is it nothing that an object of the class can have, also where somebody asks whether it is there?"""
        known = self.of(cls)
        return known is not None and name not in known and name not in self._set_from_outside

    def is_spelt_out(self, cls: ClassInfo) -> bool:
        """Does a text say where to find it? Then a library takes it from there, and may mix it into what it likes."""
        kin = (cls, *cls.subclasses)
        return any(f"{one.module.rpartition('.')[2]}.{one.name}" in self._spelt_out for one in kin)

    @cached_property
    def _spelt_out(self) -> frozenset[str]:
        """The last two names of each dotted path that is written as a text: `servers.Extension`."""
        effects = [effect for function in self._program.functions for effect in function.effects]
        given = (argument.literal for effect in effects for argument in effect.args if argument.literal)
        kept = (effect.source for effect in effects if effect.value == "constant")
        return frozenset(match[1] for text in (*given, *kept) if (match := _DOTTED.fullmatch(text)))

    @cached_property
    def _nested(self) -> dict[str, list[str]]:
        """The classes that stand in another, by that one."""
        found: dict[str, list[str]] = {}
        for cls in self._program.classes:
            outer = cls.facts.qualname.rpartition(".")[0]
            if outer:
                found.setdefault(f"{cls.path}:{outer}", []).append(cls.name)
        return found

    @cached_property
    def set_elsewhere(self) -> frozenset[str]:
        """Attributes that are set on an object from outside of its class, or spoken of by their name."""
        gists = (function.facts.gist for function in self._program.functions)
        return frozenset(name for gist in gists for name in (*gist.sets, *gist.spoken))

    @cached_property
    def _set_from_outside(self) -> frozenset[str]:
        """The same without what is only asked for by its name."""
        gists = ((f, f.facts.gist) for f in self._program.functions if f.language == "python")
        speaking = [function for function, gist in gists if gist.spoken]
        calls = (e for function in speaking for e in function.effects if e.callee)
        given = (e for e in calls if e.callee.rpartition(".")[2] not in _ASKING)
        told = (a.literal.strip("'\"-").replace("-", "_") for e in given for a in e.args if a.literal)
        return frozenset((*told, *(name for f in self._program.functions for name in f.facts.gist.sets)))

    @cached_property
    def anywhere(self) -> frozenset[str]:
        """What any class of the program has."""
        classes = (cls for cls in self._program.classes if cls.language == "python")
        return frozenset(name for cls in classes for name in own_names(cls))


def own_names(cls: ClassInfo) -> Iterator[str]:
    for name in cls.attribute_names:
        yield name
        if name.startswith("__") and not name.endswith("__"):
            yield f"_{cls.name.lstrip('_')}{name}"  # as it is called from outside
    yield from cls.methods
    yield from cls.facts.methods


def _given_by(effect: Effect) -> Iterator[str]:
    yield effect.source
    for argument in effect.args:
        yield argument.path
        yield from argument.reads


def _is_a_stranger(one: One, cls: ClassInfo) -> bool:
    return isinstance(one, ClassInfo) and not one.is_kin_of(cls)


def _gives(cls: ClassInfo, name: str) -> bool:
    """Does the class body give each object a value of this name, or a field that its maker has to fill?"""
    return any(f.name == name and (f.value or cls.declares_fields) for f in cls.facts.fields)


def _is_open(cls: ClassInfo, harmless: frozenset[str]) -> bool:
    facts = cls.facts
    return (
        len(facts.bases) != len(cls.bases) + len(cls.unknown_bases)
        or not set(cls.unknown_bases) <= harmless
        or bool(facts.keywords)
        or any(not d.partition("(")[0].endswith(_HARMLESS) for d in facts.decorators)
        or not _HOOKS.isdisjoint(own_names(cls))
        or any(e.callee.endswith(_FILLING) for function in cls.functions for e in function.effects)
    )
