"""Arrays that are written by the same slot: a reset fills several of them anew and leaves one that goes with them.

What lies in a slot is often stale and never read. Here the reset itself says that it matters: it blanks two arrays or
more, each function that writes the one it leaves writes one of these, some function writes it with two of them, and one
that does not write it reads it: it is no scratch paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.state.restore_leaves_state.owing import SHOWN, is_owed, listed, may_last, runtime
from llmlint.code.domain.fields import Fields
from llmlint.code.domain.state import handled_by, head_of, is_setup, mentioned_by, only_logged, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import does
from llmlint.code.link.program import AttributeInfo, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step

_FEWEST = 2
_ARRAYS = frozenset("vector array list List deque".split())
_MAKERS = frozenset("zeros ones full empty arange zeros_like full_like vector".split())


def parallel(program: Program, cls: ClassInfo) -> Iterator[Report]:
    fields: Fields | None = None
    for method in cls.methods.values():
        owed = program.vocabulary.is_reset(method.name)
        if owed is None or method in cls.building or is_setup(method):
            continue
        fields = fields or Fields(program, cls)
        yield from _left(program, cls, fields, method, owed)


def _left(
    program: Program, cls: ClassInfo, fields: Fields, method: FunctionInfo, owed: tuple[str, ...]
) -> Iterator[Report]:
    blanked = {
        done.attribute: done.effect
        for done in does(program, method, cls)
        if done.how == "clear" and done.is_whole and done.effect.via != "=" and _by_slot(fields, done.attribute)
    }
    if len(blanked) < _FEWEST:
        return
    seen_to = {*handled_by(program, method, cls), *(mentioned_by(program, method, cls) - only_logged(method))}
    for name in list(fields.moves):
        if name in seen_to or not is_owed(owed, name) or not _is_array(cls.attributes[name]) or may_last(name):
            continue
        writing = _by_slot(fields, name) - {method}
        with_it = {f: sum(f in _by_slot(fields, other) for other in blanked) for f in writing}
        is_asked = any(read.function not in writing | {method} for read in program.reads(cls, name))
        if is_asked and with_it and min(with_it.values()) > 0 and max(with_it.values()) >= _FEWEST:
            writer = max(sorted(with_it, key=lambda f: f.order), key=lambda f: with_it[f])
            yield _report(cls, fields, method, name, writer, blanked)


def _is_array(known: AttributeInfo) -> bool:
    outer = re.split(r"[<\[]", known.annotation.removeprefix("const "))[0].replace("::", ".").rpartition(".")[2].strip()
    return outer in _ARRAYS or (known.value == "new" and known.source.rpartition(".")[2] in _MAKERS)


def _by_slot(fields: Fields, name: str) -> set[FunctionInfo]:
    """The functions that write single slots of the array."""
    return {
        function
        for function, effects in fields.moves.get(name, {}).items()
        if any(effect.path == f"self.{name}[]" or effect.via.startswith("[]") for effect in effects)
    }


def _report(
    cls: ClassInfo, fields: Fields, method: FunctionInfo, name: str, writer: FunctionInfo, blanked: dict[str, Effect]
) -> Report:
    moved = fields.moves[name][writer][0]
    names = listed([f"self.{other}" for other in blanked])
    lines = [(other, effect) for other, effect in blanked.items() if effect in method.effects]
    return Report(
        head_of(method),
        symbol_of(method),
        f"{method.name} fills {names} anew and leaves self.{name}, which is written with them slot by slot",
        (
            *(
                Step(method.path, effect.line, f"{method.name} fills self.{other} anew")
                for other, effect in lines[:SHOWN]
            ),
            Step(writer.path, moved.line, f"{writer.name} writes a slot of self.{name} with theirs"),
        ),
        confidence="medium",
        reason="each function that writes it writes one of these, and the reset does not so much as look at it",
        subject=f"parallel:{name}",
        fix=f"fill self.{name} anew too",
        data={"runtime": runtime(cls, method, [name])},
    )
