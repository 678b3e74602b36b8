"""The state of an object: which attributes its methods fill, and which one method handles.

State rules ask three things here: what changes an attribute (`changes_of`), which functions only run while the object
is made (`is_setup`), and what a method touches with all it calls (`handled_by`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from llmlint.code.facts.facts import Effect, Function
from llmlint.code.facts.gists import CHANGING
from llmlint.code.flow.summaries import does, mentions
from llmlint.code.link.once import once
from llmlint.code.link.program import AttributeInfo, ClassInfo, FunctionInfo, Program
from llmlint.findings import Place

CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__", "__init_subclass__"})
_SETUP = ("init", "setup", "profile", "warmup", "allocate_kv")
_LOGGING = re.compile(r"(^|\.)(print|log|logger|logging|LOG_\w+|\w*_LOG_\w+|printf|fprintf)($|\.)")


class Change(msgspec.Struct, frozen=True):
    """One effect on an attribute of `self`."""

    attribute: str
    function: FunctionInfo
    effect: Effect


@lru_cache(maxsize=65536)
def attribute_of(path: str) -> str:
    """The attribute of self a path goes through: `waiting` for `self.waiting[].status`; "" when it is none."""
    if not path.startswith("self."):
        return ""
    end = min((at for at in (path.find(mark, 5) for mark in ".[(") if at > 0), default=len(path))
    return "" if path[end : end + 1] == "(" else path[5:end]


def functions_of(program: Program, cls: ClassInfo) -> tuple[FunctionInfo, ...]:
    """The methods of a class and the functions nested in them, in source order; inherited ones are not among them."""
    return program.functions_of(cls)


def changes_of(program: Program, cls: ClassInfo) -> Mapping[str, Sequence[Change]]:
    """Every change the methods of a class and of its bases make to each attribute of the object, bases first."""
    kept = once(program, _kept_changes)
    if cls not in kept:
        found = kept[cls] = {}
        for ancestor in reversed(cls.mro):
            for function in functions_of(program, ancestor):
                for attribute, effect in once(function.settled, _changed):
                    found.setdefault(attribute, []).append(Change(attribute, function, effect))
    return kept[cls]


def _kept_changes(program: Program) -> dict[ClassInfo, dict[str, list[Change]]]:
    return {}


def _changed(function: Function) -> tuple[tuple[str, Effect], ...]:
    """The attributes of `self` that a function changes, and by what."""
    changing = ((attribute_of(effect.path), effect) for effect in function.effects if effect.op in CHANGING)
    return tuple((attribute, effect) for attribute, effect in changing if attribute)


def is_keyed(known: AttributeInfo) -> bool:
    """A dict or a set grows with each new key; a list, an array or a tensor indexed by a slot does not."""
    told = f"{known.annotation} {known.source}".lower()
    return any(kind in told for kind in ("map", "dict", "set", "counter")) or known.source.strip() == "{}"


def grows(change: Change, known: AttributeInfo) -> bool:
    """Does the change add an entry to the attribute itself? Writing into a list's or a tensor's slot adds none."""
    effect = change.effect
    return (
        effect.op == "insert" and effect.path == f"self.{change.attribute}" and (effect.via != "[]=" or is_keyed(known))
    )


def is_setup(function: FunctionInfo) -> bool:
    """Does the function run while the object is made, before it serves?"""
    return function.name in CONSTRUCTORS or function.name.lstrip("_").startswith(_SETUP)


def handled_by(program: Program, method: FunctionInfo, cls: ClassInfo) -> dict[str, Effect]:
    """Each attribute of the object that a method, with all it calls on the object, changes or hands to a call."""
    handled: dict[str, Effect] = {}
    for done in does(program, method, cls):
        if done.attribute and not (done.how == "pass" and only_looks(program, done.effect)):
            handled.setdefault(done.attribute, done.effect)
    return handled


def only_looks(program: Program, call: Effect) -> bool:
    """Does a call only look at what it is given, as one that logs it does?"""
    return call.callee in program.vocabulary.only_uses or only_says(call.callee)


def only_says(callee: str) -> bool:
    """Is it a logger's, or prints?"""
    return bool(_LOGGING.search(callee))


def mentioned_by(program: Program, method: FunctionInfo, cls: ClassInfo) -> set[str]:
    """The attributes that a method, or a method of the same object it calls, so much as reads."""
    return {attribute for path in mentions(program, method, cls) if (attribute := attribute_of(path))}


def only_logged(method: FunctionInfo) -> set[str]:
    """The attributes that a method reads for a log line and for nothing else."""
    logged: dict[int, int] = {}
    for effect in method.effects:
        if effect.op == "call" and only_says(effect.callee):
            logged[effect.line] = effect.line
    paths = [(attribute_of(path), line) for path, line in method.reads if path.startswith("self.")]
    elsewhere = {attribute for attribute, line in paths if line not in logged}
    tested = {attribute_of(path) for region in method.regions for path in region.reads}
    return {attribute for attribute, line in paths if line in logged} - elsewhere - tested


def head_of(function: FunctionInfo) -> Place:
    """Where a finding about a whole function stands: its `def` line."""
    facts = function.facts
    return Place(function.path, facts.line, facts.column, facts.line, facts.column + len("def ") + len(facts.name))


def place_of(function: FunctionInfo, effect: Effect) -> Place:
    """Where a finding about one effect stands."""
    return Place(function.path, effect.line, effect.column, effect.line, effect.column + len(effect.path))


def symbol_of(function: FunctionInfo) -> str:
    return function.facts.qualname
