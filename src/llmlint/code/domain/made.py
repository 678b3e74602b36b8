"""Whether a program ever makes an object of a class: one that nothing names has no object, and its methods never run.

Only of classes whose bases are all known can this be said: what a framework brings (a torch module, a model of
pydantic) may also be found by a name that stands in a table or in a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.facts.facts import Effect
from llmlint.code.link.entities import ClassInfo, FunctionInfo
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
    if program.calls_named(cls.name) or any(cls.name in names for names in _imported(program)):
        return True
    return any(_names(text, cls.name) for f in program.functions if f.owner is not cls for text in _texts(f))


def _names(text: str, name: str) -> bool:
    return name in text and name in _WORD.findall(text)


def _imported(program: Program) -> Iterator[tuple[str, str]]:
    for facts in program.files.values():
        yield from ((fact.name, fact.target) for fact in facts.imports)


def _texts(function: FunctionInfo) -> Iterator[str]:
    yield from (path for path, _ in function.reads)
    yield from (region.text for region in function.regions)
    yield from function.facts.decorators
    yield from (param.default for param in function.facts.params)
    for effect in function.effects:
        yield from _texts_of(effect)


def _texts_of(effect: Effect) -> Iterator[str]:
    yield effect.callee
    yield effect.source
    yield from effect.reads
    yield from effect.holds
    for argument in effect.args:
        yield from (argument.path, argument.literal, *argument.reads)
