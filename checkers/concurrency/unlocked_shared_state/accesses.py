"""Every place where the functions of a class use an attribute of their object, and the locks held there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from llmlint.code.exits import chain
from llmlint.code.facts import Effect
from llmlint.code.locks import Locks
from llmlint.code.program import AttributeInfo, ClassInfo, FunctionInfo, Program
from llmlint.code.state import CHANGING, attribute_of

_LOCK_TYPES = re.compile(r"\b(?:R?Lock|Condition|(?:\w*_)?mutex(?:_t)?|CRITICAL_SECTION)\b")
_SAFE_TYPES = re.compile(
    r"Queue|Event|Lock|Semaphore|Condition|atomic|mutex|condition_variable|Thread|thread|local\b|Executor|Barrier|once_flag"
)
_RANKS = ("read", "test", "loop", "write")


class Access(msgspec.Struct, frozen=True):
    """`kind` is write, loop (walks over it), test (a condition asks it) or read; `effect` is set for a write.

    `path` is the attribute itself, or what of it is meant; locals that stand for it are followed, so the path of a read
    may well be read later than it was taken.
    """

    function: FunctionInfo
    attribute: str
    kind: str
    path: str
    line: int
    region: int
    held: frozenset[str]
    effect: Effect | None = None

    @property
    def is_direct(self) -> bool:
        return self.path == f"self.{self.attribute}"


def locks_of(program: Program, cls: ClassInfo) -> list[AttributeInfo]:
    """The attributes of a class that are locks for threads. Tasks of one event loop need none between two awaits."""
    return [
        attribute
        for attribute in cls.attributes.values()
        if _LOCK_TYPES.search(f"{attribute.source} {attribute.annotation}") and not _is_for_tasks(program, attribute)
    ]


def _is_for_tasks(program: Program, attribute: AttributeInfo) -> bool:
    names = re.findall(r"[\w.]*(?:Lock|Condition)\b", f"{attribute.source} {attribute.annotation}")
    return any("asyncio" in program.resolve(attribute.owner.path, name) for name in names)


def accesses_of(cls: ClassInfo, locks: Locks) -> dict[str, list[Access]]:
    """By attribute, in source order, each line once. What only runs while the object is made is left out."""
    found: dict[tuple[str, FunctionInfo, int], Access] = {}
    for function in cls.functions:
        if locks.is_single_threaded(function):
            continue
        for access in _in(function, cls, locks):
            key = (access.attribute, function, access.line)
            if key not in found or _RANKS.index(found[key].kind) < _RANKS.index(access.kind):
                found[key] = access
    by_attribute: dict[str, list[Access]] = {}
    for access in found.values():
        by_attribute.setdefault(access.attribute, []).append(access)
    return by_attribute


def _in(function: FunctionInfo, cls: ClassInfo, locks: Locks) -> Iterator[Access]:
    def access(kind: str, path: str, line: int, region: int, effect: Effect | None = None) -> Iterator[Access]:
        known = cls.attributes.get(attribute_of(path))
        if known is not None and not _SAFE_TYPES.search(f"{known.source} {known.annotation}"):
            held = locks.held(function, region, line)
            if held or not _is_in_lambda(function, region):
                yield Access(function, known.name, kind, path, line, region, held, effect)

    for effect in function.effects:
        if _changes(cls, effect):
            yield from access("write", effect.path, effect.line, effect.region, effect)
        elif effect.op in CHANGING:
            yield from access("read", effect.path, effect.line, effect.region)
        for path in _read_by(effect):
            yield from access("read", path, effect.line, effect.region)
    for region in function.regions:
        for path in function.reads_of(region):
            if attribute_of(path) in region.text:  # and not a local that was taken of it before
                kind = "loop" if region.kind == "loop" and region.text.startswith("for ") else "test"
                yield from access(kind, path, region.line, region.parent)


def _is_in_lambda(function: FunctionInfo, region: int) -> bool:
    """A lambda may be called where the lock is held, wherever it is written."""
    return any(function.regions[at].kind == "lambda" for at in chain(function, region))


def _changes(cls: ClassInfo, effect: Effect) -> bool:
    """The attribute itself; a method of an object of the program's own is no change, whatever its name."""
    known = cls.attributes.get(attribute_of(effect.path))
    if known is None or effect.op not in CHANGING or effect.path != f"self.{known.name}":
        return False
    return known.class_of is None or not effect.callee


def _read_by(effect: Effect) -> Iterator[str]:
    yield from effect.reads
    for argument in effect.args:
        yield from (argument.path, *argument.reads)
    yield from (effect.callee.rpartition(".")[0], effect.key)
    if effect.op in ("return", "yield"):
        yield effect.path
