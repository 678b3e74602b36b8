"""Records of an object's fields: one function fills the record, another compares the object with it later.

C and C++ tell so whether something built from an object can be used again: a captured graph, a compiled kernel.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.program import Program

_FEWEST = 4


class Snapshot(msgspec.Struct, frozen=True):
    """Which fields of the class `of` the function `taking` records, and the function that compares them."""

    taking: FunctionInfo
    comparing: FunctionInfo
    of: ClassInfo
    fields: frozenset[str]


def snapshots(program: Program) -> Iterator[Snapshot]:
    for path in sorted({function.path for function in program.asked.functions if function.language != "python"}):
        functions = [f for f in program.functions_in(path) if len(f.params) >= 2]
        for taking in functions:
            copied = _copied(taking)
            if copied is None:
                continue
            record, source = (_type_of(taking, name) for name in copied)
            comparing = next((f for f in functions if f is not taking and _compares(f, record, source)), None)
            of = program.class_of(taking, copied[1])
            if comparing is not None and of is not None:
                yield Snapshot(taking, comparing, of, frozenset(_fields_read(taking, copied[1])))


def _copied(function: FunctionInfo) -> tuple[str, str] | None:
    """The parameter that is filled and the one it is filled from, where there is one such pair."""
    params = {p.name for p in function.params}
    pairs = [
        (effect.path.partition(".")[0], effect.source.partition(".")[0])
        for effect in function.effects
        if effect.op in ("assign", "insert") and effect.value == "path" and "." in effect.path and "." in effect.source
    ]
    found = {pair for pair in pairs if set(pair) <= params and pair[0] != pair[1]}
    return found.pop() if len(found) == 1 and len(pairs) >= _FEWEST else None


def _type_of(function: FunctionInfo, name: str) -> str:
    return next((p.annotation.replace("const ", "") for p in function.params if p.name == name), "")


def _compares(function: FunctionInfo, record: str, source: str) -> bool:
    """Answers yes or no, looks at both, and changes neither: what is filled from a record is restored, not compared."""
    types = {p.annotation.replace("const ", ""): p.name for p in function.params}
    if record == source or function.facts.returns != "bool" or not {record, source} <= types.keys():
        return False
    both = {types[record], types[source]}
    changed = {effect.path.partition(".")[0] for effect in function.effects if effect.op in ("assign", "insert")}
    return changed.isdisjoint(both) and all(len(_fields_read(function, name)) >= _FEWEST for name in both)


def _fields_read(function: FunctionInfo, root: str) -> set[str]:
    return {path.replace("[]", "").split(".")[1] for path, _ in function.reads if path.startswith(f"{root}.")}
