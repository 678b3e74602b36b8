"""What calls give that a library only hands on: `getattr(self, "pool")`, `filter(ready, slots)`, `cast(Pool, x)`.

Functions by the names that Python's own documentation has them under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.names import Outside
from llmlint.code.link.objects import Giving, Known, Value, joined

_FIRST = frozenset(
    "functools.partial functools.lru_cache functools.cache copy.copy copy.deepcopy copy.replace dataclasses.replace "
    "msgspec.structs.replace asyncio.shield asyncio.wait_for weakref.proxy itertools.islice itertools.dropwhile "
    "itertools.takewhile heapq.nlargest heapq.nsmallest inspect.unwrap".split()
)
"""They give their first argument that has a path, or what holds the same."""
_ONE_OF_ALL = frozenset({"max", "min"})
_CASTS = frozenset({"typing.cast", "typing_extensions.cast"})
_NAMES = frozenset(
    name.rpartition(".")[2]
    for name in (*_FIRST, *_ONE_OF_ALL, *_CASTS, "filter", "getattr", "type", "weakref.ref", "itertools.chain")
)
_LONGEST = 3
"""Lines between a statement and the call in it."""


class Given(NamedTuple):
    """What the call at the beginning of a path gives, and the path from there on."""

    value: Value
    rest: str


class HandedBack:
    """`value_of` follows a path in a function, `declared` reads a type that is written there."""

    def __init__(
        self,
        value_of: Callable[[FunctionInfo, str, Known], Value],
        declared: Callable[[FunctionInfo, str], Value],
    ) -> None:
        self._value_of = value_of
        self._declared = declared

    def at(self, function: FunctionInfo, line: int, path: str, known: Known) -> Given | None:
        """What the first call of a path gives, where it only hands on what stands among its arguments."""
        if not may_hand_back(path) or function.language != "python":
            return None
        name, _, rest = path.partition("()")
        called = self._value_of(function, name, known)
        call = call_at(function, line, name) if isinstance(called, Outside) else None
        if call is None or not isinstance(called, Outside):
            return None
        value = self._given(function, called.name, call.args, known)
        return Given(value, rest) if value is not None else None

    def _given(self, function: FunctionInfo, name: str, args: Sequence[Argument], known: Known) -> Value:
        if name in _CASTS:
            return self._declared(function, args[0].path or args[0].literal)
        value = joined(self._value_of(function, path, known) for path in _paths(name, args))
        return Giving(name, value) if name == "weakref.ref" and value is not None else value


def may_hand_back(path: str) -> bool:
    """Does a path begin with a call by one of the names that may hand on an argument?"""
    name, call, _ = path.partition("()")
    return bool(call) and name.rpartition(".")[2] in _NAMES


def _paths(name: str, args: Sequence[Argument]) -> Iterator[str]:
    """The paths of what a call may give."""
    given = [argument.path for argument in args if not argument.keyword]
    if name in _FIRST or name == "weakref.ref":
        yield from given[:1]
    elif name == "itertools.chain":
        yield from given
    elif name in _ONE_OF_ALL:
        yield from given if len(given) > 1 else (f"{path}[]" for path in given if path)
    elif name == "filter":
        yield from given[1:2]
    elif name == "type" and given[:1] != [""]:
        yield from (f"{path}.__class__" for path in given[:1])
    elif name == "getattr" and len(args) > 1 and given[0] and args[1].literal.strip("\"'").isidentifier():
        yield f"{given[0]}.{args[1].literal.strip(chr(34) + chr(39))}"
        yield from given[2:3]


def call_at(function: FunctionInfo, line: int, name: str) -> Effect | None:
    """The call by this name that begins on a line, or in one of the next of the same statement."""
    near = (e for e in function.effects if e.callee == name and e.args and 0 <= e.line - line <= _LONGEST)
    return min(near, key=lambda effect: effect.line, default=None)
