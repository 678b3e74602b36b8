"""What a function moves to or from a stream of bytes, item by item.

C and C++ save state by writing each variable to an object (`io.write(&pos, sizeof(pos))`) or to a moving pointer
(`memcpy(&n_outputs, inp, sizeof(n_outputs))`), and restore it by reading the same variables in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo

_WRITES = frozenset({"write", "fwrite", "write_raw"})
_READS = frozenset({"read_to", "read", "fread", "read_raw", "memcpy"})


class Item(msgspec.Struct, frozen=True):
    """One variable moved: its name as the function has it, and the call that moves it."""

    name: str
    effect: Effect


def written(function: FunctionInfo) -> list[Item]:
    return list(_moved(function, _WRITES))


def read(function: FunctionInfo) -> list[Item]:
    """`memcpy` counts as a read into the variable whose size it copies."""
    return list(_moved(function, _READS))


def _moved(function: FunctionInfo, calls: frozenset[str]) -> Iterator[Item]:
    for effect in function.effects:
        if effect.op == "call" and effect.args and effect.path.rpartition(".")[2].lstrip("~") in calls:
            moved = effect.args[0]
            name = moved.written or moved.path
            if name.isidentifier() and any(moved.path in argument.reads for argument in effect.args[1:]):
                yield Item(name, effect)


def branches(function: FunctionInfo, items: list[Item]) -> Iterator[tuple[int, list[Item], int, list[Item]]]:
    """Each `if` with its `else`, and what is moved within the one and the other."""
    for other, region in enumerate(function.regions):
        if region.kind == "else":
            first = region.first
            yield first, _within(function, items, first), other, _within(function, items, other)


def loop_of(function: FunctionInfo, item: Item) -> int:
    """The innermost loop around an item: what stands in an inner loop is moved as often as a count says."""
    around = _around(function, item.effect.region)
    return next((region for region in around if function.regions[region].kind == "loop"), 0)


def _within(function: FunctionInfo, items: list[Item], region: int) -> list[Item]:
    return [item for item in items if region in _around(function, item.effect.region)]


def _around(function: FunctionInfo, region: int) -> list[int]:
    found = [region]
    while region:
        region = function.regions[region].parent
        found.append(region)
    return found
