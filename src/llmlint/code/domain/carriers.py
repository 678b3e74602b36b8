"""Classes whose methods run on objects of others.

A carrier only brings methods along: `patch(mod.Worker, "run", ours.Worker.run)`. A class may also be mixed into one
that is made while the program runs: `class Made(base, kind)`, where `kind` is a local, or
`type(name, (kind, Base), {})`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llmlint.code.domain.made import namers
from llmlint.code.facts.facts import Effect
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.once import once
from llmlint.code.link.program import Program

_MAKERS = ("type", "new_class")
_BASES_AT = 1


def is_carrier(program: Program, cls: ClassInfo) -> bool:
    """Is a method of it handed on as a value, and the class itself named nowhere?"""
    if cls.subclasses or cls.language != "python":
        return False
    names = {cls.name, *once(program, _aliases).get(cls.name, ())}
    is_handed_on = False
    for user in _users(program, cls, names):
        for path, is_value in _paths_of(user):
            for rest in _behind(program, user, path, names, cls):
                if rest.partition(".")[0] not in cls.methods:
                    return False
                is_handed_on = is_handed_on or is_value
    return is_handed_on


def _users(program: Program, cls: ClassInfo, names: set[str]) -> Iterator[FunctionInfo]:
    """Who may speak of the class, by its own name or by the one that an import gives it."""
    yield from (user for user in namers(program, cls.name) if user.owner is not cls)
    for path, facts in program.files.items() if len(names) > 1 else ():
        if any(fact.target == cls.name != fact.name for fact in facts.imports):
            yield from program.functions_in(path)


def _aliases(program: Program) -> Mapping[str, Sequence[str]]:
    return program.names.import_aliases()


def _paths_of(function: FunctionInfo) -> Iterator[tuple[str, bool]]:
    """The paths that a function speaks of, other than what it calls methods on; is it a value that goes elsewhere?"""
    called = {effect.callee.rpartition(".")[0] for effect in function.effects if effect.callee}
    yield from ((path, False) for path, _ in function.reads if path not in called)
    yield from ((text, False) for text in (*function.facts.decorators, *(p.default for p in function.facts.params)))
    for effect in function.effects:
        yield effect.callee, False
        yield from ((path, False) for path in effect.reads)
        yield from ((path, True) for path in _values_of(effect))


def _values_of(effect: Effect) -> Iterator[str]:
    yield from (argument.path for argument in effect.args)
    yield from (*effect.options, *effect.holds)
    yield effect.source if effect.value == "path" else ""


def _behind(program: Program, function: FunctionInfo, path: str, names: set[str], cls: ClassInfo) -> Iterator[str]:
    """What follows the class in a path: `run` of `ours.Worker.run`, "" where it is the class itself."""
    parts = path.split(".")
    for at, part in enumerate(parts):
        if part.rstrip("()[]") in names:
            meant = program.meanings(function, ".".join((*parts[:at], part.rstrip("()[]"))))
            if cls in meant:
                yield ".".join(parts[at + 1 :])


def is_mixed_in(program: Program, cls: ClassInfo) -> bool:
    """Is it, or a class below it, a base of a class that is made while the program runs?"""
    mixed = once(program, _mixed_in)
    return bool(mixed) and any(one in mixed for one in (cls, *cls.subclasses))


def _mixed_in(program: Program) -> frozenset[ClassInfo]:
    paths = (*_local_bases(program), *_given_bases(program))
    return frozenset(one for at, path in paths for one in program.meanings(at, path) if isinstance(one, ClassInfo))


def _local_bases(program: Program) -> Iterator[tuple[FunctionInfo, str]]:
    """The bases of classes within functions that are none of the program's by their names."""
    for cls in program.classes:
        outer = cls.facts.qualname.rpartition(".")[0]
        if outer and cls.language == "python" and cls.unknown_bases:
            around = (function for function in program.functions_in(cls.path) if function.facts.qualname == outer)
            yield from ((function, base) for function in around for base in cls.facts.bases)


def _given_bases(program: Program) -> Iterator[tuple[FunctionInfo, str]]:
    for name in _MAKERS:
        for function, effect in program.calls_named(name):
            if len(effect.args) > _BASES_AT and function.language == "python":
                yield from ((function, path) for path in effect.args[_BASES_AT].reads)
