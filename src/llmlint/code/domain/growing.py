"""Containers that only grow: who else has a hand in them, and whether the object they belong to outlives requests."""

from __future__ import annotations

from llmlint.code.domain.state import is_setup, only_looks
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import ClassInfo, Program
from llmlint.vocabulary import words

_TAKING = ("remove", "clear", "delete", "assign")
_KEEPERS = frozenset("pool manager store cache registry table index map".split())


def outlives_requests(program: Program, cls: ClassInfo) -> bool:
    """Is it made neither for one request, nor again and again by the methods of another object?"""
    if program.vocabulary.speaks_of_requests(cls.name) and _KEEPERS.isdisjoint(words(cls.name)):
        return False
    if _is_made_for_a_request(program, cls):
        return False
    makers = program.functions_calling(cls.name)
    return not any(maker.owner is not None and not is_setup(maker) for maker in makers)


def _is_made_for_a_request(program: Program, cls: ClassInfo) -> bool:
    """Does its constructor take a request, or the id of one?"""
    made = cls.method("__init__")
    names = [param.name for param in made.params] if made is not None else []
    return any(program.vocabulary.is_request_id(name) or program.vocabulary.speaks_of_requests(name) for name in names)


def is_taken_from(program: Program, cls: ClassInfo, attribute: str) -> bool:
    """Does anything anywhere shrink or replace it, or get the whole of it?"""
    if any(touch.effect.op in _TAKING and not is_setup(touch.function) for touch in program.touches(cls, attribute)):
        return True
    path = f"self.{attribute}"
    family = dict.fromkeys((cls, *cls.mro, *cls.subclasses))
    return any(_hands_on(program, effect, path) for kin in family for f in kin.functions for effect in f.effects)


def _hands_on(program: Program, effect: Effect, path: str) -> bool:
    """A local that stands for it is followed, and who logs it takes nothing out."""
    passed = effect.op in ("call", "insert") and any(argument.path == path for argument in effect.args)
    if passed and not only_looks(program, effect):
        return True
    return effect.op in ("return", "yield", "assign") and path in (effect.path, effect.source)
