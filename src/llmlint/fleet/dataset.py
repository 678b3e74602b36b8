"""The results as Parquet: one folder that pyarrow, DuckDB and everything else that reads Parquet can ask.

findings.parquet               each finding of each project, once: first and last seen, what made it disappear
revisions.parquet              what was scanned
sightings/project=P/SHA.parquet   the findings of one revision: what a run that was ended goes on from
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from llmlint.writing import write_file

_GENERATION = b"llmlint"

Known = dict[tuple[str, str, int, str, str], "Life"]
"""How findings ended, by what is known of them without asking."""


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

    def _sightings(self, project: str, commit: str) -> Path:
        return self.folder / "sightings" / f"project={project}" / f"{commit}.parquet"

    def stored(self, project: str, commit: str, generation: str) -> tuple[Revision, list[Sighting]] | None:
        """What an earlier run with the same tool and settings found at a revision."""
        file = self._sightings(project, commit)
        try:
            table = pq.read_table(file, partitioning=None)
        except (OSError, pa.ArrowInvalid):
            return None
        told = table.schema.metadata or {}
        if told.get(_GENERATION) != generation.encode():
            return None
        revision = msgspec.json.decode(told[b"revision"], type=Revision)
        return revision, msgspec.convert(table.to_pylist(), list[Sighting])

    def store(self, revision: Revision, sightings: Sequence[Sighting], generation: str) -> None:
        about = {_GENERATION: generation.encode(), b"revision": msgspec.json.encode(revision)}
        self._write(self._sightings(revision.project, revision.commit), Sighting, sightings, about)

    def revisions(self, project: str) -> list[Revision]:
        """What the last run told of, oldest first."""
        found = msgspec.convert(self._rows("revisions.parquet"), list[Revision])
        return sorted((one for one in found if one.project == project), key=lambda revision: revision.number)

    def ends(self, project: str, generation: str) -> Known:
        """The lives whose end an earlier run with the same tool and settings found."""
        if self._about("findings.parquet").get(project.encode()) != generation.encode():
            return {}
        lives = msgspec.convert(self._rows("findings.parquet"), list[Life])
        return {life.known_by: life for life in lives if life.project == project and life.gone_by}

    def write_summary(
        self, revisions: Sequence[Revision], lives: Sequence[Life], generations: Mapping[str, str]
    ) -> None:
        about = {project.encode(): generation.encode() for project, generation in generations.items()}
        self._write(self.folder / "revisions.parquet", Revision, revisions)
        self._write(self.folder / "findings.parquet", Life, lives, about)

    def _rows(self, name: str) -> list[dict[str, Any]]:
        try:
            rows: list[dict[str, Any]] = pq.read_table(self.folder / name).to_pylist()
        except (OSError, pa.ArrowInvalid):
            return []
        return rows

    def _about(self, name: str) -> Mapping[bytes, bytes]:
        try:
            return pq.read_schema(self.folder / name).metadata or {}
        except (OSError, pa.ArrowInvalid):
            return {}

    def _write(self, file: Path, kind: type[Row], rows: Sequence[Row], about: dict[bytes, bytes] | None = None) -> None:
        plain: list[dict[str, Any]] = [msgspec.to_builtins(row) for row in rows]
        table = pa.Table.from_pylist(plain, schema=_schema(kind).with_metadata(about))
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        write_file(file, sink.getvalue().to_pybytes(), parents=True)
