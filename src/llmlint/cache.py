"""The cache of file records, keyed by content: one SQLite file, safe under concurrent scans and `kill -9`.

SQLite's own journal gives the safety; a database that is none any more is thrown away and begun anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

FILE_NAME = "facts.sqlite3"
_CHUNK = 500
_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (key TEXT PRIMARY KEY, blob BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stat (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, key TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS result (key TEXT PRIMARY KEY, blob BLOB NOT NULL) WITHOUT ROWID;
"""


class Cache:
    """Records by content key, content keys by file stamp, whole results by what went into them.

    `generation` stands for the tool, its rules and its words: entries of another one are never seen. Every failure of
    the database turns the cache off for this scan and is told once in `warning`.
    """

    def __init__(self, directory: Path | None, generation: str) -> None:
        self.generation = generation
        self.warning = ""
        self._database: sqlite3.Connection | None = None
        if directory is not None:
            self._database = self._open(directory)

    def _open(self, directory: Path) -> sqlite3.Connection | None:
        file = directory / FILE_NAME
        try:
            directory.mkdir(parents=True, exist_ok=True)
            ignore = directory / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
            return self._connect(file)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "file is not a database" not in str(error):
                self.warning = f"cache {file}: {error}; going on without it"
                return None
            self.warning = f"cache {file} was damaged ({error}); it is built anew"
            return self._rebuild(file)
        except OSError as error:
            self.warning = f"cache {directory}: {error.strerror or error}; going on without it"
            return None

    @staticmethod
    def _connect(file: Path) -> sqlite3.Connection:
        database = sqlite3.connect(file, timeout=10)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.executescript(_SCHEMA)
        return database

    def _rebuild(self, file: Path) -> sqlite3.Connection | None:
        try:
            for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
                (file.parent / name).unlink(missing_ok=True)
            return self._connect(file)
        except (OSError, sqlite3.Error):
            return None

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    # ------------------------------------------------------------ reading

    def records(self, keys: Sequence[str]) -> dict[str, bytes]:
        return self._select("SELECT key, blob FROM record WHERE key IN", keys)

    def result(self, key: str) -> bytes | None:
        return self._select("SELECT key, blob FROM result WHERE key IN", [key]).get(key)

    def keys_of(self, stamps: Mapping[str, str]) -> dict[str, str]:
        """The content key of each path whose stamp is as it was when the key was taken."""
        if self._database is None:
            return {}
        try:
            rows = self._database.execute("SELECT path, stamp, key FROM stat").fetchall()
        except sqlite3.Error as error:
            self._fail(error)
            return {}
        return {path: key for path, stamp, key in rows if stamps.get(path) == stamp}

    def _select(self, query: str, keys: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        if self._database is None:
            return found
        prefix = f"{self.generation}:"
        try:
            for start in range(0, len(keys), _CHUNK):
                chunk = [prefix + key for key in keys[start : start + _CHUNK]]
                marks = ",".join("?" * len(chunk))
                for key, blob in self._database.execute(f"{query} ({marks})", chunk):
                    found[key[len(prefix) :]] = blob
        except sqlite3.Error as error:
            self._fail(error)
        return found

    # ------------------------------------------------------------ writing

    def store_records(self, records: Iterable[tuple[str, bytes]]) -> None:
        rows = ((f"{self.generation}:{key}", blob) for key, blob in records)
        self._write("INSERT OR REPLACE INTO record VALUES (?, ?)", rows)

    def store_stamps(self, rows: Iterable[tuple[str, str, str]]) -> None:
        self._write("INSERT OR REPLACE INTO stat VALUES (?, ?, ?)", rows)

    def store_result(self, key: str, blob: bytes) -> None:
        self._write("INSERT OR REPLACE INTO result VALUES (?, ?)", [(f"{self.generation}:{key}", blob)])

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        if self._database is None:
            return
        try:
            with self._database:
                self._database.executemany(statement, rows)
        except sqlite3.Error as error:
            self._fail(error)

    def _fail(self, error: sqlite3.Error) -> None:
        self.warning = self.warning or f"cache: {error}; going on without it"
        self.close()


def cache_info(directory: Path) -> dict[str, int]:
    """Entries and bytes, for `llmlint cache info`."""
    file = directory / FILE_NAME
    if not file.exists():
        return {"records": 0, "results": 0, "bytes": 0}
    database = sqlite3.connect(file)
    try:
        records = database.execute("SELECT count(*) FROM record").fetchone()[0]
        results = database.execute("SELECT count(*) FROM result").fetchone()[0]
    except sqlite3.Error:
        records = results = 0
    finally:
        database.close()
    return {"records": records, "results": results, "bytes": file.stat().st_size}


def clear_cache(directory: Path) -> int:
    """Removes the cache's files; answers how many there were."""
    files = [f for f in directory.glob(f"{FILE_NAME}*") if f.is_file()]
    for file in files:
        file.unlink()
    return len(files)
