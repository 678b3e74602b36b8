"""What tensors are indexed by: which places an expression takes parts of, by which names, and which names are masks.

How many entries a mask picks only the device knows: the host waits to learn it before it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.tensor_values import all_hand_over, is_tensor_text
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.phrases import last_name
from llmlint.vocabulary import words

COMPARES = frozenset("< <= > >= == !=".split())
_OF_MASKS = frozenset("~ & | ^".split())
_ASKS = frozenset(
    "eq ne lt le gt ge isin isnan isinf isfinite isclose logical_and logical_or logical_not logical_xor bool".split()
)
"""Functions of torch and methods of tensors that give a tensor of truth values."""


class Indexed(NamedTuple):
    """A reading of `base[…]` by the effect at a place, with the names that stand in the brackets."""

    at: int
    effect: Effect
    base: str
    by: tuple[str, ...]


def readings(function: FunctionInfo) -> Iterator[Indexed]:
    for at, effect in enumerate(function.effects):
        if effect.op in ("bind", "assign", "return") and effect.value == "path" and not effect.via:
            yield from _read(at, effect, effect.source, effect.reads)
        elif effect.callee:
            for argument in effect.args:
                yield from _read(at, effect, argument.path, argument.reads)
            receiver = effect.callee.rpartition(".")[0]
            if receiver.endswith("[]") and effect.key:
                yield Indexed(at, effect, receiver[:-2], names_in(effect.key))


def _read(at: int, effect: Effect, path: str, reads: tuple[str, ...]) -> Iterator[Indexed]:
    """Of nothing that is called in the brackets: what that gives is not known here."""
    if path.endswith("[]") and not any("()" in read for read in reads):
        yield Indexed(at, effect, path[:-2], tuple(read for read in reads if not path.startswith(read)))


def names_in(key: str) -> tuple[str, ...]:
    """The plain names among the parts of a key as it is written: `mask` of `:, ~mask`."""
    parts = (part.strip().lstrip("~") for part in key.split(","))
    return tuple(part for part in parts if part.isidentifier())


class Masks:
    """The names of a function that stand for truth values, of tensors where they stand for tensors."""

    def __init__(self, program: Program, function: FunctionInfo) -> None:
        self.program = program
        self.function = function
        self.names: frozenset[str] = frozenset()
        bound = self._bound()
        declared = self._declared(bound)
        while True:
            found = declared | {name for name, effects in bound.items() if all(map(self._is_mask, effects))}
            if found == self.names:
                break
            self.names = frozenset(found)

    def holds(self, name: str) -> bool:
        return name in self.names or all_hand_over(self.program, self.function, name, self._is_mask_of)

    def _is_mask_of(self, caller: FunctionInfo, path: str) -> bool:
        return path in Masks(self.program, caller).names

    def _bound(self) -> dict[str, list[Effect]]:
        bound: dict[str, list[Effect]] = {}
        for effect in self.function.effects:
            if effect.op == "bind" and effect.path.isidentifier():
                bound.setdefault(effect.path, []).append(effect)
        return bound

    def _declared(self, bound: dict[str, list[Effect]]) -> set[str]:
        """Parameters that are tensors by type and masks by name: a tensor's type says nothing of what it holds."""
        params = self.function.params
        return {
            p.name for p in params if p.name not in bound and is_tensor_text(p.annotation) and _is_called_mask(p.name)
        }

    def _is_mask(self, effect: Effect) -> bool:
        if effect.via:
            return effect.via[:-1] in _OF_MASKS
        if effect.value == "other":
            is_joined = effect.source in _OF_MASKS and all(read in self.names for read in effect.reads)
            return effect.source in COMPARES or (is_joined and bool(effect.reads))
        return (effect.value == "path" and effect.source in self.names) or (
            effect.value == "new" and last_name(effect.source) in _ASKS
        )


def _is_called_mask(name: str) -> bool:
    return "mask" in words(name)
