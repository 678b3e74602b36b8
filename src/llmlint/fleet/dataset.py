"""The results as Parquet: one folder that pyarrow, DuckDB and everything else that reads Parquet can ask.

findings.parquet               each finding of each project, once: first and last seen, what made it disappear
revisions.parquet              what was scanned
sightings/project=P/SHA.parquet   the findings of one revision: what a run that was ended goes on from
ends/project=P/SHA.parquet        how those ended that the revision does not show any more: so is this
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from llmlint.writing import write_file

_GENERATION = b"llmlint"


class Sighting(msgspec.Struct, frozen=True):
    """A finding at one revision. `about` names the files that its evidence stands in."""

    commit: str
    date: str
    rule: str
    name: str
    path: str
    symbol: str
    line: int
    severity: str
    confidence: str
    message: str
    fingerprint: str
    about: tuple[str, ...]


class Revision(msgspec.Struct, frozen=True):
    """One scanned revision. `number` counts a project's revisions from its oldest."""

    project: str
    number: int
    commit: str
    date: str
    files: int
    lines: int
    findings: int
    faults: int


class Life(msgspec.Struct, frozen=True):
    """A finding from the first revision that shows it to the last, and the commit that ended it.

    `from_the_start`: it was there at the first revision, so nobody knows since when. `gone` says how it ended: by a
    commit that says it is a fix ("fix"), with the function or file it stood in ("removed"), or otherwise ("changed");
    "" while it is there. `gaps` counts how often it was away and came back.
    """

    project: str
    rule: str
    name: str
    severity: str
    confidence: str
    path: str
    symbol: str
    line: int
    message: str
    fingerprint: str
    first_seen: str
    first_date: str
    last_seen: str
    last_date: str
    revisions: int
    gaps: int
    from_the_start: bool
    gone: str = ""
    gone_after: str = ""
    gone_by: str = ""
    gone_date: str = ""
    gone_subject: str = ""

    @property
    def known_by(self) -> tuple[str, str, int, str, str]:
        return self.path, self.fingerprint, self.line, self.last_seen, self.gone_after


_TYPES = {"str": pa.string(), "int": pa.int64(), "bool": pa.bool_(), "tuple[str, ...]": pa.list_(pa.string())}

Row = TypeVar("Row", Sighting, Revision, Life)


def _schema(kind: type[msgspec.Struct]) -> pa.Schema:
    return pa.schema([(name, _TYPES[str(kind.__annotations__[name])]) for name in kind.__struct_fields__])


class DataSet:
    """The folder. Each file is written whole, in one move."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _file(self, kind: str, project: str, commit: str) -> Path:
        return self.folder / kind / f"project={project}" / f"{commit}.parquet"

    def stored(self, project: str, commit: str, generation: str) -> tuple[Revision, list[Sighting]] | None:
        """What an earlier run with the same tool and settings found at a revision."""
        table = _read(self._file("sightings", project, commit), generation)
        if table is None:
            return None
        revision = msgspec.json.decode(table.schema.metadata[b"revision"], type=Revision)
        return revision, msgspec.convert(table.to_pylist(), list[Sighting])

    def store(self, revision: Revision, sightings: Sequence[Sighting], generation: str) -> None:
        about = {_GENERATION: generation.encode(), b"revision": msgspec.json.encode(revision)}
        _write(self._file("sightings", revision.project, revision.commit), Sighting, sightings, about)

    def ended(self, project: str, commit: str, generation: str) -> list[Life]:
        """How those ended that a revision does not show any more, as earlier runs of the same make found."""
        table = _read(self._file("ends", project, commit), generation)
        return [] if table is None else msgspec.convert(table.to_pylist(), list[Life])

    def store_ended(self, project: str, commit: str, lives: Sequence[Life], generation: str) -> None:
        """Beside what is known already."""
        known = {life.known_by: life for life in (*self.ended(project, commit, generation), *lives)}
        about = {_GENERATION: generation.encode()}
        _write(self._file("ends", project, commit), Life, [known[key] for key in sorted(known)], about)

    def revisions(self, project: str) -> list[Revision]:
        """What the last run told of, oldest first."""
        table = _read(self.folder / "revisions.parquet")
        found = [] if table is None else msgspec.convert(table.to_pylist(), list[Revision])
        return sorted((one for one in found if one.project == project), key=lambda revision: revision.number)

    def write_summary(self, revisions: Sequence[Revision], lives: Sequence[Life]) -> None:
        _write(self.folder / "revisions.parquet", Revision, revisions)
        _write(self.folder / "findings.parquet", Life, lives)


def _read(file: Path, generation: str | None = None) -> pa.Table | None:
    """None where there is none, or one of another generation."""
    try:
        table = pq.read_table(file, partitioning=None)
    except (OSError, pa.ArrowInvalid):
        return None
    made = (table.schema.metadata or {}).get(_GENERATION)
    return table if generation is None or made == generation.encode() else None


def _write(file: Path, kind: type[Row], rows: Sequence[Row], about: dict[bytes, bytes] | None = None) -> None:
    plain: list[dict[str, Any]] = [msgspec.to_builtins(row) for row in rows]
    table = pa.Table.from_pylist(plain, schema=_schema(kind).with_metadata(about))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    write_file(file, sink.getvalue().to_pybytes(), parents=True)
