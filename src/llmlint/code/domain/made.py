"""Whether a program ever makes an object of a class: one that nothing names has no object, and its methods never run.

Only of classes whose bases are all known can this be said: what a framework brings (a torch module, a model of
pydantic) may also be found by a name that stands in a table or in a file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from sys import intern

from llmlint.code.facts.facts import Effect, Function
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.once import once
from llmlint.code.link.program import Program

_ADDING_NOTHING = frozenset({"object", "ABC", "abc.ABC", "Generic", "typing.Generic"})
_WORD = re.compile(r"\w+")


def is_never_made(program: Program, cls: ClassInfo) -> bool:
    """Does no code name the class, nor any below it, other than to describe a type?"""
    kin = (cls, *cls.subclasses)
    return all(_is_closed(one) for one in kin) and not any(_is_named(program, one) for one in kin)


def why_never_made(program: Program, cls: ClassInfo | None) -> str:
    """Said of the class that a method stands in; "" of a plain function, and where objects may be made."""
    return f"no code makes a {cls.name}" if cls is not None and is_never_made(program, cls) else ""


def _is_closed(cls: ClassInfo) -> bool:
    is_plain = not cls.facts.decorators and not cls.facts.keywords and "__init_subclass__" not in cls.all_methods
    return is_plain and all(set(above.unknown_bases) <= _ADDING_NOTHING for above in cls.mro)


def _is_named(program: Program, cls: ClassInfo) -> bool:
    if program.functions_calling(cls.name):
        return True
    return cls.name in once(program, _imported) or any(user.owner is not cls for user in namers(program, cls.name))


def namers(program: Program, name: str) -> Sequence[FunctionInfo]:
    """The functions that name a class of this name, other than to describe a type."""
    return once(program, _namers).get(name, ())


def _namers(program: Program) -> Mapping[str, Sequence[FunctionInfo]]:
    found: defaultdict[str, list[FunctionInfo]] = defaultdict(list)
    classes = {cls.name for cls in program.classes}
    for function in program.functions:
        for name in classes.intersection(once(function.settled, _words_of)):
            found[name].append(function)
    return found


def _imported(program: Program) -> frozenset[str]:
    imports = (fact for facts in program.files.values() for fact in facts.imports)
    return frozenset(name for fact in imports for name in (fact.name, fact.target))


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
