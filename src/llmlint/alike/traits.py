"""A function as a list of small facts that can be compared with another function's: its traits.

A trait says what is done or asked, by names that mean something outside of the function: the last part of a callee or
of an attribute's path, and for a local the call that gave it. Names of locals, order and layout are left out.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from llmlint.code.domain.state import only_says
from llmlint.code.facts.facts import Class, Effect, Function, Region, Test
from llmlint.code.flow.clones import parts_of

Key = tuple[str, str, str]
"""Kind, name and detail: what two traits must share to be the same."""

_LOCK = re.compile(r"lock|mutex|guard|semaphore|\bcond", re.I)
_GUARDS = frozenset({"lock_guard", "unique_lock", "scoped_lock", "shared_lock"})
_LAST = re.compile(r"[\w$]+(?:\(\))?$")
_INDEX = re.compile(r"\[[^\]]*\]")


_OF_ALL_KINDS = frozenset(f"{name}()" for name in dir(builtins))
"""`len()` is no value that two places share."""


class Trait(NamedTuple):
    """`about` are the values that it speaks of, by the names that `_Names.of` gives them: first what it is done to or
    asked of, then the object that this is of."""

    kind: str
    name: str
    detail: str
    line: int
    region: int = 0
    about: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return self.kind, self.name, self.detail

    @property
    def eased(self) -> Key | None:
        """The same where a kindred name may stand for the name: `host_value` for `value`, a test for truth for one
        for None."""
        if self.kind == "asks" and self.detail in ("true", "none"):
            return self.kind, self.name, "there"
        if self.kind in ("sets", "given", "clears", "inserts", "removes"):
            parts = parts_of(self.name)
            return (self.kind, f"…{parts[-1]}", self.detail) if parts else None
        return None

    @property
    def needs(self) -> tuple[str, ...]:
        """The values of which one must be there for the step to be about anything; none where it needs none."""
        if self.kind == "gives":
            return (f"{self.name}()",)
        if self.kind == "wraps":
            return (f"{self.detail}()",)
        return self.about[:2] if self.kind == "asks" and self.detail != "call" else ()

    @property
    def told(self) -> str:
        return _WORDS[self.kind].format(name=self.name, detail=self.detail)


_WORDS = {
    "calls": "calls `{name}`",
    "awaits": "awaits `{name}`",
    "takes": "takes what `{name}` gives",
    "gives": "gives `{name}` the argument `{detail}`",
    "wraps": "hands what `{detail}` gives to `{name}`",
    "sets": "sets `{name}`",
    "given": "sets `{name}` to {detail}",
    "clears": "clears `{name}`",
    "inserts": "adds to `{name}`",
    "removes": "takes from `{name}`",
    "deletes": "deletes `{name}`",
    "asks": "asks about `{name}` ({detail})",
    "locks": "holds `{name}`",
    "enters": "enters `{name}`",
    "tries": "tries",
    "catches": "catches `{name}`",
    "finally": "has a `finally`",
    "loops": "walks `{name}`",
    "raises": "raises `{name}`",
    "returns": "returns `{name}`",
    "leaves": "has a `{name}`",
    "reads": "reads `{name}`",
    "named": "is called with `{name}`",
    "accepts": "takes the parameter `{name}`",
    "decorated": "is decorated with `{name}`",
    "declares": "declares a `{name}`",
    "starts": "gives a `{name}` its first value",
}

WEAK = frozenset({"reads", "returns", "named", "leaves", "takes", "tries", "accepts", "loops", "declares"})
"""Traits that are company for others and no step of their own."""


class _Names:
    """Values by what they are outside of the function: an attribute's last part, or the call that gave a local."""

    def __init__(self, function: Function) -> None:
        given: dict[str, set[str]] = {}
        for effect in function.effects:
            if effect.op == "bind":
                given.setdefault(effect.path, set()).add(effect.source if effect.value == "new" else "")
        self._calls = {name: _last(next(iter(by))) for name, by in given.items() if len(by) == 1 and "" not in by}

    def of(self, path: str) -> str:
        bare = _INDEX.sub("", path.lstrip("~").removeprefix("self."))
        if bare in self._calls:
            return f"{self._calls[bare]}()"
        return _last(bare)

    def all(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Each attribute also by the object that it is of."""
        found: dict[str, None] = {}
        for path in paths:
            found.setdefault(self.of(path))
            owner = path.rpartition(".")[0]
            if owner and owner != "self":
                found.setdefault(self.of(owner))
        return tuple(name for name in found if name and name not in _OF_ALL_KINDS)


def _last(path: str) -> str:
    found = _LAST.search(path)
    return found[0] if found else ""


def traits_of(function: Function) -> tuple[Trait, ...]:
    """In source order; what only logs is left out."""
    names = _Names(function)
    found = [*_of_head(function)]
    for effect in function.effects:
        found += _of_effect(effect, names)
    for at, region in enumerate(function.regions):
        found += _of_region(at, region, names)
    return tuple(sorted(dict.fromkeys(found), key=lambda trait: trait.line))


def traits_of_class(cls: Class) -> tuple[Trait, ...]:
    """The members of a class, each with whether it starts with a value: C and C++, where that is not said elsewhere."""
    found = []
    for field in cls.fields:
        shape = _shape(field.annotation)
        if shape:
            about = (field.name,)
            found.append(Trait("declares", shape, "", field.line, 0, about))
            if field.value or "=" in field.source:
                found.append(Trait("starts", shape, "", field.line, 0, about))
    return tuple(found)


def _shape(annotation: str) -> str:
    if annotation.rstrip().endswith("*"):
        return "pointer"
    bare = annotation.removeprefix("const ").strip()
    return bare if bare.isidentifier() else ""


def _of_head(function: Function) -> Iterator[Trait]:
    for part in dict.fromkeys(parts_of(function.name)):
        yield Trait("named", part, "", function.line)
    for decorator in function.decorators:
        yield Trait("decorated", _last(decorator.partition("(")[0]), "", function.line)
    for param in function.params:
        if param.name not in ("self", "cls"):
            yield Trait("accepts", param.name, "", function.line, 0, (param.name,))


def _of_effect(effect: Effect, names: _Names) -> Iterator[Trait]:
    if effect.callee:
        if only_says(effect.callee.lstrip("~")):
            return
        yield from _of_call(effect, names)
    kind = _CHANGES.get(effect.op, "")
    if kind and ("." in effect.path or "~" in effect.path or effect.op != "assign"):
        name, about = names.of(effect.path), names.all((effect.path,))
        yield Trait(kind, name, "", effect.line, effect.region, about)
        if kind == "sets" and effect.value in _VALUES:
            yield Trait("given", name, _VALUES[effect.value], effect.line, effect.region, about)
    elif effect.op in ("raise", "break", "continue"):
        leaves = "raises" if effect.op == "raise" else "leaves"
        yield Trait(leaves, _last(effect.path) if effect.path else effect.op, "", effect.line, effect.region)
    elif effect.op == "return":
        value = effect.source if effect.value in ("constant", "none") else effect.value
        yield Trait("returns", value or "nothing", "", effect.line, effect.region)
    elif effect.op == "assert":
        for path in effect.reads:
            yield Trait("asks", names.of(path), "true", effect.line, effect.region, names.all((path,)))
    yield from _of_reads(effect.reads, effect.line, effect.region, names)


_VALUES = {
    "path": "what is there",
    "new": "what a call gives",
    "none": "nothing",
    "constant": "a constant",
    "container": "a new container",
    "other": "an expression",
}
_CHANGES = {"assign": "sets", "clear": "clears", "insert": "inserts", "remove": "removes", "delete": "deletes"}


def _of_call(effect: Effect, names: _Names) -> Iterator[Trait]:
    name = _last(effect.callee)
    line, region = effect.line, effect.region
    paths = [path for argument in effect.args for path in (argument.path, *argument.reads) if path]
    owner = effect.callee.rpartition(".")[0]
    about = (*names.all((owner, *paths)), f"{name}()")
    if name in _GUARDS:
        yield Trait("locks", ", ".join(names.all(paths)), "", line, region, about)
        return
    yield Trait("awaits" if effect.via == "await" else "calls", name, "", line, region, about)
    if effect.result not in ("", "<void>"):
        yield Trait("takes", name, "", line, region, about)
    for argument in effect.args:
        if argument.keyword.isidentifier():
            yield Trait("gives", name, argument.keyword, line, region, (f"{name}()", *names.all((argument.path,))))
        if argument.path.endswith("()"):
            yield Trait("wraps", name, _last(argument.path[:-2]), line, region, about)


def _of_reads(paths: Iterable[str], line: int, region: int, names: _Names) -> Iterator[Trait]:
    for path in paths:
        if "." in path and not path.endswith("()"):
            yield Trait("reads", names.of(path), "", line, region, names.all((path,)))


def _of_region(at: int, region: Region, names: _Names) -> Iterator[Trait]:
    inside = (region.line, at)
    if region.test is not None:
        for name, detail, about in _asked(region.test, names):
            yield Trait("asks", name, detail, region.line, region.parent, about)
    match region.kind:
        case "with":
            kind = "locks" if _LOCK.search(region.text) else "enters"
            yield Trait(kind, _last(region.text.partition("(")[0].strip()), "", *inside, names.all(region.reads))
        case "except":
            yield Trait("catches", region.text or "everything", "", *inside)
        case "finally":
            yield Trait("finally", "", "", *inside)
        case "try":
            yield Trait("tries", "", "", *inside)
        case "loop":
            for path in region.reads:
                yield Trait("loops", names.of(path), "", *inside, names.all((path,)))
    yield from _of_reads(region.reads, region.line, region.parent, names)


def _asked(test: Test, names: _Names) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What is asked about which value: a name, how, and all values that the question is about."""
    match test.op:
        case "not" | "and" | "or":
            for part in test.args:
                yield from _asked(part, names)
        case "path":
            yield names.of(test.path), "true", names.all((test.path,))
        case "call":
            given = [arg.path for arg in test.args if arg.op == "path"]
            yield _last(test.path), "call", names.all((*given, test.path.rpartition(".")[0]))
        case "constant" | "none" | "other":
            return
        case _:
            yield from _compared(test, names)


def _compared(test: Test, names: _Names) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    left, right = test.args
    if left.op in ("none", "constant"):
        left, right = right, left
    if left.op not in ("path", "call"):
        return
    name = names.of(left.path) if left.op == "path" else f"{_last(left.path)}()"
    about = tuple(dict.fromkeys((name, *names.all(part.path for part in (left, right) if part.op == "path"))))
    if right.op == "none":
        yield name, "none", about
    else:
        other = right.path if right.op == "constant" else names.of(right.path) if right.op == "path" else "…"
        yield name, f"{_ALIKE.get(test.op, test.op)} {other}", about


_ALIKE: Mapping[str, str] = {"!=": "==", "is not": "is", "not in": "in", ">=": "<", ">": "<", "<=": "<"}
