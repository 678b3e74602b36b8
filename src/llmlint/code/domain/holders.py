"""Which attributes of an object can hold requests: queues, batches, slots of microbatches, a request set aside.

Told by what is done with them, and not by their names: an element's request id is read, a request is put in, what
another holder held is put in, or what the same function puts into another holder. An owned object's holders are
reached through its attribute: `self.prealloc_queue.queue`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from llmlint.code.facts.facts import Effect
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.program import Program
from llmlint.vocabulary import words

_PUTS = frozenset("append appendleft add extend push prepend emplace insert put enqueue".split())
_REQUESTS = frozenset({"req", "request", "seq_group", "reqs", "requests", "seq_groups"})
_MEMBERS = frozenset({"reqs", "requests", "seq_groups"})


class _Told(NamedTuple):
    """What one function tells: which own attributes hold requests, and which do if another one does."""

    holders: set[str]
    moves: list[tuple[str, str]]
    alike: list[dict[str, Effect]]


class Holders:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._own: dict[ClassInfo, frozenset[str]] = {}
        self._told: dict[FunctionInfo, _Told] = {}

    def of(self, cls: ClassInfo) -> frozenset[str]:
        """The paths from the object on: `self.waiting`, `self.prealloc_queue.queue`."""
        return self.own(cls) | frozenset(
            f"self.{name}.{path[5:]}" for name, owned in self.owned(cls) for path in self.own(owned)
        )

    def owned(self, cls: ClassInfo) -> Iterator[tuple[str, ClassInfo]]:
        """Each attribute that is an object of the program with holders of its own."""
        for name, attribute in cls.attributes.items():
            owned = self._program.class_of_attribute(attribute)
            if owned is not None and owned is not cls and self.own(owned):
                yield name, owned

    def own(self, cls: ClassInfo) -> frozenset[str]:
        if cls not in self._own:
            told = [self._told_by(function) for function in functions_through(self._program, cls)]
            found = {path for one in told for path in one.holders}
            moves = [move for one in told for move in one.moves]
            alike = [put for one in told for put in one.alike]
            while new := _reached(found, moves, alike):
                found |= new
            self._own[cls] = frozenset(path for path in found if path[5:] in cls.attributes)
        return self._own[cls]

    def _told_by(self, function: FunctionInfo) -> _Told:
        """Worked out once: a method of a base is one of many classes."""
        if function not in self._told:
            holders = {*self._read_as_requests(function), *(path for path, _ in self.puts(function))}
            self._told[function] = _Told(holders, list(moves_of(function)), list(_put_alike(function)))
        return self._told[function]

    def _read_as_requests(self, function: FunctionInfo) -> Iterator[str]:
        """Of `self.waiting[].req.rid` and `self.running_batch.reqs`, what stands before."""
        is_request_id = self._program.vocabulary.is_request_id
        for path, _ in function.reads:
            holder, _, rest = path[5:].partition(".")
            inner = rest.split(".")
            if not path.startswith("self.") or not rest:
                continue
            if inner[0] in _MEMBERS or (holder.endswith("[]") and any(is_request_id(part) for part in inner[:2])):
                yield f"self.{holder.removesuffix('[]')}"
        yield from self._walked_as_requests(function)

    def _walked_as_requests(self, function: FunctionInfo) -> Iterator[str]:
        """`for entry in [*self.waiting, *self.running]`, where the request id of an entry is read."""
        for effect in function.effects:
            if effect.op != "bind" or effect.via != "for" or effect.source:
                continue
            walked = [path for path in function.regions[effect.region].reads if is_own(path)]
            named = (path.partition(".") for path, _ in function.reads if len(walked) > 1)
            if any(root == effect.path and self._program.vocabulary.is_request_id(rest) for root, _, rest in named):
                yield from walked

    def puts_of(self, cls: ClassInfo, function: FunctionInfo) -> Iterator[tuple[str, Effect]]:
        """As `puts`, and each own holder that it puts a thing into which it may put into another one."""
        named = list(self.puts(function))
        yield from named
        for put in _put_alike(function):
            if put.keys() <= self.own(cls):
                yield from ((path, effect) for path, effect in put.items() if (path, effect) not in named)

    def puts(self, function: FunctionInfo) -> Iterator[tuple[str, Effect]]:
        """Each own attribute that the function puts a request into."""
        for effect in function.effects:
            if not any(_is_request(path) for path in _put_in(effect)):
                continue
            if effect.op == "insert" and is_own(effect.path):
                yield effect.path, effect
            owner, _, verb = effect.callee.rpartition(".")
            if effect.op == "call" and is_own(owner) and _PUTS & set(words(verb)[:1]):
                yield owner, effect


def _put_alike(function: FunctionInfo) -> Iterator[dict[str, Effect]]:
    """The own attributes that a function appends one and the same parameter to, where these are several."""
    given = {param.name for param in function.params}
    found: dict[str, dict[str, Effect]] = {}
    for effect in function.effects:
        if effect.op == "insert" and is_own(effect.path) and effect.args and effect.args[0].path in given:
            found.setdefault(effect.args[0].path, {}).setdefault(effect.path, effect)
    return (put for put in found.values() if len(put) > 1)


def _reached(found: set[str], moves: list[tuple[str, str]], alike: list[dict[str, Effect]]) -> set[str]:
    """What holds requests because another does."""
    moved = {to for source, to in moves if source in found}
    beside = {path for put in alike if not found.isdisjoint(put) for path in put}
    return (moved | beside) - found


def _put_in(effect: Effect) -> tuple[str, ...]:
    return tuple(argument.path for argument in effect.args) or (effect.source,)


def _is_request(path: str) -> bool:
    return path.rpartition(".")[2] in _REQUESTS


def is_own(path: str) -> bool:
    """An attribute of the object itself: `self.waiting`."""
    return path.startswith("self.") and path[5:].isidentifier()


def functions_through(program: Program, cls: ClassInfo) -> list[FunctionInfo]:
    """The methods of a class and of its bases, with the functions nested in them."""
    return [function for ancestor in cls.mro for function in program.functions_of(ancestor)]


def moves_of(function: FunctionInfo) -> Iterator[tuple[str, str]]:
    """What is put from one attribute into another: an element of it, or the whole."""
    for effect in function.effects:
        if effect.op in ("assign", "insert") and is_own(effect.path) and effect.value == "path":
            source = effect.source.removesuffix("[]")
            if is_own(source) and source != effect.path:
                yield source, effect.path


def among(paths: Iterable[str], holders: frozenset[str]) -> frozenset[str]:
    """The holders that these paths go to or through."""
    return holders & through(paths)


def through(paths: Iterable[str]) -> frozenset[str]:
    """Every attribute on the way of these paths: of `self.queue[].req.rid` also `self.queue`."""
    return frozenset(start for path in paths for start in _starts(path))


def _starts(path: str) -> Iterator[str]:
    parts = path.replace("()", "").replace("[]", "").split(".")
    yield from (".".join(parts[:end]) for end in range(2, min(len(parts), 4) + 1))
