"""Pools: containers that are full when their object is made, from which some functions take and into which others give.

Nothing here goes by names. A container is a pool when the constructor fills it, when some function takes out whatever
comes next, and when another puts things in. What is taken from it has to come back, or there is one fewer for good.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.domain.state import attribute_of, is_setup
from llmlint.code.facts.facts import Effect
from llmlint.code.facts.gists import PART_OF_ITSELF
from llmlint.code.link.program import AttributeInfo, ClassInfo, FunctionInfo, Program, root_of

_FILLED = frozenset("list deque set sorted arange".split())
_NEXT = frozenset("pop popleft pop_back pop_front popitem get get_nowait heappop".split())
_ENDS = frozenset({"", "-1", "0"})
_TAKING = frozenset((PART_OF_ITSELF, *(f"remove {via}" for via in _NEXT)))


class Pool(msgspec.Struct, frozen=True):
    """`takers` answer a thing of the pool, or bind it; `givers` put back what they are given by these parameters."""

    cls: ClassInfo
    attribute: str
    takers: frozenset[FunctionInfo]
    givers: dict[FunctionInfo, frozenset[str]]

    @property
    def path(self) -> str:
        return f"self.{self.attribute}"


def pools_of(program: Program) -> list[Pool]:
    return [pool for cls in program.classes for pool in _pools_in(program, cls)]


def _pools_in(program: Program, cls: ClassInfo) -> Iterator[Pool]:
    around = program.functions_of(cls)
    taking_next = [function for function in around if may_take_next(function)]
    if not taking_next:  # nearly always
        return
    putting_in = [function for function in around if _may_put_in(function)]
    taken, put = ({name for f in some for name in f.facts.gist.changes} for some in (taking_next, putting_in))
    if (taken & put).isdisjoint(cls.attribute_names):
        return
    moving = dict.fromkeys([*taking_next, *putting_in])
    functions = [function for function in moving if function not in cls.building and not is_setup(function)]
    taking: dict[str, set[FunctionInfo]] = {}
    giving: dict[str, dict[FunctionInfo, frozenset[str]]] = {}
    for function in functions:
        given = {param.name for param in function.params}
        for effect in function.effects:
            is_taken = takes_next(effect)
            attribute = attribute_of(effect.path) if is_taken or effect.op == "insert" else ""
            if not attribute or effect.path != f"self.{attribute}":
                continue
            if is_taken:
                taking.setdefault(attribute, set()).add(function)
            elif not effect.via.startswith("[]"):
                told = {root_of(path) for path in told_of(effect)} & given
                giving.setdefault(attribute, {})[function] = frozenset(told)
    for attribute in sorted(taking.keys() & giving.keys()):
        known = cls.attributes.get(attribute)
        if known is not None and known.owner is cls and is_full_when_made(cls, known):
            yield Pool(cls, attribute, frozenset(taking[attribute]), giving[attribute])


def may_take_next(function: FunctionInfo) -> bool:
    return not _TAKING.isdisjoint(function.facts.gist.deeds)


def _may_put_in(function: FunctionInfo) -> bool:
    return function.facts.gist.does("insert")


def takes_next(effect: Effect) -> bool:
    """Takes out whatever comes next: `self.free.pop()`, or the first few by `self.free = self.free[n:]`."""
    if effect.op == "remove":
        return effect.via in _NEXT and effect.key in _ENDS
    return effect.op == "assign" and effect.value == "path" and effect.source == f"{effect.path}[]"


def told_of(effect: Effect) -> set[str]:
    """The paths that an effect hands on."""
    paths = {effect.source, *effect.reads}
    for argument in effect.args:
        paths |= {argument.path, argument.written, *argument.reads}
    return paths - {""}


def is_full_when_made(cls: ClassInfo, known: AttributeInfo) -> bool:
    """`self.free = list(range(n))`, or a loop of the constructor that fills it."""
    if known.value == "container" or (known.value == "new" and known.source.rpartition(".")[2] in _FILLED):
        return True
    path = f"self.{known.name}"
    return any(
        effect.op == "insert" and effect.path == path for function in cls.building for effect in function.effects
    )
