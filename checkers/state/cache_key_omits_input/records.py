"""A record of an object, compared later to tell whether it has changed, that leaves out fields others work with."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.program import Program
from llmlint.code.snapshots import Snapshot
from llmlint.code.state import head_of, symbol_of
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_FEWEST_READERS = 2
_LABELS = frozenset("name label debug extra padding".split())


def unrecorded(program: Program, snapshot: Snapshot) -> Iterator[Report]:
    taking, comparing, fields = snapshot.taking, snapshot.comparing, snapshot.of.own_attributes
    readers = {field: _readers(program, snapshot, field) for field in fields}
    least = max(
        _FEWEST_READERS, min((count for field, count in readers.items() if field in snapshot.fields), default=0)
    )
    left = [f for f in fields if f not in snapshot.fields and readers[f] >= least and not _is_aside(program, f)]
    if not left or len(left) > len(snapshot.fields):
        return
    names = ", ".join(left)
    yield Report(
        head_of(taking),
        symbol_of(taking),
        f"{taking.name} records {len(snapshot.fields)} fields of {snapshot.of.name} but not {names}",
        (
            program.step(taking, taking.facts.line, f"{taking.name} records {', '.join(sorted(snapshot.fields))}"),
            program.step(comparing, comparing.facts.line, f"{comparing.name} compares them later"),
            *(Step(snapshot.of.path, fields[f].line, f"{readers[f]} functions of the file read {f}") for f in left[:3]),
        ),
        confidence="medium",
        reason=f"{left[0]} is read by {readers[left[0]]} functions here, no fewer than what is recorded",
        subject=names,
        fix=f"record and compare {names} too, or say why it cannot change",
    )


def _is_aside(program: Program, field: str) -> bool:
    return program.vocabulary.is_not_state(field) or bool(_LABELS & set(words(field)))


def _readers(program: Program, snapshot: Snapshot, field: str) -> int:
    """How many other functions of the same file read the field of such an object."""
    reading = {read.function for read in program.reads(snapshot.of, field)} - {snapshot.taking, snapshot.comparing}
    return sum(function.path == snapshot.taking.path for function in reading)
