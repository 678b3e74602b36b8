"""Issues on disk: one SQLite file that any tool can read. A page of issues is stored whole or not at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import msgspec

from llmlint.study.issue import Issue
from llmlint.study.link import Link, Seen
from llmlint.study.verdict import Verdict

_APPLICATION = 0x4C4C4D49
"""LLMI: tells our files from other SQLite files."""
_VERSION = 1
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS issue (
    repository TEXT NOT NULL, number INTEGER NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
    reason TEXT NOT NULL, labels TEXT NOT NULL, association TEXT NOT NULL, comments INTEGER NOT NULL,
    reactions INTEGER NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL, closed TEXT NOT NULL,
    is_pull INTEGER NOT NULL, merged TEXT NOT NULL, url TEXT NOT NULL, PRIMARY KEY (repository, number)
);
CREATE TABLE IF NOT EXISTS reached (question TEXT PRIMARY KEY, updated TEXT NOT NULL, etag TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS verdict (
    repository TEXT NOT NULL, number INTEGER NOT NULL, made TEXT NOT NULL, kind TEXT NOT NULL, chapter TEXT NOT NULL,
    cause TEXT NOT NULL, confidence TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, words TEXT NOT NULL,
    PRIMARY KEY (repository, number)
);
CREATE TRIGGER IF NOT EXISTS judged_anew AFTER UPDATE ON issue BEGIN
    DELETE FROM verdict WHERE repository = old.repository AND number = old.number;
END;
CREATE TABLE IF NOT EXISTS link (
    repository TEXT NOT NULL, issue INTEGER NOT NULL, pull INTEGER NOT NULL, "commit" TEXT NOT NULL,
    parent TEXT NOT NULL, how TEXT NOT NULL, PRIMARY KEY (repository, issue)
);
CREATE TABLE IF NOT EXISTS seen (
    repository TEXT NOT NULL, "commit" TEXT NOT NULL, made TEXT NOT NULL, seen TEXT NOT NULL,
    PRIMARY KEY (repository, "commit")
);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""
_COLUMNS, _VERDICT = Issue.__struct_fields__, Verdict.__struct_fields__


def _prefixed(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in _COLUMNS)


_PUT = f"""
INSERT INTO issue ({", ".join(_COLUMNS)}) VALUES ({", ".join("?" * len(_COLUMNS))})
ON CONFLICT DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)}
WHERE excluded.updated > issue.updated OR excluded.updated = issue.updated
    AND ({_prefixed("issue")}) IS NOT ({_prefixed("excluded")})
"""
"""What is known to be older never takes the place of what is newer, whatever the order it comes in."""


class StoreError(ValueError):
    """The file cannot be used as a store; the message says why."""


class Reached(msgspec.Struct, frozen=True):
    """How far one question to a tracker has been answered: up to which time of change, and the answer's tag."""

    updated: str = ""
    etag: str = ""


class IssueStore:
    """Use it as a context; `must_exist` for those who only read."""

    def __init__(self, file: Path, must_exist: bool = False) -> None:
        if must_exist and not file.is_file():
            raise StoreError(f"no file {file}: fetch or import issues first")
        self.file = file
        try:
            self._database = sqlite3.connect(file, timeout=30)
            self._check()
            self._database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise StoreError(f"{file}: {error}") from error

    def _check(self) -> None:
        ours = self._pragma("application_id") == _APPLICATION
        if not ours and self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StoreError(f"{self.file}: is a database of something else")
        if ours and self._pragma("user_version") != _VERSION:
            raise StoreError(f"{self.file}: was written by another version of llmlint; fetch or import into a new file")

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])

    def __enter__(self) -> IssueStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._database.close()

    # ------------------------------------------------------------ writing

    def put(self, issues: Iterable[Issue], question: str = "", reached: Reached | None = None) -> int:
        """Stores a page, and with it how far its question has come. How many were new or changed."""
        with self._database:
            before = self._database.total_changes
            self._database.executemany(_PUT, map(_row, issues))
            changed = self._database.total_changes - before
            if reached is not None:
                row = (question, reached.updated, reached.etag)
                self._database.execute("INSERT OR REPLACE INTO reached VALUES (?, ?, ?)", row)
        return changed

    def put_verdicts(self, made: str, judged: Iterable[tuple[Issue, Verdict]]) -> None:
        """`made` stands for what they were made with; those made with something else are never given out."""
        marks = ", ".join("?" * (len(_VERDICT) + 4))
        with self._database:
            self._database.executemany(
                f"INSERT OR REPLACE INTO verdict VALUES ({marks})",
                (
                    (
                        issue.repository,
                        issue.number,
                        made,
                        *msgspec.structs.astuple(verdict),
                        _stored(verdict.words(issue)),
                    )
                    for issue, verdict in judged
                ),
            )

    def put_links(self, repository: str, links: Iterable[Link]) -> None:
        """In the place of those of before."""
        with self._database:
            self._database.execute("DELETE FROM link WHERE repository = ?", (repository,))
            rows = map(msgspec.structs.astuple, links)
            self._database.executemany("INSERT INTO link VALUES (?, ?, ?, ?, ?, ?)", rows)

    def put_seen(self, repository: str, commit: str, made: str, seen: Seen) -> None:
        row = (repository, commit, made, _stored(msgspec.json.encode(seen).decode()))
        with self._database:
            self._database.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", row)

    # ------------------------------------------------------------ reading

    def links(self) -> dict[tuple[str, int], Link]:
        rows = self._database.execute('SELECT repository, issue, pull, "commit", parent, how FROM link ORDER BY 1, 2')
        return {(row[0], row[1]): Link(*row) for row in rows}

    def seen(self, made: str) -> dict[tuple[str, str], Seen]:
        """What scans of fixes showed, by repository and commit."""
        rows = self._database.execute('SELECT repository, "commit", seen FROM seen WHERE made = ?', (made,))
        return {(row[0], row[1]): msgspec.json.decode(row[2], type=Seen) for row in rows}

    def verdicts(self, made: str) -> dict[tuple[str, int], Verdict]:
        columns = ", ".join(f'"{name}"' for name in _VERDICT)
        rows = self._database.execute(f"SELECT repository, number, {columns} FROM verdict WHERE made = ?", (made,))
        return {(row[0], row[1]): Verdict(**dict(zip(_VERDICT, row[2:], strict=True))) for row in rows}

    def reached(self, question: str) -> Reached:
        row = self._database.execute("SELECT updated, etag FROM reached WHERE question = ?", (question,)).fetchone()
        return Reached(*row) if row else Reached()

    def issues(self, repositories: Sequence[str] = (), pulls: bool = False) -> Iterator[Issue]:
        """By repository, the newest number first, as trackers list them; issues, or else pull requests."""
        wanted = f"AND repository IN ({', '.join('?' * len(repositories))})" if repositories else ""
        query = f"SELECT {', '.join(_COLUMNS)} FROM issue WHERE is_pull = ? {wanted} ORDER BY repository, number DESC"
        for row in self._database.execute(query, (pulls, *repositories)):
            yield _issue(row)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Issues and pull requests of each repository."""
        rows = self._database.execute(
            "SELECT repository, sum(NOT is_pull), sum(is_pull) FROM issue GROUP BY repository ORDER BY repository"
        )
        return {repository: (issues, pulls) for repository, issues, pulls in rows}


def _row(issue: Issue) -> tuple[object, ...]:
    return tuple(json.dumps(issue.labels) if name == "labels" else _stored(getattr(issue, name)) for name in _COLUMNS)


def _stored(value: object) -> object:
    """SQLite holds no lone surrogates, which JSON can bring."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _issue(row: Sequence[object]) -> Issue:
    given = dict(zip(_COLUMNS, row, strict=True))
    given["labels"] = tuple(json.loads(str(given["labels"])))
    given["is_pull"] = bool(given["is_pull"])
    return Issue(**given)  # type: ignore[arg-type]
