"""LLM921, slot by slot: what moves a row of parallel arrays and leaves one array's behind.

A row is moved where several arrays of one object are given, at one slot, what they hold at another. Which arrays make
the row is told by the function that fills it: it writes them under one key. An array that is filled with those that are
moved, and that the move does not so much as look at, keeps what the row before has left.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.entries import those_around
from llmlint.code.domain.state import attribute_of, is_setup, mentioned_by, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import does
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report

_FEWEST = 3
_MOST_LEFT = 2

Row = dict[str, Effect]
"""The arrays that are written under one key, in the order of the writing."""


def moved_slots(program: Program, cls: ClassInfo) -> Iterator[Report]:
    moves = [(f, row) for f in cls.functions if f in program.asked for row in _moved(f)]
    told: set[tuple[FunctionInfo, str]] = set()
    for mover, moved in moves:
        for filler in cls.functions:
            if filler is mover or filler in cls.building or is_setup(filler) or _moved(filler):
                continue
            for filled in _rows(filler, only_moved=False):
                left = _left(program, cls, mover, moved, filled)
                if left and (mover, left[0]) not in told:
                    told.add((mover, left[0]))
                    yield _report(program, cls, mover, moved, filler, filled, left[0])


def _moved(function: FunctionInfo) -> list[Row]:
    return _rows(function, only_moved=True) if "insert []=" in function.facts.gist.deeds else []


def _rows(function: FunctionInfo, only_moved: bool) -> list[Row]:
    rows: dict[str, Row] = {}
    for effect in function.effects:
        attribute = attribute_of(effect.path) if effect.op == "insert" and effect.via == "[]=" else ""
        if not attribute or effect.path != f"self.{attribute}" or not effect.key:
            continue
        if not only_moved or f"self.{attribute}[]" in (effect.source, *effect.reads):
            rows.setdefault(effect.key.partition(",")[0], {}).setdefault(attribute, effect)
    return [row for row in rows.values() if len(row) >= _FEWEST]


def _left(program: Program, cls: ClassInfo, mover: FunctionInfo, moved: Row, filled: Row) -> list[str]:
    """What is filled with nearly all that is moved, and that neither the move nor who calls it looks at."""
    shared = moved.keys() & filled.keys()
    if len(shared) < max(_FEWEST, (2 * len(moved) + 2) // 3):
        return []
    around = (mover, *those_around(program, mover, cls))
    seen = {d.attribute for f in around for d in does(program, f, cls)}
    seen |= {name for f in around for name in mentioned_by(program, f, cls)}
    left = [name for name in filled if name not in seen and name in cls.attributes]
    return left if len(left) <= _MOST_LEFT else []


def _why_harmless(program: Program, cls: ClassInfo, name: str) -> str:
    """What is the same in each row, or read by nobody, may stay where it is."""
    written = {(e.value, e.source) for _, e, _ in program.changes_named(name) if e.op == "insert" and e.via == "[]="}
    if len(written) == 1 and all(value == "constant" for value, _ in written):
        return f"but each row of self.{name} is given the same value"
    return "" if program.reads(cls, name) else f"but no code here reads self.{name}"


def _report(
    program: Program,
    cls: ClassInfo,
    mover: FunctionInfo,
    moved: Row,
    filler: FunctionInfo,
    filled: Row,
    name: str,
) -> Report:
    order = list(filled)
    before = [a for a in order[: order.index(name)] if a in moved] or [a for a in order if a in moved]
    beside = moved[before[-1]]
    others = ", ".join(f"self.{a}" for a in list(moved)[:3])
    harmless = _why_harmless(program, cls, name)
    return Report(
        program.place(mover, beside),
        symbol_of(mover),
        f"{mover.name} moves a row of {others} and {len(moved) - 3} more, and leaves that of self.{name}",
        (
            program.step(mover, beside, f"self.{before[-1]} goes along"),
            program.step(filler, filled[name], f"{filler.name} fills self.{name} with the others, under one key"),
        ),
        confidence="low" if harmless else "medium",
        reason=", ".join(
            filter(None, (f"{len(moved)} arrays are moved, nothing on the way looks at this one", harmless))
        ),
        subject=f"row:{name}",
        fix=f"move self.{name} too",
    )
