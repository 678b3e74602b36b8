"""Containers that only grow: who else has a hand in them, and whether the object they belong to outlives requests."""

from __future__ import annotations

from llmlint.code.domain.state import is_setup, only_looks
from llmlint.code.facts.facts import Effect
from llmlint.code.facts.gists import name_called
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program, arguments_by_parameter
from llmlint.vocabulary import words

_RUNS = frozenset("main run serve start launch init setup".split())
_HANDS = 2
"""Through how many calls an object is followed."""
_TAKING = ("remove", "clear", "delete", "assign")
_KEEPERS = frozenset("pool manager store cache registry table index map".split())


def outlives_requests(program: Program, cls: ClassInfo) -> bool:
    """Is it made neither for one request, nor again and again by the methods of another object?"""
    if program.vocabulary.speaks_of_requests(cls.name) and _KEEPERS.isdisjoint(words(cls.name)):
        return False
    if _is_made_for_a_request(program, cls):
        return False
    makers = program.functions_calling(cls.name)
    if any(maker.owner is not None and not is_setup(maker) for maker in makers):
        return False
    return not makers or any(_keeps(program, maker, cls) for maker in makers)


def _keeps(program: Program, maker: FunctionInfo, cls: ClassInfo) -> bool:
    """Is what it makes kept where it goes on living, or held by what runs for as long as the service?"""
    if maker.owner is not None or maker.name == "<module>" or not _RUNS.isdisjoint(words(maker.name)):
        return True
    made = (effect for effect in maker.effects if name_called(effect.callee) == cls.name)
    kept = (effect.result for effect in made if not _is_called_at_once(maker, effect))
    return any(not name.isidentifier() or _is_handed_on(program, maker, name) for name in kept)


def _is_called_at_once(maker: FunctionInfo, made: Effect) -> bool:
    """`Crawler(pages).run()` leaves nobody with the crawler."""
    there = (e.callee for e in maker.effects if (e.line, e.column) == (made.line, made.column))
    return any(callee.startswith(f"{made.callee}().") for callee in there)


def _is_handed_on(program: Program, function: FunctionInfo, name: str, hands: int = _HANDS) -> bool:
    """Is a local returned, stored, or given to a call that does so?"""
    names = {name}
    for effect in function.effects:
        if effect.op == "bind" and effect.source in names:
            names.add(effect.path)
        elif effect.op in ("return", "yield"):
            whole = effect.value in ("other", "container") and not names.isdisjoint(effect.reads)
            if whole or effect.path in names:
                return True
        elif effect.source in names or _is_given(program, function, effect, names, hands):
            return True
    return False


def _is_given(program: Program, function: FunctionInfo, effect: Effect, names: set[str], hands: int) -> bool:
    if all(argument.path not in names for argument in effect.args) or only_looks(program, effect):
        return False
    takers = program.callees(function, effect) if hands else ()
    given = (
        (taker, param)
        for taker in takers
        for param, argument in arguments_by_parameter(taker, effect).items()
        if argument.path in names
    )
    return not takers or any(_is_handed_on(program, taker, param, hands - 1) for taker, param in given)


def _is_made_for_a_request(program: Program, cls: ClassInfo) -> bool:
    """Does its constructor take a request, or the id of one?"""
    made = cls.method("__init__")
    names = [param.name for param in made.params] if made is not None else []
    return any(program.vocabulary.is_request_id(name) or program.vocabulary.speaks_of_requests(name) for name in names)


def is_taken_from(program: Program, cls: ClassInfo, attribute: str) -> bool:
    """Does anything anywhere shrink or replace it, or get the whole of it?"""
    if any(touch.effect.op in _TAKING and not is_setup(touch.function) for touch in program.touches(cls, attribute)):
        return True
    if any(_takes_by_name(effect, attribute) for _, effect, _ in program.changes_named(attribute)):
        return True
    path = f"self.{attribute}"
    family = dict.fromkeys((cls, *cls.mro, *cls.subclasses))
    return any(_hands_on(program, effect, path) for kin in family for f in kin.functions for effect in f.effects)


def _takes_by_name(effect: Effect, attribute: str) -> bool:
    """Does it shrink an attribute of this name of some other object, of whatever class: `model.streamer.pop()`?"""
    is_other = effect.path.endswith(f".{attribute}") and not effect.path.startswith("self.")
    return is_other and effect.op in ("remove", "clear", "delete")


def _hands_on(program: Program, effect: Effect, path: str) -> bool:
    """A local that stands for it is followed, and who logs it takes nothing out."""
    passed = effect.op in ("call", "insert") and any(argument.path == path for argument in effect.args)
    if passed and not only_looks(program, effect):
        return True
    return effect.op in ("return", "yield", "assign") and path in (effect.path, effect.source)
