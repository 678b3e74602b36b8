"""Entries of containers: what makes one under a key, and what takes it away again or makes it blank."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import attribute_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.conditions import Fact, implied
from llmlint.code.link.exits import chain
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.vocabulary import Vocabulary

_ENTERS = frozenset("[]= setdefault add emplace insert try_emplace insert_or_assign".split())
_FINDS = ("count", "contains", "has")
_BLANK = frozenset("-1 0 0.0 None False false nullptr NULL".split()) | {'""', "''"}


def entered(effect: Effect) -> str:
    """The attribute of the object in which the effect makes an entry; "" for none."""
    is_entry = effect.op == "insert" and effect.via in _ENTERS and bool(effect.key)
    return _whole(effect) if is_entry and not _is_blank(effect) else ""


def taken(effect: Effect) -> str:
    """The attribute from which the effect takes an entry, or in which it makes one blank: `del self.pos[i]`,
    `self.pos[i] = -1`; "" for none."""
    is_removal = effect.op == "remove" and bool(effect.key) and effect.key != ":" and effect.key not in _BLANK
    return _whole(effect) if is_removal or _is_blank(effect) else ""


def _is_blank(effect: Effect) -> bool:
    if effect.op != "insert" or effect.via != "[]=" or not effect.key:
        return False
    return effect.value in ("none", "empty") or (effect.value == "constant" and effect.source in _BLANK)


def _whole(effect: Effect) -> str:
    attribute = attribute_of(effect.path)
    return attribute if effect.path == f"self.{attribute}" else ""


def is_first(function: FunctionInfo, effect: Effect) -> bool:
    """Does it stand where a test has found no entry under its key: `if key not in self.pos: self.pos[key] = None`?"""
    got = {
        e.result: next((a.literal for a in e.args[1:]), "None")
        for e in function.effects
        if e.callee == f"{effect.path}.get" and e.result and e.args and e.args[0].path == effect.key
    }
    return any(
        (atom == ("in", effect.key, effect.path) and not holds)
        or (atom[0] == "none" and holds and got.get(atom[1]) == "None")
        or (atom[0] == "==" and holds and got.get(atom[1]) == atom[2])
        for atom, holds in known_around(function, effect)
    )


def is_renewed(function: FunctionInfo, effect: Effect) -> bool:
    """Does it stand where a test has found an entry under its key: `if (it != sizes.end()) { sizes[name] = 4; }`?"""
    path, key = effect.path, effect.key
    searches = (e for e in function.effects if e.callee == f"{path}.find" and [a.path for a in e.args] == [key])
    found = {f"{path}.find({key})", *(e.result for e in searches if e.result.isidentifier())}
    asked = {f"{path}.{method}({key})" for method in _FINDS}
    return any(
        (atom == ("in", key, path) and holds)
        or (atom[0] == "true" and atom[1] in asked and holds)
        or (atom[0] == "==" and {*atom[1:]} & found and f"{path}.end()" in atom[1:] and not holds)
        for atom, holds in known_around(function, effect)
    )


def known_around(function: FunctionInfo, effect: Effect) -> Iterator[Fact]:
    """What the tests that it stands under say."""
    for at in chain(function, effect.region):
        region = function.regions[at]
        test = function.settled_test(region.test) if region.kind in ("if", "else") else None
        if test is not None:
            yield from implied(test, region.kind == "if")


def is_of_request(vocabulary: Vocabulary, effect: Effect) -> bool:
    """Is the entry one of a request: its key is a request's id, or an element of a list of such ids?"""
    keys = (effect.key, *(argument.path for argument in effect.args))
    return any(vocabulary.is_request_id(key.removesuffix("s[]")) for key in keys if key)


def those_around(program: Program, function: FunctionInfo, cls: ClassInfo) -> list[FunctionInfo]:
    """The functions of the object that call this one, directly or through each other."""
    found = [function]
    own = [one for ancestor in cls.mro for one in ancestor.functions]
    for each in found:
        callers = (call.function for call in program.callers_among(each, own))
        found += dict.fromkeys(caller for caller in callers if caller not in found)
    return found[1:]
