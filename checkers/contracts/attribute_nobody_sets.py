"""LLM902: an attribute is read that no class of the object sets, and nobody sets from outside."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from llmlint.code.domain.answers import is_answered_at
from llmlint.code.domain.carriers import is_carrier
from llmlint.code.domain.doubts import may_be_unknown
from llmlint.code.domain.made import why_never_made
from llmlint.code.domain.members import Members
from llmlint.code.domain.never_entered import why_never_entered
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect, Function
from llmlint.code.link.exits import around, left_above
from llmlint.code.link.objects import Instance
from llmlint.code.link.once import once
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program, root_of
from llmlint.findings import Place, Report, Step

_OWN = re.compile(r"self\.(\w+)")
_OF_OBJECT = re.compile(r"((?:self\.)?\w+(?:\[\])?)\.(\w+)")
_PASSED = frozenset({"body", "try", "with"})
"""Control comes into these whatever holds."""
_ASKING = ("isinstance", "hasattr")
_OF_CLASSES = frozenset(dir(type))
_WORD = re.compile(r"\w+")
_NEAR = 0.85
_OBJECT_AND_KIND = 2
_LETTERS = 2
"""A slip of the pen is no longer: who says more means something else."""
_MOST = 2
"""A class that lacks more is one half of something, and whoever inherits from it brings the other."""


class _Missing(NamedTuple):
    function: FunctionInfo
    line: int
    path: str
    name: str
    cls: ClassInfo


def check_program(program: Program) -> Iterator[Report]:
    members = once(program, Members)
    missing: dict[ClassInfo, list[_Missing]] = {}
    for function in program.asked.functions:
        if function.language == "python" and not once(function.facts, _expects_none):
            for found in _own(program, members, function):
                missing.setdefault(found.cls, []).append(found)
            yield from (_report(program, found, members) for found in _of_others(program, members, function))
    for found_in_class in missing.values():
        if len({found.name for found in found_in_class}) <= _MOST:
            yield from (_report(program, found, members) for found in found_in_class)


def _expects_none(function: Function) -> bool:
    return any(region.kind == "except" and "AttributeError" in region.text for region in function.regions)


# ---------------------------------------------------------------- self


def _own(program: Program, members: Members, function: FunctionInfo) -> Iterator[_Missing]:
    cls = function.owner
    if cls is None or not _is_of_owner(program, function, cls) or _is_never_built(cls):
        return
    for name, line in once(function.facts, _read_of_self).items():
        if cls.has_member(name) or name in cls.attributes:
            continue
        known = members.of(cls)
        if known is None:
            known = _of_module(members, cls, name)
        if known is not None and name not in known and name not in members.set_elsewhere:
            if members.is_tabled(cls, name) or (name in _OF_CLASSES and _is_the_class(program, function)):
                continue
            if not members.is_spelt_out(cls) and not is_carrier(program, cls):
                yield _Missing(function, line, f"self.{name}", name, cls)


def _is_of_owner(program: Program, function: FunctionInfo, cls: ClassInfo) -> bool:
    """Is `self` in it an object of the class that it stands in, and none that is handed over?"""
    holder = max(filter(_says_self, program.functions_around(function)), key=_depth, default=None)
    if holder is None or not holder.takes_self:
        return False  # a static method, a function with a `self` of its own, a callback that is kept in a class
    said = set(_WORD.findall(holder.facts.params[0].annotation))
    return not said or not said.isdisjoint({"Self", cls.name})


def _is_the_class(program: Program, function: FunctionInfo) -> bool:
    """Is what it calls `self` or `cls` a class, and so an object of `type`?"""
    return any(around.is_class_method for around in program.functions_around(function) if around.is_method)


def _says_self(function: FunctionInfo) -> bool:
    """Does it bind `self`, or `cls` as a method does?"""
    names = [param.name for param in function.facts.params]
    return "self" in names or (function.is_method and names[:1] == ["cls"])


def _depth(function: FunctionInfo) -> int:
    return function.facts.qualname.count(".")


def _is_never_built(cls: ClassInfo) -> bool:
    """Does its constructor only raise? Then objects made as others are given this class."""
    made = cls.method("__init__")
    if made is None:
        return False
    raised = (effect for effect in made.effects if effect.op == "raise")
    return any(all(region.kind in _PASSED for region in around(made, effect)) for effect in raised)


def _of_module(members: Members, cls: ClassInfo, name: str) -> frozenset[str] | None:
    """What a module of torch has, where the name is none of the program's and is spelt nearly as one of these."""
    if name in members.anywhere:
        return None
    known = members.of_module(cls)
    near = _nearest(name, sorted(known)) if known is not None else ""
    return known if near and abs(len(near) - len(name)) <= _LETTERS else None


def _read_of_self(function: Function) -> dict[str, int]:
    """The attributes of `self` by their names, with the line of the first reading."""
    called = ((effect.callee, effect.line) for effect in function.effects if effect.callee.startswith("self."))
    found: dict[str, int] = {}
    for path, line in (*function.reads, *called):
        match = _OWN.match(path)
        if match and not match[1].startswith("__"):
            found.setdefault(match[1], line)
    return found


# ---------------------------------------------------------------- other objects


def _of_others(program: Program, members: Members, function: FunctionInfo) -> Iterator[_Missing]:
    for (owner, name), (effect, is_exact) in once(function.facts, _read_of_others).items():
        is_elsewhere = name in members.anywhere
        if name in members.set_elsewhere or (is_elsewhere and not is_exact):
            continue
        cls = _class_of(program, function, owner) if _may_be_own(program, function, owner) else None
        if is_elsewhere and cls is not None and not _is_final_record(cls):
            continue
        known = members.of(cls) if cls is not None else None
        if cls is None or known is None or name in known or _is_asked(function, owner, effect):
            continue
        if _is_another_by_then(program, function, owner, effect, cls) or members.is_tabled(cls, name):
            continue
        if _is_ruled_out(program, function, owner, effect, cls) or may_be_unknown(program, function, owner, effect):
            continue
        called = effect.callee == f"{owner}.{name}" and not name.startswith("_")
        if not called or _nearest(name, known):
            yield _Missing(function, effect.line, f"{owner}.{name}", name, cls)


def _read_of_others(function: Function) -> dict[tuple[str, str], tuple[Effect, bool]]:
    """Objects and what is read of them, with the first effect that does so; and does the function say their type?"""
    exact = _declared_here(function)
    found: dict[tuple[str, str], tuple[Effect, bool]] = {}
    for effect in function.effects:
        for path in _read_by(effect):
            owner, name = _parts(path)
            if name:
                found.setdefault((owner, name), (effect, owner in exact))
    return found


@lru_cache(maxsize=65536)
def _parts(path: str) -> tuple[str, str]:
    """An object and the attribute that is read of it: `self.pool` and `size` of `self.pool.size[]`."""
    match = _OF_OBJECT.match(path)
    if match is None or match[1] == "self" or match[2].startswith("__"):
        return "", ""
    return match[1], match[2]


def _declared_here(function: Function) -> set[str]:
    """Locals whose type, or that of what they hold, the function itself says."""
    said = {effect.path for effect in function.effects if effect.op == "bind" and effect.annotation}
    return {*said, *(f"{name}[]" for name in said)}


def _is_final_record(cls: ClassInfo) -> bool:
    """A dataclass with fields that nothing descends from: whoever declares it means this and no other."""
    is_dataclass = any("dataclass" in decorator for decorator in cls.facts.decorators)
    return is_dataclass and bool(cls.facts.fields) and not cls.subclasses


def _read_by(effect: Effect) -> Iterable[str]:
    yield from effect.reads
    for argument in effect.args:
        yield argument.path
        yield from argument.reads
    yield effect.source if effect.value == "path" else ""
    yield effect.callee


def _class_of(program: Program, function: FunctionInfo, path: str) -> ClassInfo | None:
    """The one class that an object is known to be of."""
    meanings = program.meanings(function, path)
    only = meanings[0] if len(meanings) == 1 else None
    return only.cls if isinstance(only, Instance) else None


def _may_be_own(program: Program, function: FunctionInfo, path: str) -> bool:
    """Is what begins at `self` of the class that it stands in?"""
    cls = function.owner
    return root_of(path) != "self" or cls is None or _is_of_owner(program, function, cls)


def _is_another_by_then(program: Program, function: FunctionInfo, path: str, effect: Effect, cls: ClassInfo) -> bool:
    """Was a parameter given another value above, of which nothing says that it is of the class?"""
    root = root_of(path)
    if root == "self" or all(param.name != root for param in function.params):
        return False
    given = (e for e in function.effects if e.op == "bind" and e.path == root and e.line < effect.line)
    return any(e.source != root and _class_of(program, function, e.source) is not cls for e in given)


def _is_ruled_out(program: Program, function: FunctionInfo, path: str, effect: Effect, cls: ClassInfo) -> bool:
    """Has control left above wherever it is of the class, or wherever it is of none of another one's objects?"""
    for test in (region.test for region in left_above(function, effect) if region.test is not None):
        is_denied = test.op == "not"
        asked = test.args[0] if is_denied else test
        if asked.path != "isinstance" or len(asked.args) != _OBJECT_AND_KIND or asked.args[0].path != path:
            continue
        kinds = [one for one in program.meanings(function, asked.args[1].path) if isinstance(one, ClassInfo)]
        if is_denied and not any(kind.is_kin_of(cls) for kind in kinds):
            return True
        if not is_denied and any(kind in cls.mro for kind in kinds):
            return True
    return False


def _is_asked(function: FunctionInfo, path: str, effect: Effect) -> bool:
    """Does a test around it, or in the statement itself, ask what kind of object this is?"""
    if any(asks in region.text for region in around(function, effect) for asks in _ASKING):
        return True
    before = itertools.takewhile(lambda one: one is not effect, function.effects)
    asked = (one for one in before if one.callee in _ASKING and one.line >= effect.line and one.args)
    return any(one.args[0].path == path for one in asked)


# ---------------------------------------------------------------- the report


def _nearest(name: str, known: Iterable[str]) -> str:
    return next(iter(get_close_matches(name, known, n=1, cutoff=_NEAR)), "")


def _why_harmless(program: Program, missing: _Missing) -> str:
    """Why no run ends here, "" where one may."""
    function = missing.function
    if is_answered_at(function, missing.line, "AttributeError"):
        return "a handler around it goes on without"
    unmade = why_never_made(program, function.owner) or why_never_made(program, missing.cls)
    if unmade:
        return unmade
    if _is_never_needed(program, missing):
        return "all callers give what it stands in for"
    return why_never_entered(program, function)


def _is_never_needed(program: Program, missing: _Missing) -> bool:
    """`x = x or self.missing`, where every caller gives an `x`."""
    function = missing.function
    stood_in = {e.path for e in function.effects if e.line == missing.line and _stands_in(e, missing.path)}
    wanted = [(at, p.name) for at, p in enumerate(function.params) if p.name in stood_in and p.kind in ("", "only")]
    calls = program.callers(function) if wanted else ()
    return bool(calls) and all(any(_is_given(effect, *one) for one in wanted) for _, effect in calls)


def _stands_in(effect: Effect, path: str) -> bool:
    """An assignment of the one or the other, not of what a call makes of them."""
    return effect.op == "bind" and (effect.value, effect.source) == ("path", path) and effect.path in effect.reads


def _is_given(call: Effect, at: int, name: str) -> bool:
    if any(argument.keyword in ("*", "**") for argument in call.args):
        return False
    positional = [argument for argument in call.args if not argument.keyword]
    given = [a for a in call.args if a.keyword == name] or positional[at : at + 1]
    return bool(given) and given[0].literal != "None"


def _report(program: Program, missing: _Missing, members: Members) -> Report:
    function, line, path, name, cls = missing
    known = members.of(cls) or members.of_module(cls) or frozenset()
    near = _nearest(name, sorted(known))
    harmless = _why_harmless(program, missing)
    steps = [Step(cls.path, cls.facts.line, f"{cls.name} and its kin set {len(known)} names, {name} is none of them")]
    if near in cls.attributes:
        attribute = cls.attributes[near]
        steps.append(Step(attribute.path, attribute.line, f"{near} is set here"))
    return Report(
        Place(function.path, line),
        symbol_of(function),
        f"nobody sets {path}" + (f"; {near} is set" if near else ""),
        tuple(steps),
        confidence="low" if harmless else "high" if near else "medium",
        reason=f"all bases of {cls.name} are known, and no code sets or mentions {name}"
        + (f", but {near}, which is spelt nearly alike" if near else "")
        + (f"; {harmless}" if harmless else ""),
        subject=f"{cls.name}.{name}",
        origin=f"{cls.name}.{name}",
        fix=f"read {near}" if near else f"set {name} where the object is made, or read what holds the value",
        mechanism=f"attribute_nobody_sets.{'own' if path == f'self.{name}' else 'of_others'}",
    )
