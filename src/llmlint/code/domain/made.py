"""Whether a program ever makes an object of a class: one that nothing names has no object, and its methods never run.

Only of classes whose bases are all known can this be said: what a framework brings (a torch module, a model of
pydantic) may also be found by a name that stands in a table or in a file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain
from sys import intern

from llmlint.code.facts.facts import Effect, Function
from llmlint.code.link.entities import ClassInfo
from llmlint.code.link.once import once
from llmlint.code.link.program import Program

_ADDING_NOTHING = frozenset({"object", "ABC", "abc.ABC", "Generic", "typing.Generic"})
_WORD = re.compile(r"\w+")


def is_never_made(program: Program, cls: ClassInfo) -> bool:
    """Does no code name the class, nor any below it, other than to describe a type?"""
    kin = (cls, *cls.subclasses)
    return all(_is_closed(one) for one in kin) and not any(_is_named(program, one) for one in kin)


def _is_closed(cls: ClassInfo) -> bool:
    is_plain = not cls.facts.decorators and not cls.facts.keywords and "__init_subclass__" not in cls.all_methods
    return is_plain and all(set(above.unknown_bases) <= _ADDING_NOTHING for above in cls.mro)


def _is_named(program: Program, cls: ClassInfo) -> bool:
    if program.functions_calling(cls.name):
        return True
    return any(owner is not cls for owner in once(program, _namers).get(cls.name, ()))


def _namers(program: Program) -> Mapping[str, set[ClassInfo | None]]:
    """By the name of a class: whose functions name it. None stands for functions of no class, and for imports."""
    found: defaultdict[str, set[ClassInfo | None]] = defaultdict(set)
    classes = {cls.name for cls in program.classes}
    for name in _imported(program):
        found[name].add(None)
    for function in program.functions:
        for name in classes.intersection(once(function.settled, _words_of)):
            found[name].add(function.owner)
    return found


def _imported(program: Program) -> Iterator[str]:
    for facts in program.files.values():
        yield from chain.from_iterable((fact.name, fact.target) for fact in facts.imports)


def _words_of(function: Function) -> tuple[str, ...]:
    return tuple(set(chain.from_iterable(map(_words_in, _texts(function)))))


@lru_cache(maxsize=65536)
def _words_in(text: str) -> tuple[str, ...]:
    """Most texts stand in many functions."""
    return tuple(map(intern, _WORD.findall(text)))


def _texts(function: Function) -> Iterator[str]:
    yield from (path for path, _ in function.reads)
    yield from (region.text for region in function.regions)
    yield from function.decorators
    yield from (param.default for param in function.params)
    for effect in function.effects:
        yield from _texts_of(effect)


def _texts_of(effect: Effect) -> Iterator[str]:
    yield effect.callee
    yield effect.source
    yield from effect.reads
    yield from effect.holds
    for argument in effect.args:
        yield from (argument.path, argument.literal, *argument.reads)
