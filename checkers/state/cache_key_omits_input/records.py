"""A record of an object, compared later to tell whether it has changed, that leaves out fields others work with."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import dirname

from llmlint.code.domain.snapshots import Snapshot
from llmlint.code.domain.state import head_of, symbol_of
from llmlint.code.link.program import Program
from llmlint.code.link.typetext import names_in
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_FEWEST_READERS = 2
_LABELS = frozenset("name label debug extra padding".split())


def unrecorded(program: Program, snapshot: Snapshot) -> Iterator[Report]:
    readers = {field: _readers(program, snapshot, field) for field in snapshot.of.own_attributes}
    recorded = min((count for field, count in readers.items() if field in snapshot.fields), default=0)
    least = max(_FEWEST_READERS, recorded)
    left = [f for f in readers if f not in snapshot.fields and readers[f] >= least and _is_value(program, snapshot, f)]
    if len(left) <= len(snapshot.fields):
        for field in left:
            yield _report(program, snapshot, field, readers[field])


def _is_value(program: Program, snapshot: Snapshot, field: str) -> bool:
    """A pointer says where something lies, a struct has a life of its own, and a label is for people."""
    told = snapshot.of.own_attributes[field].annotation
    kinds = [kind for name in names_in(told, snapshot.taking.language) for kind in program.classes_named(name)]
    is_struct = any(member.annotation for kind in kinds for member in kind.facts.fields)  # an enum's have no type
    return "*" not in told and not is_struct and not _LABELS & set(words(field))


def _readers(program: Program, snapshot: Snapshot, field: str) -> int:
    """How many other functions of the same folder read the field of such an object."""
    reading = {read.function for read in program.reads(snapshot.of, field)} - {snapshot.taking, snapshot.comparing}
    return sum(function.path.startswith(dirname(snapshot.taking.path)) for function in reading)


def _report(program: Program, snapshot: Snapshot, field: str, readers: int) -> Report:
    taking, comparing, kind = snapshot.taking, snapshot.comparing, snapshot.of
    return Report(
        head_of(taking),
        symbol_of(taking),
        f"{taking.name} records {len(snapshot.fields)} fields of {kind.name} but not {field}",
        (
            program.step(taking, taking.facts.line, f"{taking.name} records {', '.join(sorted(snapshot.fields))}"),
            program.step(comparing, comparing.facts.line, f"{comparing.name} compares them later"),
            Step(kind.path, kind.own_attributes[field].line, f"{readers} functions around the record read {field}"),
        ),
        confidence="medium",
        reason=f"{field} is read by {readers} functions here, no fewer than what is recorded",
        subject=field,
        fix=f"record and compare {field} too, or say why it cannot change",
    )
